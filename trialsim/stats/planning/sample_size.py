"""Power and patients are two readings of one formula: the distance an effect stands from its null.

An estimate with N patients has variance sd0**2 / N when the arms are equal and sd**2 / N at the
effect; N patients give the power P when distance * sqrt(N) = z(alpha) * sd0 + z(P) * sd. The
methods differ only in the two standard deviations. Patients are totals of both arms, not rounded:
`arm_sizes` rounds. Scales are cell probabilities, worst to best, on the last axis; effects, scales
and patients broadcast as batches. `sides` is 1 or 2 and a one-sided test looks in the direction of
the effect; the chance to reject on the wrong side is not counted. No effect costs infinitely many
patients.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.planning.scale_effects import check_cells, theta_of_cells


class ArmSizes(NamedTuple):
    """Whole patients of each arm."""

    treated: Integers
    control: Integers


def arm_sizes(patients: ArrayLike, treated_share: float = 0.5) -> ArmSizes:
    """Round a total up to whole patients and share it out; the odd patient is treated.

    >>> sizes = arm_sizes(110.2)
    >>> sizes.treated.item(), sizes.control.item()
    (56, 55)
    """
    check_probability("treated_share", treated_share)
    total = np.ceil(np.asarray(patients, float))
    if not np.all(np.isfinite(total)):
        raise ValueError(f"patients must be finite (got {total.tolist()})")
    treated = np.ceil(total * treated_share * (1 - 1e-12))
    return ArmSizes(treated.astype(np.int64), (total - treated).astype(np.int64))


def noether_patients(
    theta: ArrayLike,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the patients that a Mann-Whitney test needs, Noether (1987), JASA 82:645.

    For a scale without ties and effects near 0.5: both variances are that of equal arms.

    >>> noether_patients(0.64, 0.9).round(1).item()
    178.7
    """
    sd = _noether_sd(treated_share)
    return _patients(_distance(theta), sd, sd, power, alpha, sides)


def noether_power(
    theta: ArrayLike,
    patients: ArrayLike,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the power of a Mann-Whitney test, Noether (1987).

    >>> noether_power(0.65, 100).round(4).item()
    0.7383
    """
    sd = _noether_sd(treated_share)
    return _power(_distance(theta), sd, sd, patients, alpha, sides)


def zhao_patients(
    treated: Floats,
    control: Floats,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the patients that a Mann-Whitney test needs on a scale with ties.

    Zhao, Rahardja and Qu (2008), Statistics in Medicine 27:462, eq. 12: Noether's formula with the
    variance of equal arms corrected for the ties of the pooled scale.

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> zhao_patients(*scale, power=0.8).round(1).item()
    150.1
    """
    sd = _null_sd(treated, control, treated_share)
    return _patients(_distance(theta_of_cells(treated, control)), sd, sd, power, alpha, sides)


def zhao_power(
    treated: Floats,
    control: Floats,
    patients: ArrayLike,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the power of a Mann-Whitney test on a scale with ties, Zhao et al. (2008).

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> zhao_power(*scale, patients=200).round(4).item()
    0.8986
    """
    sd = _null_sd(treated, control, treated_share)
    return _power(_distance(theta_of_cells(treated, control)), sd, sd, patients, alpha, sides)


def happ_patients(
    treated: Floats,
    control: Floats,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the patients that a Mann-Whitney test needs, with ties and the variance at the effect.

    Happ, Bathke and Brunner (2019), Statistics in Medicine 38:363. The variance of equal arms
    is that of the two scales mixed in the shares of the allocation (the package WMWssp mixes
    them in the shares of its pilot data).

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> happ_patients(*scale, power=0.8).round(1).item()
    146.6
    """
    null_sd, sd = _happ_sds(treated, control, treated_share)
    return _patients(_distance(theta_of_cells(treated, control)), null_sd, sd, power, alpha, sides)


def happ_power(
    treated: Floats,
    control: Floats,
    patients: ArrayLike,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the power of a Mann-Whitney test, with ties and the variance at the effect.

    Happ, Bathke and Brunner (2019), as in `happ_patients`. Complete separation has no variance: the
    power is then 1 or 0.

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> happ_power(*scale, patients=200).round(4).item()
    0.9075
    """
    null_sd, sd = _happ_sds(treated, control, treated_share)
    distance = _distance(theta_of_cells(treated, control))
    return _power(distance, null_sd, sd, patients, alpha, sides)


def whitehead_patients(
    cells: Floats,
    odds_ratio: ArrayLike,
    power: float,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the patients that a proportional odds analysis needs.

    Whitehead (1993), Statistics in Medicine 12:2257: the log odds ratio has the variance
    3 / (N t (1 - t) (1 - sum p**3)), for a share t of treated. `cells` is the mean of the two arms'
    cell probabilities, shape (..., cells).

    >>> whitehead_patients(np.array([0.1, 0.2, 0.4, 0.3]), 1.2, 0.8).round(1).item()
    3148.3
    """
    one = np.asarray(1.0)
    return _patients(_log_distance(cells, odds_ratio, treated_share), one, one, power, alpha, sides)


def whitehead_power(
    cells: Floats,
    odds_ratio: ArrayLike,
    patients: ArrayLike,
    alpha: float = 0.05,
    sides: int = 2,
    treated_share: float = 0.5,
) -> Floats:
    """Return the power of a proportional odds analysis, Whitehead (1993).

    As in the paper (and in Hmisc's `popower`) the information here is divided by (N + 1)**2 where
    that of the sample size is divided by N**2, so that the patients for a power have a little less
    of it.

    >>> whitehead_power(np.array([0.1, 0.2, 0.4, 0.3]), 1.2, 1000).round(3).item()
    0.351
    """
    distance, one = _log_distance(cells, odds_ratio, treated_share), np.asarray(1.0)
    total = np.asarray(patients, float)
    return _power(distance, one, one, total * (total / (total + 1)) ** 2, alpha, sides)


def _patients(
    distance: Floats, null_sd: Floats, sd: Floats, power: float, alpha: float, sides: int
) -> Floats:
    check_probability("power", power)
    level = _level(alpha, sides)
    if power <= level:
        raise ValueError(f"power must be above alpha / sides (got {power})")
    root = divide(
        -scipy.special.ndtri(level) * null_sd + scipy.special.ndtri(power) * sd, distance, np.inf
    )
    return np.asarray(np.maximum(root, 0.0) ** 2)


def _power(
    distance: Floats, null_sd: Floats, sd: Floats, patients: ArrayLike, alpha: float, sides: int
) -> Floats:
    total = np.asarray(patients, float)
    if not np.all(total >= 0):
        raise ValueError(f"patients must not be negative (got {np.min(total)})")
    reach = distance * np.sqrt(total) + scipy.special.ndtri(_level(alpha, sides)) * null_sd
    certain = np.where(reach > 0, 1.0, 0.0)
    return np.where(sd > 0, scipy.special.ndtr(divide(reach, sd, 0.0)), certain)


def _level(alpha: float, sides: int) -> float:
    check_probability("alpha", alpha)
    if sides not in (1, 2):
        raise ValueError(f"sides must be 1 or 2 (got {sides})")
    return alpha / sides


def _distance(theta: ArrayLike) -> Floats:
    effect = np.asarray(theta, float)
    if not np.all((effect >= 0) & (effect <= 1)):
        raise ValueError(f"theta must lie from 0 to 1 (got {effect.tolist()})")
    distance = np.abs(effect - 0.5)
    # Sums of cell probabilities bring rounding with them: equal arms are no effect.
    return np.where(distance < 1e-14, 0.0, distance)


def _log_distance(cells: Floats, odds_ratio: ArrayLike, treated_share: float) -> Floats:
    """Log odds ratio over the SD per patient of its estimate; a single cell has no information."""
    cells, ratio = np.asarray(cells, float), np.asarray(odds_ratio, float)
    check_cells(cells)
    if not np.all(ratio > 0):
        raise ValueError(f"odds_ratio must be positive (got {ratio.tolist()})")
    return np.asarray(np.abs(np.log(ratio)) * np.sqrt(_shares(treated_share) * _untied(cells) / 3))


def _noether_sd(treated_share: float) -> Floats:
    return np.asarray(np.sqrt(1 / (12 * _shares(treated_share))))


def _null_sd(treated: Floats, control: Floats, treated_share: float) -> Floats:
    """SD per patient of theta when both arms have the mixture of the two scales."""
    shares = _shares(treated_share)
    pooled = treated_share * np.asarray(treated) + (1 - treated_share) * np.asarray(control)
    return np.asarray(np.sqrt(_untied(pooled) / (12 * shares)))


def _happ_sds(treated: Floats, control: Floats, treated_share: float) -> tuple[Floats, Floats]:
    null_sd = _null_sd(treated, control, treated_share)
    variance = _placement_variance(treated, control) / treated_share + _placement_variance(
        control, treated
    ) / (1 - treated_share)
    return null_sd, np.sqrt(variance)


def _shares(treated_share: float) -> Floats:
    check_probability("treated_share", treated_share)
    return np.asarray(treated_share * (1 - treated_share))


def _untied(cells: Floats) -> Floats:
    """1 - sum(p**3): what ties leave of the variance of ranks."""
    return np.asarray(np.maximum(1 - np.sum(cells**3, axis=-1), 0.0))


def _placement_variance(cells: Floats, others: Floats) -> Floats:
    """Variance over one arm of the share of the other arm below, ties counting half."""
    placements = np.cumsum(others, axis=-1) - np.asarray(others) / 2
    mean = np.sum(cells * placements, axis=-1, keepdims=True)
    return np.asarray(np.sum(cells * (placements - mean) ** 2, axis=-1))

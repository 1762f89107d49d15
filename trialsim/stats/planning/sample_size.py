"""Power and patients are two readings of one formula: the distance an effect stands from its null.

An estimate with N patients has variance sd0**2 / N when the arms are equal and sd**2 / N at the
effect; N patients give the power P when distance * sqrt(N) = z(alpha) * sd0 + z(P) * sd. The
methods differ only in the two standard deviations. Patients are totals of both arms, not rounded.
Scales are cell probabilities, worst to best, on the last axis; effects, scales
and patients broadcast as batches. `sides` is 1 or 2 and a one-sided test looks in the direction of
the effect; the chance to reject on the wrong side is not counted. No effect costs infinitely many
patients.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, divide
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.planning.scale_effects import theta_of_cells


class Planned(NamedTuple):
    """A test of an effect as a formula sees it, for any number of patients."""

    distance: Floats
    """Of the effect from its null value."""
    null_sd: Floats
    """SD of the estimate times the root of the patients, when the arms are equal."""
    sd: Floats
    """The same at the effect."""

    def patients(self, power: float, alpha: float = 0.05, sides: int = 2) -> Floats:
        """Return the patients that the test needs for a power.

        >>> noether(0.64).patients(0.9).round(1).item()
        178.7
        """
        check_probability("power", power)
        level = _level(alpha, sides)
        if power <= level:
            raise ValueError(f"power must be above alpha / sides (got {power})")
        reach = -scipy.special.ndtri(level) * self.null_sd + scipy.special.ndtri(power) * self.sd
        return np.asarray(np.maximum(divide(reach, self.distance, np.inf), 0.0) ** 2)

    def power(self, patients: ArrayLike, alpha: float = 0.05, sides: int = 2) -> Floats:
        """Return the power of the test with so many patients; 1 or 0 where nothing varies.

        >>> noether(0.65).power(100).round(4).item()
        0.7383
        """
        total = np.asarray(patients, float)
        if not np.all(total >= 0):
            raise ValueError(f"patients must not be negative (got {np.min(total)})")
        lost = scipy.special.ndtri(_level(alpha, sides)) * self.null_sd
        reach = self.distance * np.sqrt(total) + lost
        certain = np.where(reach > 0, 1.0, 0.0)
        return np.where(self.sd > 0, scipy.special.ndtr(divide(reach, self.sd, 0.0)), certain)


def noether(theta: ArrayLike, treated_share: float = 0.5) -> Planned:
    """Plan a Mann-Whitney test after Noether (1987), JASA 82:645.

    For a scale without ties and effects near 0.5: both variances are that of equal arms.
    """
    sd = np.asarray(np.sqrt(1 / (12 * _shares(treated_share))))
    return Planned(_distance(theta), sd, sd)


def zhao(treated: Floats, control: Floats, treated_share: float = 0.5) -> Planned:
    """Plan a Mann-Whitney test on a scale with ties.

    Zhao, Rahardja and Qu (2008), Statistics in Medicine 27:462, eq. 12: Noether's formula with the
    variance of equal arms corrected for the ties of the pooled scale.

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> zhao(*scale).patients(0.8).round(1).item(), zhao(*scale).power(200).round(4).item()
    (150.1, 0.8986)
    """
    sd = _null_sd(treated, control, treated_share)
    return Planned(_distance(theta_of_cells(treated, control)), sd, sd)


def happ(treated: Floats, control: Floats, treated_share: float = 0.5) -> Planned:
    """Plan a Mann-Whitney test with ties and the variance at the effect.

    Happ, Bathke and Brunner (2019), Statistics in Medicine 38:363. The variance of equal arms
    is that of the two scales mixed in the shares of the allocation (the package WMWssp mixes
    them in the shares of its pilot data). Complete separation has no variance: the power is then 1
    or 0.

    >>> scale = np.array([0.15, 0.1, 0.15, 0.25, 0.35]), np.array([0.3, 0.15, 0.15, 0.2, 0.2])
    >>> happ(*scale).patients(0.8).round(1).item(), happ(*scale).power(200).round(4).item()
    (146.6, 0.9075)
    """
    variance = _placement_variance(treated, control) / treated_share + _placement_variance(
        control, treated
    ) / (1 - treated_share)
    null_sd = _null_sd(treated, control, treated_share)
    return Planned(_distance(theta_of_cells(treated, control)), null_sd, np.sqrt(variance))


def normal_sum(
    distances: Floats, null_covariance: Floats, covariance: Floats, weights: Floats
) -> Planned:
    """Plan Wei and Lachin's test: a weighted sum of estimates that are jointly normal.

    Lachin (2014), PLoS ONE 9:e108784, for the sum of differences with one covariance.

    Parameters
    ----------
    distances
        Of the effects from their null values, the sum of which is above 0, shape (effects,).
    null_covariance, covariance
        Of the estimates as the test has it, and at the effects, times the patients.
    weights
        Of the estimates in the sum.

    >>> correlated = np.array([[1.0, 0.5], [0.5, 1.0]]) * 4  # two means of unit variance
    >>> planned = normal_sum(np.array([0.3, 0.3]), correlated, correlated, np.ones(2))
    >>> planned.power(200).round(4).item()
    0.6878
    """
    null_sd, sd = (np.sqrt(weights @ one @ weights) for one in (null_covariance, covariance))
    return Planned(np.asarray(weights @ distances), np.asarray(null_sd), np.asarray(sd))


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


def _null_sd(treated: Floats, control: Floats, treated_share: float) -> Floats:
    """SD per patient of theta when both arms have the mixture of the two scales."""
    shares = _shares(treated_share)
    pooled = treated_share * np.asarray(treated) + (1 - treated_share) * np.asarray(control)
    return np.asarray(np.sqrt(_untied(pooled) / (12 * shares)))


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

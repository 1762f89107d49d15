"""How many patients a trial needs after all, from what is known at a look.

Blinded: from the pooled scores of both arms and the effect of the plan, so that no effect is
revealed. Unblinded: from z at the look, so that the final test needs care (`combination`). Patients
are totals of both arms, not rounded, and all arguments broadcast.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, Integers
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.sequential.combination import conventional_critical
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    trend_drift,
    z_for_conditional_power,
)
from trialsim.stats.sequential.roots import roots


class PromisingZone(NamedTuple):
    """Where more patients keep the level: from `least_power` up to the target; the z of both."""

    least_power: Floats
    z_lower: Floats
    z_upper: Floats


class Aim(NamedTuple):
    """What a test of two arms is to reach, and of which patients."""

    power: float
    alpha: float = 0.05
    sides: int = 2
    treated_share: float = 0.5
    missing: ArrayLike = 0.0
    """The share of patients without the endpoint, for whom others are added."""

    @property
    def quantile(self) -> float:
        """The standard normal quantile of the level."""
        check_probability("alpha", self.alpha)
        if self.sides not in (1, 2):
            raise ValueError(f"sides must be 1 or 2 (got {self.sides})")
        return -float(scipy.special.ndtri(self.alpha / self.sides))

    @property
    def quantiles(self) -> float:
        """The sum of those of the level and of the power."""
        check_probability("power", self.power)
        return self.quantile + float(scipy.special.ndtri(self.power))

    @property
    def balance(self) -> float:
        """The product of the shares of the arms."""
        check_probability("treated_share", self.treated_share)
        return self.treated_share * (1 - self.treated_share)

    def with_missing(self, patients: Floats) -> Floats:
        """Return patients such that those needed remain when a share of all is missing."""
        share = np.asarray(self.missing, float)
        if not np.all((share >= 0) & (share < 1)):
            raise ValueError(f"missing must be at least 0 and below 1 (got {share.tolist()})")
        return np.asarray(patients / (1 - share))


def blinded_rank_patients(counts: ArrayLike, theta: ArrayLike, aim: Aim) -> Floats:
    """Return the patients that a Mann-Whitney test needs, from pooled counts of scores, (...,).

    `counts` are patients with each score, both arms together, (..., scores); ties, floor and
    ceiling enter through them. Noether (1987), JASA 82:645, with the tie correction of the pooled
    sample: N = (z_alpha + z_power)**2 (1 - T) / (12 s (1 - s) (theta - 0.5)**2), T the sum of
    t**3 - t over N**3 - N. Infinitely many where all are tied or the effect is none.

    >>> blinded_rank_patients([20, 10, 10, 10, 50], 0.62, Aim(0.9)).round(1).item()
    210.2
    """
    cells = np.asarray(counts, float)
    known = cells.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ties = (cells**3 - cells).sum(axis=-1) / (known**3 - known)
        distance = np.asarray(theta, float) - 0.5
        scale = 12 * aim.balance * distance**2
        needed = aim.quantiles**2 * (1 - ties) / scale
    return aim.with_missing(np.where(ties == 1, np.inf, needed))


def blinded_odds_patients(counts: ArrayLike, odds_ratio: ArrayLike, aim: Aim) -> Floats:
    """Return the patients that a proportional odds test needs, from pooled counts, (...,).

    `counts` are patients with each score (or their shares), both arms together, (..., scores).
    Whitehead (1993), Statistics in Medicine 12:2257, with the pooled scale that a blinded look has
    (Bolland et al. 1998): N = 3 (z_alpha + z_power)**2 / (s (1 - s) log(OR)**2 (1 - sum p**3)).

    >>> blinded_odds_patients([34, 12, 10, 14, 30], 1.8, Aim(0.9)).round(1).item()
    393.2
    """
    cells = np.asarray(counts, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = cells / cells.sum(axis=-1, keepdims=True)
        scale = aim.balance * np.log(np.asarray(odds_ratio, float)) ** 2
        needed = 3 * aim.quantiles**2 / scale / (1 - (shares**3).sum(axis=-1))
    return aim.with_missing(needed)


def blinded_mean_patients(
    pooled_variance: ArrayLike,
    difference: ArrayLike,
    aim: Aim,
    adjusted: bool = False,
) -> Floats:
    """Return the patients that a test of two means needs, from the variance of all scores, (...,).

    The pooled variance holds what the difference of the arms adds to it; `adjusted` takes off what
    the planned difference would add, s (1 - s) difference**2 (Zucker et al. 1999; Kieser and Friede
    2003, Statistics in Medicine 22:3571).

    >>> blinded_mean_patients(144, 5, Aim(0.9)).round(1).item()
    242.1
    """
    delta, balance = np.asarray(difference, float), aim.balance
    variance = np.asarray(pooled_variance, float) - adjusted * balance * delta**2
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = aim.quantiles**2 * variance / (balance * delta**2)
    return aim.with_missing(needed)


def blinded_proportion_patients(pooled: ArrayLike, difference: ArrayLike, aim: Aim) -> Floats:
    """Return the patients that a chi-squared test of two proportions needs, (...,).

    `pooled` is the proportion of both arms together, which with the planned difference gives those
    of the arms; NaN where one would leave (0, 1). Kieser (2020), Methods and Applications of Sample
    Size Calculation and Recalculation in Clinical Trials, eq. 5.1 and chapter 20.

    >>> blinded_proportion_patients(0.4, 0.2, Aim(0.8)).round(1).item()
    186.0
    """
    p, delta = np.asarray(pooled, float), np.asarray(difference, float)
    share = aim.treated_share
    treated, control = p + (1 - share) * delta, p - share * delta
    tested = aim.quantile * np.sqrt(p * (1 - p) / aim.balance)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = treated * (1 - treated) / share + control * (1 - control) / (1 - share)
        needed = ((tested + scipy.special.ndtri(aim.power) * np.sqrt(variance)) / delta) ** 2
    inside = (np.minimum(treated, control) >= 0) & (np.maximum(treated, control) <= 1)
    return aim.with_missing(np.where(inside, needed, np.nan))


def patients_for_conditional_power(
    z: ArrayLike,
    first: ArrayLike,
    planned: ArrayLike,
    power: float,
    critical: ArrayLike,
) -> Floats:
    """Return the patients in all that give the combined test that conditional power, (...,).

    `first` and `planned` are patients at the look and planned in all, `critical` the final critical
    value of the combined z, with the planned weights. The effect is the trend at the look. Mehta
    and Pocock (2011), Statistics in Medicine 30:3267, eq. 7. No more than at the look where the
    power is there without any more patients, infinitely many where the trend is none or harm.

    >>> patients_for_conditional_power(1.5, 104, 208, power=0.9, critical=1.96).round(1).item()
    405.4
    """
    now, n1, n2, bound = (np.asarray(one, float) for one in (z, first, planned, critical))
    with np.errstate(divide="ignore", invalid="ignore"):
        root = now / np.sqrt(n1)
        needed = (bound * np.sqrt(n2) - now * np.sqrt(n1)) / np.sqrt(n2 - n1)
        wanted = needed + scipy.special.ndtri(power)
        more = np.where(root > 0, (wanted / root) ** 2, np.inf)
    more = np.where(wanted <= 0, 0, more)
    return np.asarray(np.where(np.isnan(root + wanted), np.nan, n1 + more))


def promising_zone(
    first_share: ArrayLike, most_share: ArrayLike, power: float, critical: ArrayLike
) -> PromisingZone:
    """Return where a conventional final test keeps its level although patients are added.

    `first_share` are the patients of the look and `most_share` the most there may be, both over
    those planned; patients are added for the conditional power `power` (above 1/2) under the trend,
    up to the most. The lower end is the smallest z for which the critical value that the added
    patients require (`combination.conventional_critical`) is not above `critical`. Mehta and Pocock
    (2011), Table 1; Chen, DeMets and Lan (2004), Statistics in Medicine 23:1023.

    >>> promising_zone(0.5, 1.5, power=0.8, critical=1.96).least_power.round(3).item()
    0.407
    """
    if not 0.5 < power < 1:
        raise ValueError(f"power must lie between 0.5 and 1 (got {power})")
    t, most, bound = np.broadcast_arrays(
        *(np.asarray(one, float) for one in (first_share, most_share, critical))
    )
    stretch = np.sqrt((most - t) / (1 - t))
    at_most = bound * (stretch - np.sqrt(most)) / (np.sqrt(t) * (stretch - 1))
    wanted = patients_for_conditional_power(at_most, t, 1.0, power, bound)
    lower = np.where(wanted >= most, at_most, _unlimited_zone(t, bound, power))
    least = conditional_power(lower, t, bound, trend_drift(lower, t))
    return PromisingZone(least, lower, z_for_conditional_power(power, t, bound))


def _unlimited_zone(t: Floats, critical: Floats, power: float) -> Floats:
    """Return the lower end of the promising zone where as many patients are added as it takes."""
    shares, bounds = t.reshape(-1), critical.reshape(-1)

    def excess(z: Floats, places: Integers) -> Floats:
        share, bound = shares[places], bounds[places]
        wanted = patients_for_conditional_power(z, share, 1.0, power, bound)
        return conventional_critical(z, share, 1.0, wanted, bound) - bound

    even_chances = bounds * np.sqrt(shares)
    return roots(excess, even_chances * 1e-3, even_chances).reshape(t.shape)


def promising_patients(
    z: ArrayLike,
    first: ArrayLike,
    planned: ArrayLike,
    at_most: ArrayLike,
    power: float,
    critical: ArrayLike,
    least_power: ArrayLike,
) -> Floats:
    """Return the patients in all after a look: more in the promising zone, else those planned.

    In the zone the conditional power under the trend is at least `least_power` and below `power`;
    there, as many as `patients_for_conditional_power` says, and not more than `at_most`. Mehta and
    Pocock (2011).

    >>> promising_patients([0.5, 1.5, 2.5], 104, 208, 416, 0.9, 1.96, 0.42).round(1).tolist()
    [208.0, 405.4, 208.0]
    """
    now, n1, n2 = (np.asarray(one, float) for one in (z, first, planned))
    t = n1 / n2
    reached = conditional_power(now, t, critical, trend_drift(now, t))
    promising = (reached >= np.asarray(least_power, float)) & (reached < power)
    wanted = patients_for_conditional_power(now, n1, n2, power, critical)
    return np.asarray(np.where(promising, np.clip(wanted, n2, at_most), n2))

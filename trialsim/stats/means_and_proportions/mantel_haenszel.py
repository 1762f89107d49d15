"""Shares compared within strata: the test of Cochran, Mantel and Haenszel, and the effects with it.

Counts have the shape (..., strata): x of n treated and y of m controls respond. A stratum without
patients of both arms tells nothing and has no weight.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.two_shares import Measure


class StratifiedShares(NamedTuple):
    """A difference, a ratio or an odds ratio of two shares, the same in all strata."""

    estimate: Floats
    """NaN where no stratum has both arms, or of a ratio nobody responds; infinite without any
    control that responds, and an odds ratio too without any of the treated that does not."""
    standard_error: Floats
    """Of the difference, or of the logarithm of the ratio; NaN where it is not known."""
    z: Floats
    """Of the Cochran-Mantel-Haenszel test, without continuity correction; 0 where all patients of
    every stratum are alike."""
    null_standard_error: Floats
    """Of the difference by that test, where the arms do not differ; NaN where it is not known."""


def mantel_haenszel(
    treated: ArrayLike,
    treated_patients: ArrayLike,
    control: ArrayLike,
    control_patients: ArrayLike,
    measure: Measure = "risk_difference",
) -> StratifiedShares:
    """Compare shares of responders within strata, weighted by n m / N (Mantel and Haenszel).

    Test: Cochran (1954), Biometrics 10:417; Mantel and Haenszel (1959), Journal of the National
    Cancer Institute 22:719: the square of z is chi-squared. Variances: Greenland and Robins (1985),
    Biometrics 41:55, and of the common odds ratio Robins, Breslow and Greenland (1986), Biometrics
    42:311: good with few large strata and with many small ones.

    >>> tables = np.array([[12, 20, 7], [20, 30, 10], [5, 14, 6], [20, 32, 15]])
    >>> found = mantel_haenszel(*tables)
    >>> [round(value.item(), 4) for value in found]
    [0.281, 0.0846, 3.1354, 0.0896]
    >>> [round(value.item(), 4) for value in mantel_haenszel(*tables, "odds_ratio")[:2]]
    [3.2243, 0.3755]
    """
    x, n, y, m = (
        np.asarray(count, np.float64)
        for count in np.broadcast_arrays(treated, treated_patients, control, control_patients)
    )
    both = (n > 0) & (m > 0)
    x, n, y, m = (np.where(both, count, 0.0) for count in (x, n, y, m))
    total = np.where(both, n + m, 1.0)
    estimate, error = _ESTIMATES[measure](x, n, y, m, total)
    alike = n * m * (x + y) * (total - x - y)
    variance = (divide(alike, total**2 * (total - 1), 0.0)).sum(axis=-1)
    spread = np.sqrt(variance)
    z = divide((x - n * (x + y) / total).sum(axis=-1), spread, 0.0)
    weight = (n * m / total).sum(axis=-1)
    return StratifiedShares(estimate, error, z, divide(spread, weight, np.nan))


def _difference(x: Floats, n: Floats, y: Floats, m: Floats, total: Floats) -> tuple[Floats, Floats]:
    weight = (n * m / total).sum(axis=-1)
    estimate = divide(((x * m - y * n) / total).sum(axis=-1), weight, np.nan)
    within = x * (n - x) * m**3 + y * (m - y) * n**3
    spread = divide(within, n * m * total**2, 0.0).sum(axis=-1)
    variance = divide(spread, weight**2, np.nan)
    return estimate, np.sqrt(np.where(variance > 0, variance, np.nan))


def _ratio(x: Floats, n: Floats, y: Floats, m: Floats, total: Floats) -> tuple[Floats, Floats]:
    over, under = (x * m / total).sum(axis=-1), (y * n / total).sum(axis=-1)
    estimate = _quotient(over, under)
    spread = ((n * m * (x + y) - x * y * total) / total**2).sum(axis=-1)
    variance = divide(spread, over * under, np.nan)
    return estimate, np.sqrt(np.where(variance > 0, variance, np.nan))


def parts_of_odds_ratio(x: Floats, n: Floats, y: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return the two sums over strata whose quotient is the common odds ratio, shape (...).

    >>> parts = parts_of_odds_ratio(*np.array([[12.0, 20], [20, 30], [5, 14], [20, 32]]))
    >>> [round(one.item(), 3) for one in parts]
    [10.306, 3.258]
    """
    total = np.where(n + m > 0, n + m, 1.0)
    return (x * (m - y) / total).sum(axis=-1), (y * (n - x) / total).sum(axis=-1)


def _odds_ratio(x: Floats, n: Floats, y: Floats, m: Floats, total: Floats) -> tuple[Floats, Floats]:
    for_it, against_it = x * (m - y) / total, y * (n - x) / total
    over, under = parts_of_odds_ratio(x, n, y, m)
    alike, unlike = (x + m - y) / total, (y + n - x) / total
    both = (alike * against_it + unlike * for_it).sum(axis=-1)
    variance = (
        divide((alike * for_it).sum(axis=-1), over**2, np.nan)
        + divide(both, over * under, np.nan)
        + divide((unlike * against_it).sum(axis=-1), under**2, np.nan)
    ) / 2
    return _quotient(over, under), np.sqrt(variance)


def _quotient(over: Floats, under: Floats) -> Floats:
    return np.where(under > 0, divide(over, under, np.inf), np.where(over > 0, np.inf, np.nan))


_ESTIMATES: Final[Mapping[Measure, Callable[..., tuple[Floats, Floats]]]] = {
    "risk_difference": _difference,
    "risk_ratio": _ratio,
    "odds_ratio": _odds_ratio,
}

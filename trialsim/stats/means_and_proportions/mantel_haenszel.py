"""Shares compared within strata: the test of Cochran, Mantel and Haenszel, and the effects with it.

Counts have the shape (..., strata): x of n treated and y of m controls respond. A stratum without
patients of both arms tells nothing and has no weight.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.two_shares import Measure


class StratifiedShares(NamedTuple):
    """A difference or a ratio of two shares, the same in all strata."""

    estimate: Floats
    """NaN where no stratum has both arms, or of a ratio nobody responds; infinite without any
    control that responds."""
    standard_error: Floats
    """Of the difference, or of the logarithm of the ratio; NaN where it is not known."""
    z: Floats
    """Of the Cochran-Mantel-Haenszel test, without continuity correction; 0 where all patients of
    every stratum are alike."""


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
    Biometrics 41:55, good with few large strata and with many small ones.

    >>> tables = np.array([[12, 20, 7], [20, 30, 10], [5, 14, 6], [20, 32, 15]])
    >>> found = mantel_haenszel(*tables)
    >>> [round(value.item(), 4) for value in found]
    [0.281, 0.0846, 3.1354]
    """
    x, n, y, m = (
        np.asarray(count, np.float64)
        for count in np.broadcast_arrays(treated, treated_patients, control, control_patients)
    )
    both = (n > 0) & (m > 0)
    x, n, y, m = (np.where(both, count, 0.0) for count in (x, n, y, m))
    total = np.where(both, n + m, 1.0)
    estimate, error = (_difference if measure == "risk_difference" else _ratio)(x, n, y, m, total)
    alike = n * m * (x + y) * (total - x - y)
    variance = (divide(alike, total**2 * (total - 1), 0.0)).sum(axis=-1)
    z = divide((x - n * (x + y) / total).sum(axis=-1), np.sqrt(variance), 0.0)
    return StratifiedShares(estimate, error, z)


def _difference(x: Floats, n: Floats, y: Floats, m: Floats, total: Floats) -> tuple[Floats, Floats]:
    weight = (n * m / total).sum(axis=-1)
    estimate = divide(((x * m - y * n) / total).sum(axis=-1), weight, np.nan)
    within = x * (n - x) * m**3 + y * (m - y) * n**3
    spread = divide(within, n * m * total**2, 0.0).sum(axis=-1)
    variance = divide(spread, weight**2, np.nan)
    return estimate, np.sqrt(np.where(variance > 0, variance, np.nan))


def _ratio(x: Floats, n: Floats, y: Floats, m: Floats, total: Floats) -> tuple[Floats, Floats]:
    over, under = (x * m / total).sum(axis=-1), (y * n / total).sum(axis=-1)
    estimate = np.where(under > 0, divide(over, under, np.inf), np.where(over > 0, np.inf, np.nan))
    spread = ((n * m * (x + y) - x * y * total) / total**2).sum(axis=-1)
    variance = divide(spread, over * under, np.nan)
    return estimate, np.sqrt(np.where(variance > 0, variance, np.nan))

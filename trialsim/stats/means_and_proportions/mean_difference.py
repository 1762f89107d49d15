"""A difference of means is known by its estimate, its variance and the degrees of freedom of both.

Where the variance is zero or not known (a single patient, an empty arm, no spread at all) nothing
can be said: the standard error is NaN, the interval all numbers, t is 0 and the p-value 1.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, divide
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.p_values import Alternative, Standardised, check_alternative, t_p_value


class MeanDifference(NamedTuple):
    """Mean of the treated less mean of the controls, its interval, and the test that it is 0."""

    estimate: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    t: Floats
    degrees_of_freedom: Floats
    p_value: Floats

    def against(self, value: float) -> Standardised:
        """Return how far the difference lies above a value, which the interval inverts.

        >>> found = mean_difference(np.array(5.0), np.array(4.0), np.array(10.0))
        >>> found.against(-1.0).statistic.item()
        3.0
        """
        distance = (self.estimate - value) / self.standard_error
        return Standardised(distance, np.nan_to_num(self.degrees_of_freedom, nan=1.0))


def mean_difference(
    estimate: Floats,
    variance: Floats,
    degrees_of_freedom: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Give a difference its two-sided interval and its test, both by Student's t; shapes (...).

    >>> found = mean_difference(np.array(5.0), np.array(4.0), np.array(10.0))
    >>> round(found.low.item(), 3), round(found.high.item(), 3), round(found.p_value.item(), 4)
    (0.544, 9.456, 0.0314)
    """
    check_probability("confidence", confidence)
    check_alternative(alternative)
    known = (variance > 0) & (degrees_of_freedom > 0) & ~np.isnan(estimate)
    freedom = np.where(known, degrees_of_freedom, 1.0)
    error = np.sqrt(np.where(known, variance, np.nan))
    t = divide(np.where(known, estimate, 0.0), np.where(known, error, 0.0), 0.0)
    half = np.where(known, scipy.special.stdtrit(freedom, (1 + confidence) / 2) * error, np.inf)
    centre = np.where(known, estimate, 0.0)
    return MeanDifference(
        estimate=np.asarray(estimate),
        standard_error=error,
        low=centre - half,
        high=centre + half,
        t=t,
        degrees_of_freedom=np.where(known, degrees_of_freedom, np.nan),
        p_value=np.where(known, t_p_value(t, freedom, alternative), 1.0),
    )


def difference_of_differences(
    estimates: Floats,
    variances: Floats,
    degrees_of_freedom: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Compare the differences of two independent groups, the first less the second.

    Shapes (2, ...). The degrees of freedom are those of Satterthwaite (1946, Biometrics Bulletin
    2:110). Where a group has no variance, as where its arms are separated, nothing can be said.

    >>> known = np.array([8.0, 3.0]), np.full(2, 2.0), np.full(2, 30.0)
    >>> found = difference_of_differences(*known)
    >>> found.estimate.item(), found.t.item(), found.degrees_of_freedom.item()
    (5.0, 2.5, 60.0)
    """
    known = np.where((variances > 0).all(axis=0), variances, 0.0)
    parts = divide(known**2, np.maximum(degrees_of_freedom, 1.0), 0.0).sum(axis=0)
    total = known.sum(axis=0)
    freedom = divide(total**2, parts, 0.0)
    return mean_difference(estimates[0] - estimates[1], total, freedom, confidence, alternative)

"""Two samples are compared by their means, sizes and spreads: Student's and Welch's t tests.

Samples have shapes (..., m) and (..., n), batch axes broadcast; NaN is missing and is left out.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference, mean_difference
from trialsim.stats.p_values import Alternative


class Moments(NamedTuple):
    """Patients with a value, their mean, and the sum of squared distances from it."""

    patients: Floats
    mean: Floats
    squares: Floats


def student_t_test(
    treated: Floats,
    control: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Student's (1908) t test, one variance for both arms, m + n - 2 degrees of freedom.

    >>> found = student_t_test(np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4]))
    >>> round(found.t.item(), 4), round(found.p_value.item(), 4)
    (2.1909, 0.071)
    """
    t, c = moments(treated), moments(control)
    freedom = t.patients + c.patients - 2
    variance = divide(t.squares + c.squares, freedom, np.nan)
    share = divide(t.patients + c.patients, t.patients * c.patients, np.nan)
    return mean_difference(t.mean - c.mean, variance * share, freedom, confidence, alternative)


def welch_t_test(
    treated: Floats,
    control: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Welch's (1947, Biometrika 34:28) t test, a variance for each arm, Satterthwaite's freedom.

    >>> found = welch_t_test(np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 9]))
    >>> round(found.t.item(), 4), round(found.degrees_of_freedom.item(), 4)
    (0.3928, 3.7615)
    """
    t, c = moments(treated), moments(control)
    variances = [divide(arm.squares, arm.patients * (arm.patients - 1), np.nan) for arm in (t, c)]
    variance = variances[0] + variances[1]
    parts = [
        divide(part**2, arm.patients - 1, np.nan)
        for part, arm in zip(variances, (t, c), strict=True)
    ]
    freedom = divide(variance**2, parts[0] + parts[1], np.nan)
    return mean_difference(t.mean - c.mean, variance, freedom, confidence, alternative)


def moments(sample: Floats) -> Moments:
    """Return the moments of samples, shape (..., patients); the mean of no values is NaN.

    >>> [field.item() for field in moments(np.array([1.0, np.nan, 4.0]))]
    [2.0, 2.5, 4.5]
    """
    patients = (~np.isnan(sample)).sum(axis=-1).astype(np.float64)
    mean = divide(np.nan_to_num(sample).sum(axis=-1), patients, np.nan)
    return Moments(patients, mean, np.asarray((deviations(sample, mean) ** 2).sum(axis=-1)))


def deviations(sample: Floats, mean: Floats) -> Floats:
    """Return distances from the mean, shapes (..., patients) and (...); a missing value has none.

    Equal values have no distance either, though their mean is rounded.

    >>> deviations(np.array([1.0, np.nan, 4.0]), np.array(2.5)).tolist()
    [-1.5, 0.0, 1.5]
    """
    centre = mean[..., None]
    known = ~np.isnan(sample) & ~np.isclose(sample, centre, rtol=1e-13, atol=0.0)
    return np.where(known, sample - centre, 0.0)

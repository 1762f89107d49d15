"""Re-randomisation tests: a statistic against what it would have been in other allocations.

Where the drug does nothing to anybody, each patient's score is the same in either arm. So the law
of a statistic is that of the arms alone, which the procedure of randomisation gives (Rosenberger
and Lachin 2016, Randomization in Clinical Trials, chapter 6): whatever the scores depend on, a
calendar trend among it, the test keeps its level.
"""

from typing import Literal, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats

Statistic: TypeAlias = Literal["mann_whitney", "mean_difference"]


def deviations(values: Floats, treated: Booleans, statistic: Statistic) -> Floats:
    """Return how far a statistic lies from no effect, positive where the treated have more.

    The Mann-Whitney effect less one half, or the difference of means. Of whole numbers all sums are
    exact, so that equal statistics are equal numbers. NaN where an arm is empty.

    Parameters
    ----------
    values
        Shape (..., patient), NaN of whom is not analysed.
    treated
        Who is treated in each allocation, shape (..., draw, patient).

    >>> values = np.array([3.0, 1.0, 2.0, 2.0])
    >>> arms = np.array([[True, False, True, False], [False, True, False, True]])
    >>> deviations(values, arms, "mann_whitney").tolist()
    [0.375, -0.375]
    >>> deviations(values, arms, "mean_difference").tolist()
    [1.0, -1.0]
    """
    from scipy.stats import rankdata

    analysed = ~np.isnan(values)
    known = analysed.astype(np.float64)[..., None]
    arms = treated.astype(np.float64)
    in_treated, everybody = (arms @ known)[..., 0], known.sum(axis=-2)
    in_control = everybody - in_treated
    if statistic == "mann_whitney":
        twice = np.where(analysed, 2 * rankdata(values, axis=-1, nan_policy="omit"), 0.0)
        pairs = in_treated * in_control
        ahead = (arms @ twice[..., None])[..., 0] - in_treated * (in_treated + 1) - pairs
        apart = 2 * pairs
    else:
        scores = np.where(analysed, values, 0.0)
        sums = (arms @ scores[..., None])[..., 0]
        rest = scores.sum(axis=-1, keepdims=True) - sums
        ahead, apart = sums * in_control - rest * in_treated, in_treated * in_control
    found: Floats = np.divide(ahead, apart, out=np.full_like(ahead, np.nan), where=apart > 0)
    return found


def as_extreme(drawn: Floats, observed: Floats, alternative: str) -> Booleans:
    """Return which statistics are as extreme as the observed one; one that has no value is.

    Parameters
    ----------
    drawn
        Deviations from no effect, shape (..., draw).
    observed
        Shape (...).

    >>> as_extreme(np.array([-2.0, 1.0, np.nan]), np.array(2.0), "two-sided").tolist()
    [True, False, True]
    """
    against = observed[..., None]
    match alternative:
        case "greater":
            less = drawn < against
        case "less":
            less = drawn > against
        case _:
            less = abs(drawn) < abs(against)
    return ~less

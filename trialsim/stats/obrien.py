"""O'Brien's test adds each patient's ranks over the scales and compares the sums of the arms.

Samples have shape (..., scales, patients), as in `joint_effects`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.mann_whitney import Alternative, check_alternative, divide, pool
from trialsim.stats.placements import midranks


class RankSums(NamedTuple):
    """The sum of each patient's ranks over the scales, (..., patients); more is better."""

    treated: Floats
    control: Floats


class RankSumTest(NamedTuple):
    """A t-test of rank sums; `difference` is the mean of the treated less that of the controls."""

    difference: Floats
    t: Floats
    degrees_of_freedom: Integers
    p_value: Floats


def obrien_test(
    treated: Floats,
    control: Floats,
    higher_is_better: Booleans | Sequence[bool],
    alternative: Alternative = "two-sided",
) -> RankSumTest:
    """Compare the rank sums of the arms by Student's t-test with the pooled variance.

    O'Brien (1984), Biometrics 40:1079. For the Wilcoxon test of the same sums give
    `rank_sums` to `mann_whitney`. Where the sums do not vary within the arms, their variance in the
    pooled sample stands in; where nothing varies, or an arm is empty, or there are fewer than three
    patients, t is 0 and the p-value 1.

    >>> test = obrien_test(
    ...     np.array([[5.0, 6, 9], [1, 1, 2]]), np.array([[4.0, 5, 7], [3, 2, 2]]), [True, False]
    ... )
    >>> round(test.t.item(), 4), test.degrees_of_freedom.item()
    (2.0426, 4)
    """
    check_alternative(alternative)
    sums = rank_sums(treated, control, higher_is_better)
    m, treated_mean, treated_squares = _moments(sums.treated)
    n, control_mean, control_squares = _moments(sums.control)
    difference = treated_mean - control_mean
    within = divide(treated_squares + control_squares, m + n - 2, 0.0)
    between = divide(m * n * np.nan_to_num(difference) ** 2, (m + n) * (m + n - 1), 0.0)
    variance = np.where(within > 0, within, between)
    error = np.sqrt(variance * divide(m + n, m * n, 0.0))
    freedom = np.maximum(m + n - 2, 0)
    t = divide(np.where(freedom > 0, np.nan_to_num(difference), 0.0), error, 0.0)
    p_value = _p_value(t, np.maximum(freedom, 1), alternative)
    testable = (error > 0) & (freedom > 0)
    return RankSumTest(difference, t, freedom, np.where(testable, p_value, 1.0))


def rank_sums(
    treated: Floats, control: Floats, higher_is_better: Booleans | Sequence[bool]
) -> RankSums:
    """Add the midranks in the pooled sample over the scales, ranking from worst to best.

    A missing value has the middle rank of its scale, so it favours neither side; a patient without
    any value has no sum (NaN).

    >>> sums = rank_sums(np.array([[5.0, 6], [1, 1]]), np.array([[4.0], [3]]), [True, False])
    >>> sums.treated.tolist(), sums.control.tolist()
    ([4.5, 5.5], [2.0])
    """
    better = np.asarray(higher_is_better)[:, np.newaxis]
    ranks = midranks(np.where(better, pool(treated, control), -pool(treated, control)))
    missing = np.isnan(ranks)
    middle = ((~missing).sum(axis=-1, keepdims=True) + 1) / 2
    sums = np.where(missing, middle, ranks).sum(axis=-2)
    sums = np.where(missing.all(axis=-2), np.nan, sums)
    return RankSums(sums[..., : treated.shape[-1]], sums[..., treated.shape[-1] :])


def _moments(sums: Floats) -> tuple[Integers, Floats, Floats]:
    """Return how many sums are known, their mean, and their sum of squares around it."""
    known = ~np.isnan(sums)
    size = known.sum(axis=-1)
    mean = divide(np.where(known, sums, 0.0).sum(axis=-1), size, np.nan)
    deviation = np.where(known, sums - mean[..., np.newaxis], 0.0)
    return size, mean, np.asarray((deviation**2).sum(axis=-1))


def _p_value(t: Floats, freedom: Integers, alternative: Alternative) -> Floats:
    match alternative:
        case "greater":
            return np.asarray(stdtr(freedom, -t))
        case "less":
            return np.asarray(stdtr(freedom, t))
        case _:
            return np.asarray(2 * stdtr(freedom, -np.abs(t)))

"""O'Brien's test adds each patient's ranks over the scales and compares the sums of the arms.

Samples have shape (..., scales, patients), as in `joint_effects`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
from trialsim.stats.means_and_proportions.t_tests import student_t_test
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.mann_whitney import pool
from trialsim.stats.ranks.placements import midranks
from trialsim.stats.several_outcomes.joint_effects import turned_to_better


class RankSums(NamedTuple):
    """The sum of each patient's ranks over the scales, (..., patients); more is better."""

    treated: Floats
    control: Floats


def obrien_test(
    treated: Floats,
    control: Floats,
    higher_is_better: Booleans | Sequence[bool],
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Compare the rank sums of the arms by Student's t test with the pooled variance.

    O'Brien (1984), Biometrics 40:1079. The estimate is the difference of the mean rank sums. Where
    the sums do not vary within the arms t is 0 and the p-value 1, as in every t test here. For the
    Wilcoxon test of the same sums give `rank_sums` to `mann_whitney`.

    >>> test = obrien_test(
    ...     np.array([[5.0, 6, 9], [1, 1, 2]]), np.array([[4.0, 5, 7], [3, 2, 2]]), [True, False]
    ... )
    >>> round(test.t.item(), 4), test.degrees_of_freedom.item()
    (2.0426, 4.0)
    """
    sums = rank_sums(treated, control, higher_is_better)
    return student_t_test(sums.treated, sums.control, confidence, alternative)


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
    ranks = midranks(turned_to_better(pool(treated, control), higher_is_better))
    missing = np.isnan(ranks)
    middle = ((~missing).sum(axis=-1, keepdims=True) + 1) / 2
    sums = np.where(missing, middle, ranks).sum(axis=-2)
    sums = np.where(missing.all(axis=-2), np.nan, sums)
    return RankSums(sums[..., : treated.shape[-1]], sums[..., treated.shape[-1] :])

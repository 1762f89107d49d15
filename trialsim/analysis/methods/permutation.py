"""Rank statistics against random permutations by address: the same in every batch."""

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import rank_comparison, two_samples
from trialsim.scenario.plan.methods.permutation import Permutation

_AT_ONCE = 4096
"""Permuted trials held in memory; it changes no result."""


def compare(data: Data, method: Permutation) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.ranks.brunner_munzel import brunner_munzel_permutation
    from trialsim.stats.ranks.exact_rank import permutation_rank_test
    from trialsim.stats.ranks.stratified import split_by_stratum

    tests = {"mann_whitney": permutation_rank_test, "brunner_munzel": brunner_munzel_permutation}
    treated, control = data.arms
    values = data.values
    arm = np.select([treated & values.analysed, control & values.analysed], [0, 1], -1)
    arms = split_by_stratum(np.asarray(values.cell, np.float64), arm, 2)
    patients = values.cell.shape[1]
    at_once = max(1, _AT_ONCE // len(arm))
    extreme = np.zeros(len(arm))
    for start in range(0, method.permutations, at_once):
        draws = range(start, min(start + at_once, method.permutations))
        keys = np.stack([data.uniform("permutation", patients, draw) for draw in draws], axis=1)
        by_arm = split_by_stratum(keys, arm[:, np.newaxis], 2)
        order = np.argsort(by_arm.reshape(*keys.shape[:2], -1), axis=-1)
        test = tests[method.statistic](arms[:, 0], arms[:, 1], order, data.plan.alternative)
        extreme += np.rint(test.p_value * (1 + len(draws))) - 1
    p_value = (1 + extreme) / (1 + method.permutations)
    return rank_comparison(data, two_samples(data), test.z, p_value)

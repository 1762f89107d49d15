"""The exact Wilcoxon-Mann-Whitney test."""

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import rank_comparison, two_samples
from trialsim.scenario.plan.methods.exact_mann_whitney import ExactMannWhitney


def compare(data: Data, method: ExactMannWhitney) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.ranks.exact_rank import exact_rank_test_counts

    treated, control = data.counts[:, 0, 0], data.counts[:, 0, 1]
    exact = exact_rank_test_counts(treated, control, data.plan.alternative)
    return rank_comparison(data, two_samples(data), exact.z, exact.p_value)

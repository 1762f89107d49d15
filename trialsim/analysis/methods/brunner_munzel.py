"""The Brunner-Munzel test."""

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import (
    counted_effects,
    pooled_ranks,
    rank_comparison,
    two_samples,
)
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel


def compare(data: Data, method: BrunnerMunzel) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.ranks.brunner_munzel import brunner_munzel

    if data.to_impute:
        return pooled_ranks(data, counted_effects)
    summary = two_samples(data)
    test = brunner_munzel(summary, data.plan.alternative, method.reference)
    return rank_comparison(data, summary, test.statistic, test.p_value)

"""What the rank tests of two unadjusted samples report beside their test."""

from trialsim.analysis.comparison import Comparison, on_scale, scaled_effect
from trialsim.analysis.data import Data
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.stats.ranks.effect_intervals import effect_interval
from trialsim.stats.ranks.mann_whitney import RankSummary, summarise_counts
from trialsim.stats.ranks.wins import win_ratio_counts


def two_samples(data: Data) -> RankSummary:
    """Return what rank tests need of the treated and the controls, not stratified."""
    return summarise_counts(data.counts[:, 0, 0], data.counts[:, 0, 1])


def rank_comparison(
    data: Data, summary: RankSummary, statistic: Floats, p_value: Floats
) -> Comparison:
    """Return a test of two samples with the effect and interval that are reported."""
    plan, sizes = data.plan, (summary.treated, summary.control)
    if plan.effect == "win_ratio":
        ratio = win_ratio_counts(data.counts[:, 0, 0], data.counts[:, 0, 1], plan.confidence)
        ends = ratio.estimate, ratio.low, ratio.high
        return Comparison(*ends, statistic, p_value, *sizes)
    low, high = effect_interval(summary, plan.interval, plan.confidence)
    return on_scale(Comparison(summary.effect, low, high, statistic, p_value, *sizes), plan.effect)


def rank_effect(data: Data, method: AnalysisMethod) -> Floats:
    """Return the estimate alone of two samples, which takes no test."""
    if data.plan.effect == "win_ratio":
        return win_ratio_counts(data.counts[:, 0, 0], data.counts[:, 0, 1]).estimate
    return scaled_effect(two_samples(data).effect, data.plan.effect)

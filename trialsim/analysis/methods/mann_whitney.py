"""The Wilcoxon-Mann-Whitney test: of two samples, stratified, of imputed trials, or exact."""

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import (
    against_effect,
    counted_effects,
    pooled_ranks,
    rank_comparison,
    two_samples,
)
from trialsim.scenario.plan.methods.mann_whitney import ExactMannWhitney, MannWhitney
from trialsim.stats.ranks.mann_whitney import rank_test, summarise_counts


def compare(data: Data, method: MannWhitney) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        return pooled_ranks(data, counted_effects)
    if data.plan.strata != "none":
        return _stratified(data)
    summary = two_samples(data)
    test = rank_test(summary, data.plan.alternative, data.plan.continuity_correction)
    return rank_comparison(data, summary, test.z, test.p_value)


def _stratified(data: Data) -> Comparison:
    from trialsim.stats.ranks.stratified import stratified_effect, stratified_test

    plan, counts = data.plan, data.counts
    strata = summarise_counts(counts[..., 0, :], counts[..., 1, :])
    test = stratified_test(strata, plan.stratum_weighting, plan.alternative)
    found = stratified_effect(strata, plan.stratum_weighting, confidence=plan.confidence)
    sizes = counts[..., 0, :].sum(axis=(1, 2)), counts[..., 1, :].sum(axis=(1, 2))
    against = against_effect(found, "plain")
    ends = test.effect, found.low, found.high
    comparison = Comparison(*ends, test.z, test.p_value, *sizes, against)
    return on_scale(comparison, plan.effect)


def compare_exactly(data: Data, method: ExactMannWhitney) -> Comparison:
    """Return the exact comparison of each replicate."""
    from trialsim.stats.ranks.exact_rank import exact_rank_test_counts

    treated, control = data.counts[:, 0, 0], data.counts[:, 0, 1]
    exact = exact_rank_test_counts(treated, control, data.plan.alternative)
    return rank_comparison(data, two_samples(data), exact.z, exact.p_value)

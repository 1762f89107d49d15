"""The Wilcoxon-Mann-Whitney test: of two samples, stratified by site, or of imputed trials."""

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import completed
from trialsim.analysis.methods.ranks import rank_comparison, two_samples
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.stats.ranks.mann_whitney import rank_test, summarise_counts


def compare(data: Data, method: MannWhitney) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        return _pooled(data)
    if data.plan.strata == "site":
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
    comparison = Comparison(test.effect, found.low, found.high, test.z, test.p_value, *sizes)
    return on_scale(comparison, plan.effect)


def _pooled(data: Data) -> Comparison:
    from trialsim.stats.missing.rubins_rules import pool_effects

    plan = data.plan
    tables = np.stack([one.counts[:, 0] for one in completed(data)])
    summary = summarise_counts(tables[:, :, 0], tables[:, :, 1])
    found = pool_effects(summary, "logit", plan.confidence, plan.alternative)
    sizes = summary.treated[0], summary.control[0]
    ends = found.effect, found.low, found.high
    return on_scale(Comparison(*ends, found.t, found.p_value, *sizes), plan.effect)

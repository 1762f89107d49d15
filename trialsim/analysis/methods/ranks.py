"""What the rank tests of two unadjusted samples report beside their test."""

from collections.abc import Callable, Iterable

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.imputed import completed
from trialsim.analysis.truth import Populations, TruthParts, of_theta
from trialsim.arrays import Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import by_slope, pairs_of_populations, with_influence
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


def counted_effects(data: Data) -> tuple[Floats, Floats]:
    """Return the effect of each replicate, and its variance by the placements."""
    summary = two_samples(data)
    return summary.effect, summary.placement_variance


def pooled_ranks(data: Data, effects_of: Callable[[Data], tuple[Floats, Floats]]) -> Comparison:
    """Pool the effects of imputed trials on the logit scale, with N - 2 complete freedom."""
    trials = list(completed(data))
    return pooled_effects(data.plan, map(effects_of, trials), trials[0].samples)


def pooled_effects(
    plan: AnalysisPlan, found: Iterable[tuple[Floats, Floats]], samples: Samples
) -> Comparison:
    """Pool effects and their variances, one of each an imputation; the samples are those of one."""
    from trialsim.stats.missing.rubins_rules import pool_estimated_effects

    effects, variances = (np.stack(field) for field in zip(*found, strict=True))
    treated, control = samples.sizes
    freedom = np.maximum(treated + control - 2.0, 1.0)
    whole = pool_estimated_effects(
        effects, variances, freedom, "logit", plan.confidence, plan.alternative
    )
    ends = whole.effect, whole.low, whole.high
    return on_scale(Comparison(*ends, whole.t, whole.p_value, treated, control), plan.effect)


def of_estimated_effect(
    data: Data, effect: Floats, variance: Floats, freedom: Floats
) -> Comparison:
    """Return the test of an effect by its variance, the interval on the logit scale."""
    from trialsim.stats.ranks.estimated_effect import estimated_effect

    plan = data.plan
    found = estimated_effect(effect, variance, "logit", plan.confidence, plan.alternative, freedom)
    ends = found.effect, found.low, found.high
    return on_scale(Comparison(*ends, found.z, found.p_value, *data.samples.sizes), plan.effect)


def rank_truth(data: Data, method: AnalysisMethod) -> TruthParts:
    """Return the parts of the true effect of the two populations.

    The weights of strata follow from their sizes alone, never from scores: those of van Elteren
    where the plan's own follow from variances. An adjusted comparison has the effect of the
    unadjusted one, for randomisation makes them the same.
    """
    if data.plan.effect == "win_ratio":
        pairs = data.counts[:, 0].sum(axis=-1).prod(axis=-1)
        ratio = win_ratio_counts(data.counts[:, 0, 0], data.counts[:, 0, 1])
        known = np.where(pairs > 0, pairs, np.nan)
        return TruthParts(ratio.wins / known, ratio.losses / known)
    if data.plan.strata == "none":
        return of_theta(two_samples(data).effect, data.plan.effect)
    from trialsim.stats.ranks.stratified import stratified_effect

    own, counts = data.plan.stratum_weighting, data.counts
    strata = summarise_counts(counts[..., 0, :], counts[..., 1, :])
    weighting = "van-elteren" if own == "inverse-variance" else own
    return of_theta(stratified_effect(strata, weighting).effect, data.plan.effect)


def rank_effect_of(populations: Populations, method: AnalysisMethod) -> RatioOfMeans:
    """Return the effect of two populations as it is reported; strata are compared together."""
    wins, losses = pairs_of_populations(populations.treated, populations.control)
    won, lost = wins.mean.estimate, losses.mean.estimate
    net = with_influence(won - lost, wins.influence - losses.influence)
    benefit = net.mean.estimate
    match populations.plan.effect:
        case "net_benefit":
            return net
        case "win_odds":
            return by_slope(net, (1 + benefit) / (1 - benefit), 2 / (1 - benefit) ** 2)
        case "win_ratio":
            ratio = won / lost
            return with_influence(ratio, (wins.influence - ratio * losses.influence) / lost)
        case _:
            return by_slope(net, (1 + benefit) / 2, np.asarray(0.5))

"""What the rank tests of two unadjusted samples report beside their test."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from trialsim.analysis.comparison import Against, Comparison, on_scale
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.imputed import completed
from trialsim.analysis.truth import Populations, TruthParts, of_theta, weighting_by_sizes
from trialsim.arrays import Floats, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.p_values import Standardised
from trialsim.stats.populations import by_slope, pairs_of_populations, with_influence
from trialsim.stats.ranks.effect_intervals import distance_of_summary, effect_interval
from trialsim.stats.ranks.estimated_effect import EstimatedEffect, IntervalScale, distance_of_effect
from trialsim.stats.ranks.mann_whitney import RankSummary, summarise_counts
from trialsim.stats.ranks.wins import win_ratio_counts

if TYPE_CHECKING:
    from trialsim.stats.missing.rubins_rules import ImputedEffect


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
        of_ratio = partial(distance_of_ratio, ratio.estimate, ratio.standard_error)
        return Comparison(*ends, statistic, p_value, *sizes, of_ratio)
    low, high = effect_interval(summary, plan.interval, plan.confidence)
    against = partial(distance_of_summary, summary, method=plan.interval)
    found = Comparison(summary.effect, low, high, statistic, p_value, *sizes, against)
    return on_scale(found, plan.effect)


def distance_of_ratio(ratio: Floats, standard_error: Floats, value: float) -> Standardised:
    """Return how far ratios lie above a value, by the standard error of their logarithm.

    >>> distance_of_ratio(np.array([2.0, np.inf]), np.array([0.5, np.nan]), 1.0).statistic.round(3)
    array([1.386,   nan])
    """
    known = (ratio > 0) & np.isfinite(ratio) & np.isfinite(standard_error)
    logarithm = np.log(np.where(known, ratio, 1.0))
    return Standardised((logarithm - np.log(value)) / np.where(known, standard_error, np.nan))


def against_effect(found: "EstimatedEffect | ImputedEffect", scale: IntervalScale) -> Against:
    """Return what an effect known by its standard error says against a value."""
    known = found.effect, found.standard_error
    freedom = np.nan_to_num(found.degrees_of_freedom, nan=1.0, posinf=np.inf)
    return lambda value: distance_of_effect(*known, value, scale, freedom)


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
    whole = pool_estimated_effects(
        effects, variances, samples.freedom(), "logit", plan.confidence, plan.alternative
    )
    ends = whole.effect, whole.low, whole.high
    against = against_effect(whole, "logit")
    comparison = Comparison(*ends, whole.t, whole.p_value, *samples.sizes, against)
    return on_scale(comparison, plan.effect)


def of_estimated_effect(
    data: Data, effect: Floats, variance: Floats, freedom: Floats
) -> Comparison:
    """Return the test of an effect by its variance, the interval on the logit scale."""
    from trialsim.stats.ranks.estimated_effect import estimated_effect

    plan = data.plan
    found = estimated_effect(effect, variance, "logit", plan.confidence, plan.alternative, freedom)
    return on_scale(of_effect(found, data.samples.sizes, "logit"), plan.effect)


def of_effect(
    found: EstimatedEffect,
    sizes: tuple[Integers, Integers],
    scale: IntervalScale = "plain",
) -> Comparison:
    """Return an effect that is known by its standard error as a comparison of so many patients."""
    ends = found.effect, found.low, found.high
    against = against_effect(found, scale)
    return Comparison(*ends, found.z, found.p_value, *sizes, against)


def rank_truth(data: Data, method: AnalysisMethod) -> TruthParts:
    """Return the parts of the true effect of the two populations.

    An adjusted comparison has that of the unadjusted one, for randomisation makes them the same.
    """
    if data.plan.effect == "win_ratio":
        pairs = data.counts[:, 0].sum(axis=-1).prod(axis=-1)
        ratio = win_ratio_counts(data.counts[:, 0, 0], data.counts[:, 0, 1])
        known = np.where(pairs > 0, pairs, np.nan)
        return TruthParts(ratio.wins / known, ratio.losses / known)
    if data.plan.strata == "none":
        return of_theta(two_samples(data).effect, data.plan.effect)
    from trialsim.stats.ranks.stratified import stratified_effect

    strata = summarise_counts(data.counts[..., 0, :], data.counts[..., 1, :])
    found = stratified_effect(strata, weighting_by_sizes(data.plan))
    return of_theta(found.effect, data.plan.effect)


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

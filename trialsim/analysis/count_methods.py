"""The methods that need no more than counts of patients over the cells of the scale."""

import math

from trialsim.analysis.comparison import Comparison, on_scale, scaled_effect, without_statistic
from trialsim.analysis.endpoint import WORST
from trialsim.arrays import Floats, Integers
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import BrunnerMunzel, ExactMannWhitney, MannWhitney, Responders
from trialsim.stats.ranks.effect_intervals import effect_interval
from trialsim.stats.ranks.mann_whitney import RankSummary, rank_test, summarise_counts
from trialsim.stats.ranks.wins import win_ratio_counts


def needs_only_counts(plan: AnalysisPlan) -> bool:
    """Return whether counts over the cells are enough for the plan's method."""
    counted = MannWhitney | ExactMannWhitney | BrunnerMunzel | Responders
    return isinstance(plan.test, counted) and plan.missing != "multiple_imputation"


def compare_counts(counts: Integers, outcome: Outcome, plan: AnalysisPlan) -> Comparison:
    """Apply the plan to counts by stratum, arm and cell, shape (replicate, stratum, 2, cells)."""
    if plan.strata == "site":
        return _stratified(counts, plan)
    treated, control = counts[:, 0, 0], counts[:, 0, 1]
    if isinstance(plan.test, Responders):
        return _responders(treated, control, outcome, plan, plan.test)
    summary = summarise_counts(treated, control)
    match plan.test:
        case ExactMannWhitney():
            from trialsim.stats.ranks.exact_rank import exact_rank_test_counts

            exact = exact_rank_test_counts(treated, control, plan.alternative)
            statistic, p_value = exact.z, exact.p_value
        case BrunnerMunzel(reference=reference):
            from trialsim.stats.ranks.brunner_munzel import brunner_munzel

            studentised = brunner_munzel(summary, plan.alternative, reference)
            statistic, p_value = studentised.statistic, studentised.p_value
        case _:
            test = rank_test(summary, plan.alternative, plan.continuity_correction)
            statistic, p_value = test.z, test.p_value
    return rank_comparison(summary, counts, plan, statistic, p_value)


def rank_comparison(
    summary: RankSummary,
    counts: Integers,
    plan: AnalysisPlan,
    statistic: Floats,
    p_value: Floats,
) -> Comparison:
    """Return a test of two unadjusted samples with the effect and interval that are reported."""
    low, high = effect_interval(summary, plan.interval, plan.confidence)
    sizes = summary.treated, summary.control
    if plan.effect == "win_ratio":
        ratio = win_ratio_counts(counts[:, 0, 0], counts[:, 0, 1], plan.confidence)
        ends = ratio.estimate, ratio.low, ratio.high
        return Comparison(*ends, statistic, p_value, *sizes)
    return on_scale(Comparison(summary.effect, low, high, statistic, p_value, *sizes), plan.effect)


def _stratified(counts: Integers, plan: AnalysisPlan) -> Comparison:
    from trialsim.stats.ranks.stratified import stratified_effect, stratified_test

    strata = summarise_counts(counts[..., 0, :], counts[..., 1, :])
    weighting = plan.stratum_weighting
    test = stratified_test(strata, weighting, plan.alternative)
    found = stratified_effect(strata, weighting, confidence=plan.confidence)
    sizes = counts[..., 0, :].sum(axis=(1, 2)), counts[..., 1, :].sum(axis=(1, 2))
    comparison = Comparison(test.effect, found.low, found.high, test.z, test.p_value, *sizes)
    return on_scale(comparison, plan.effect)


def _responders(
    treated: Integers, control: Integers, outcome: Outcome, plan: AnalysisPlan, method: Responders
) -> Comparison:
    from trialsim.stats.means_and_proportions.responders import fisher_exact, responder_difference

    first = cell_of(method.threshold, outcome, plan)
    arms = [(arm[:, first:].sum(axis=1), arm.sum(axis=1)) for arm in (treated, control)]
    table = (*arms[0], *arms[1])
    found = responder_difference(*table, confidence=plan.confidence)
    p_value = fisher_exact(*table, alternative=plan.alternative)
    return Comparison(*found, without_statistic(p_value), p_value, arms[0][1], arms[1][1])


def cell_of(points: float, outcome: Outcome, plan: AnalysisPlan) -> int:
    """Return the cell of a score, or of a change; better ones are in the cells from it on."""
    low, high = outcome.low, outcome.high
    if plan.measure == "change":
        low, high = low - high, high - low
    above = (points - low if outcome.sign > 0 else high - points) / outcome.step
    return WORST + 1 + math.ceil(round(above, 9))


def effect_of_counts(counts: Integers, plan: AnalysisPlan) -> Floats:
    """Return the estimate of two unadjusted, unstratified samples, shape (replicate, 2, cells)."""
    if plan.effect == "win_ratio":
        return win_ratio_counts(counts[:, 0], counts[:, 1]).estimate
    return scaled_effect(summarise_counts(counts[:, 0], counts[:, 1]).effect, plan.effect)

"""The primary analysis of a batch of replicates at once, by counting over the scale's cells."""

from typing import NamedTuple

import numpy as np

from trialsim.analysis.endpoint import WORST, Endpoint, complete_endpoint, endpoint
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.analysis_plan import AnalysisPlan
from trialsim.scenario.outcomes import Outcome
from trialsim.stats.effect_intervals import effect_interval
from trialsim.stats.mann_whitney import rank_test, summarise_counts
from trialsim.stats.stratified import stratified_effect, stratified_test
from trialsim.trial.trial import Trial


class PrimaryAnalysis(NamedTuple):
    """The result of each replicate; above 0.5 the treated are better. Shape (replicate,)."""

    estimate: Floats
    """The Mann-Whitney effect; NaN where an arm has nobody to analyse."""
    low: Floats
    high: Floats
    z: Floats
    p_value: Floats
    rejected: Booleans
    treated: Integers
    """Treated patients analysed."""
    control: Integers


def analyse_primary(trial: Trial, plan: AnalysisPlan) -> PrimaryAnalysis:
    """Apply the plan to every replicate of a trial."""
    return analyse_counts(cell_counts(trial, plan, endpoint(trial, plan)), plan)


def analyse_counts(counts: Integers, plan: AnalysisPlan) -> PrimaryAnalysis:
    """Apply the plan's test and interval to counts as `cell_counts` gives them."""
    treated, control = counts[..., 0, :], counts[..., 1, :]
    if plan.strata == "none":
        summary = summarise_counts(treated[:, 0], control[:, 0])
        test = rank_test(summary, plan.alternative, plan.continuity_correction)
        low, high = effect_interval(summary, plan.interval, plan.confidence)
    else:
        strata = summarise_counts(treated, control)
        test = stratified_test(strata, "van-elteren", plan.alternative)
        low, high = stratified_effect(strata, confidence=plan.confidence)[2:4]
    return PrimaryAnalysis(
        estimate=test.effect,
        low=low,
        high=high,
        z=test.z,
        p_value=test.p_value,
        rejected=test.p_value <= plan.alpha,
        treated=treated.sum(axis=(1, 2)),
        control=control.sum(axis=(1, 2)),
    )


def mean_scores(counts: Integers, outcome: Outcome, plan: AnalysisPlan) -> Floats:
    """Return the mean score (or change) of the treated and the controls, shape (replicate, 2).

    Those who are ranked below everybody have no score and are left out; NaN where nobody is left.
    """
    known = counts.sum(axis=1)[..., WORST + 1 :]
    patients = known.sum(axis=-1)
    steps: Floats = (known * np.arange(known.shape[-1])).sum(axis=-1) / np.where(
        patients > 0, patients, np.nan
    )
    if plan.measure == "change":
        steps = outcome.sign * (steps - (outcome.high - outcome.low))
    else:
        steps = outcome.low + steps if outcome.sign > 0 else outcome.high - steps
    return steps


def complete_effect(trial: Trial, plan: AnalysisPlan) -> Floats:
    """Return each replicate's Mann-Whitney effect had nobody's score been missed.

    Its mean over replicates is the true value of the treatment-policy estimand.
    """
    counts = cell_counts(trial, plan, complete_endpoint(trial, plan)).sum(axis=1)
    return summarise_counts(counts[:, 0], counts[:, 1]).effect


def cell_counts(trial: Trial, plan: AnalysisPlan, values: Endpoint) -> Integers:
    """Return patients by stratum, arm and cell, shape (replicate, stratum, 2, cells).

    The two arms are the plan's treated and control, in this order.
    """
    arms = list(trial.scenario.design.arms)
    group = np.full(len(arms), 2)  # patients of other arms are counted aside and dropped
    group[arms.index(plan.treated)], group[arms.index(plan.control)] = 0, 1
    strata = len(trial.scenario.operations.sites) if plan.strata == "site" else 1
    stratum = trial.site if plan.strata == "site" else 0
    replicates = len(trial.arms)
    place = (np.arange(replicates)[:, None] * strata + stratum) * 3 + group[trial.arms]
    place = place * values.cells + values.cell
    counts = np.bincount(place[values.analysed], minlength=replicates * strata * 3 * values.cells)
    return counts.reshape(replicates, strata, 3, values.cells)[:, :, :2]

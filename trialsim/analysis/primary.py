"""The analysis of a batch of replicates at once, by whatever method the plan names."""

from typing import NamedTuple

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.count_methods import compare_counts, effect_of_counts, needs_only_counts
from trialsim.analysis.counts import cell_counts
from trialsim.analysis.endpoint import complete_endpoint, endpoint
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import RANK_METHODS, Permutation, Responders
from trialsim.trial.trial import Trial


class PrimaryAnalysis(NamedTuple):
    """The result of each replicate; above the plan's null value the treated are better.

    Shape (replicate,). What is estimated, and its null value, is the plan's `quantity`.
    """

    estimate: Floats
    """NaN where an arm has nobody to analyse."""
    low: Floats
    high: Floats
    z: Floats
    """The test's statistic, normal or Student's t; NaN where it has none."""
    p_value: Floats
    rejected: Booleans
    treated: Integers
    """Treated patients analysed."""
    control: Integers


def analyse_primary(trial: Trial, plan: AnalysisPlan) -> PrimaryAnalysis:
    """Apply the plan to every replicate of a trial."""
    return analyse_counted(trial, plan, cell_counts(trial, plan, endpoint(trial, plan)))


def analyse_counted(trial: Trial, plan: AnalysisPlan, counts: Integers) -> PrimaryAnalysis:
    """Apply the plan to a trial whose patients `cell_counts` has counted already."""
    found = _compared(trial, plan, counts)
    return PrimaryAnalysis(
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        z=found.statistic,
        p_value=found.p_value,
        rejected=found.p_value <= plan.alpha,
        treated=found.treated,
        control=found.control,
    )


def estimand_effect(trial: Trial, plan: AnalysisPlan) -> Floats:
    """Return each replicate's estimate had nobody's score been missed.

    Its mean over replicates is the true value of the treatment-policy estimand; where the plan is
    stratified it has the plan's weights of strata.
    """
    if isinstance(plan.test, (*RANK_METHODS, Responders)):
        counts = cell_counts(trial, plan, complete_endpoint(trial, plan))
        if isinstance(plan.test, RANK_METHODS) and plan.strata == "none":
            return effect_of_counts(counts.sum(axis=1), plan)
        return compare_counts(counts, trial.scenario.outcomes[plan.endpoint], plan).estimate
    from trialsim.analysis.sample_methods import compare_samples

    return compare_samples(trial, plan, complete_endpoint).estimate


def _compared(trial: Trial, plan: AnalysisPlan, counts: Integers) -> Comparison:
    if needs_only_counts(plan):
        return compare_counts(counts, trial.scenario.outcomes[plan.endpoint], plan)
    if plan.missing == "multiple_imputation":
        from trialsim.analysis.imputed import compare_imputed

        return compare_imputed(trial, plan)
    from trialsim.analysis.sample_methods import compare_permuted, compare_samples

    if isinstance(plan.test, Permutation):
        return compare_permuted(trial, plan, plan.test, endpoint(trial, plan), counts)
    return compare_samples(trial, plan, endpoint)

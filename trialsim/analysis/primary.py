"""The analysis of a batch of replicates at once, by whatever method the plan names."""

from typing import NamedTuple

from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare, estimate
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
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
    return analyse_data(Data(trial, plan))


def analyse_data(data: Data) -> PrimaryAnalysis:
    """Apply the plan to the patients of every replicate."""
    found = compare(data)
    return PrimaryAnalysis(
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        z=found.statistic,
        p_value=found.p_value,
        rejected=found.p_value <= data.plan.alpha,
        treated=found.treated,
        control=found.control,
    )


def estimand_effect(trial: Trial, plan: AnalysisPlan) -> Floats:
    """Return each replicate's estimate had nobody's score been missed.

    Its mean over replicates is the true value of the treatment-policy estimand; where the plan is
    stratified it has the plan's weights of strata.
    """
    return estimate(Data(trial, plan, complete=True))

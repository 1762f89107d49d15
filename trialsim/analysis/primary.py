"""The analysis of a batch of replicates at once, by whatever method the plan names."""

from typing import NamedTuple

import numpy as np

from trialsim.analysis.claims import in_favour
from trialsim.analysis.comparison import Comparison, DoseFinding, LevelPairs
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.trial.trial import Trial


class PrimaryAnalysis(NamedTuple):
    """The result of each replicate; above the plan's null value the treated are better.

    Shape (replicate,). What is estimated, and its null value, is the plan's `quantity`.
    """

    estimate: Floats
    """NaN where an arm has no patient to analyse, or a likelihood no maximum."""
    low: Floats
    high: Floats
    z: Floats
    """The test's statistic, normal or Student's t; NaN where it has none."""
    p_value: Floats
    rejected: Booleans
    favoured: Booleans
    """Whether it rejects in favour of the treated, or makes the claim that the trial is run for."""
    treated: Integers
    """Treated patients analysed."""
    control: Integers
    levels: LevelPairs | None = None
    """The pairs that each level of a hierarchy decides; None of all else."""
    doses: DoseFinding | None = None
    """The shapes and the target dose of a dose finding; None of all else."""
    means: tuple[Floats, Floats] | None = None
    """What is averaged of the treated and of the controls where it is not their scores."""


def analyse_primary(trial: Trial, plan: AnalysisPlan) -> PrimaryAnalysis:
    """Apply the plan to every replicate of a trial."""
    return analyse_data(Data(trial, plan))


def analyse_data(data: Data) -> PrimaryAnalysis:
    """Apply the plan to the patients of every replicate."""
    found = compare(data)
    rejected = found.p_value <= data.plan.alpha
    return PrimaryAnalysis(
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        z=found.statistic,
        p_value=found.p_value,
        rejected=rejected,
        favoured=rejected & _in_favour(found, data.plan),
        treated=found.treated,
        control=found.control,
        levels=found.levels,
        doses=found.doses,
        means=found.means,
    )


def _in_favour(found: Comparison, plan: AnalysisPlan) -> Booleans:
    """Return whether a rejection is in favour of the treated, or of any dose of a dose finding."""
    if found.doses is not None:
        return np.asarray(found.doses.significant.any(axis=1))
    return in_favour(found.estimate, plan)

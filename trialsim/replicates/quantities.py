"""The few dozen numbers that are kept of each replicate of a trial."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.analysis.counts import mean_scores
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import truth_parts
from trialsim.analysis.primary import analyse_data
from trialsim.arrays import Floats
from trialsim.clock import DAY, NEVER
from trialsim.replicates.true_effect import cells_for_truth, names_of_truth
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Trial

QUANTITIES: Final = (
    "estimate",
    "low",
    "high",
    "p_value",
    "rejected",
    "favoured",
    "truth_over",
    "truth_under",
    "treated_analysed",
    "control_analysed",
    "treated_mean",
    "control_mean",
    "screened",
    "recruitment_days",
    "duration_days",
    "infusions_given",
    "discontinued",
    "withdrawn",
    "died",
)
"""The numbers kept of each replicate."""


def kept_of(study: Study) -> tuple[str, ...]:
    """Return the names of the numbers that are kept of each replicate of a study without looks."""
    return (*QUANTITIES, *names_of_truth(study))


def quantities(trial: Trial) -> dict[str, Floats]:
    """Return the numbers that are kept of each replicate of a trial: `kept_of` names them."""
    plan = trial.scenario.analysis
    data = Data(trial, plan)
    primary = analyse_data(data)
    means = mean_scores(data.counts, trial.scenario.outcomes[plan.endpoint], plan)
    complete, conduct = Data(trial, plan, complete=True), trial.conduct
    truth = truth_parts(complete)
    ends = [
        (conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]).max(axis=1)
        for visit in range(len(trial.scenario.design.visits))
    ]
    numbers = {
        "estimate": primary.estimate,
        "low": primary.low,
        "high": primary.high,
        "p_value": primary.p_value,
        "rejected": primary.rejected,
        "favoured": primary.favoured,
        "truth_over": truth.over,
        "truth_under": truth.under,
        "treated_analysed": primary.treated,
        "control_analysed": primary.control,
        "treated_mean": means[:, 0],
        "control_mean": means[:, 1],
        "screened": conduct.screened,
        "recruitment_days": conduct.closed / DAY,
        "duration_days": np.max(ends, axis=0) / DAY,
        "infusions_given": np.count_nonzero(conduct.infusion_given, axis=(1, 2)),
        "discontinued": (conduct.discontinued < NEVER).sum(axis=1),
        "withdrawn": (conduct.withdrawn < NEVER).sum(axis=1),
        "died": (conduct.died < NEVER).sum(axis=1),
        **cells_for_truth(complete),
    }
    return {name: np.asarray(number, np.float64) for name, number in numbers.items()}


def aligned_to_replicates(
    columns: Mapping[str, Floats], trial: Trial, replicates: range
) -> Mapping[str, Floats]:
    """Return numbers of a trial with a place for each replicate requested, NaN where it failed."""
    if not trial.failures:
        return columns
    place = trial.replicates - replicates.start
    whole = {name: np.full(len(replicates), np.nan) for name in columns}
    for name, values in columns.items():
        whole[name][place] = values
    return whole

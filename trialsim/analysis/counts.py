"""Patients counted: over the cells of a scale, all that most rank methods need, and by event.

Events that few studies have are counted by arm, of those compared.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from trialsim.analysis.endpoint import WORST, Endpoint
from trialsim.arrays import Floats, Integers
from trialsim.clock import NEVER
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.trial.allocation.strata import strata_count, stratum_of
from trialsim.trial.trial import Trial

_TOLD: Final[Mapping[Event, str]] = {
    "drug_related_discontinuation": "stopped_for_drug",
    "rescue": "rescued",
    "switching": "switched",
}
"""Kinds of event that few studies have, by the names of their fields in `Conduct`."""


def cell_counts(trial: Trial, plan: AnalysisPlan, values: Endpoint) -> Integers:
    """Return patients by stratum, arm and cell, shape (replicate, stratum, 2, cells).

    The two arms are the plan's treated and control, in this order.
    """
    shape = (len(trial.arms), strata_of(trial, plan), 3, values.cells)
    kept = cell_places(trial, plan, values)[values.analysed]
    return np.bincount(kept, minlength=math.prod(shape)).reshape(shape)[:, :, :2]


def cell_places(trial: Trial, plan: AnalysisPlan, values: Endpoint) -> Integers:
    """Return the place of each patient in a table of replicates, strata, arms and cells."""
    arms = list(trial.scenario.design.arms)
    group = np.full(len(arms), 2)  # patients of other arms are counted aside and dropped
    group[arms.index(plan.treated)], group[arms.index(plan.control)] = 0, 1
    stratum = stratum_in(trial, plan)
    replicates = np.arange(len(trial.arms))[:, None]
    place = (replicates * strata_of(trial, plan) + stratum) * 3 + group[trial.arms]
    return np.asarray(place * values.cells + values.cell)


def place_in_table(trial: Trial, plan: AnalysisPlan, values: Endpoint) -> Integers:
    """Return the place of each patient in a table of strata, three arms and cells.

    The third arm holds those who are not analysed beside patients of other arms.
    """
    rows = np.arange(len(trial.arms))[:, np.newaxis]
    size = strata_of(trial, plan) * 3 * values.cells
    place = cell_places(trial, plan, values) - rows * size
    return np.where(values.analysed, place, 2 * values.cells)


def strata_of(trial: Trial, plan: AnalysisPlan) -> int:
    """Return how many strata the plan's analysis has."""
    match plan.strata:
        case "site":
            return len(trial.scenario.operations.sites)
        case "design":
            return strata_count(trial.scenario)
        case _:
            return 1


def stratum_in(trial: Trial, plan: AnalysisPlan) -> Integers:
    """Return the stratum of each patient in the plan's analysis, shape (replicate, patient)."""
    match plan.strata:
        case "site":
            return trial.site
        case "design":
            return stratum_of(trial.scenario, trial.cohort, trial.candidate)
        case _:
            return np.zeros_like(trial.arms)


def cell_of(points: float, outcome: Outcome, plan: AnalysisPlan) -> int:
    """Return the cell of a score, or of a change; better ones are in the cells from it on."""
    low, high = outcome.low, outcome.high
    if plan.measure == "change":
        low, high = low - high, high - low
    above = (points - low if outcome.sign > 0 else high - points) / outcome.step
    return WORST + 1 + math.ceil(round(above, 9))


def mean_scores(counts: Integers, outcome: Outcome, plan: AnalysisPlan) -> Floats:
    """Return the mean score (or change) of the treated and the controls, shape (replicate, 2).

    Those ranked below all others have no score and are left out; NaN where none is left.
    Of an analysis of responders it is their proportion, among all who are analysed.
    """
    if isinstance(plan.test, Responders):
        everybody = counts.sum(axis=(1, 3))
        responding = counts[..., cell_of(plan.test.threshold, outcome, plan) :].sum(axis=(1, 3))
        return np.asarray(responding / np.where(everybody > 0, everybody, np.nan))
    known = counts.sum(axis=1)[..., WORST + 1 :]
    patients = known.sum(axis=-1)
    steps: Floats = (known * np.arange(known.shape[-1])).sum(axis=-1) / np.where(
        patients > 0, patients, np.nan
    )
    grid = outcome.grid
    if plan.measure == "change":
        return outcome.sign * (steps - grid.steps) * grid.step
    worst = grid.low if outcome.sign > 0 else grid.high
    return np.asarray(worst + outcome.sign * steps * grid.step)


def names_by_arm(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is counted by arm, of events that can happen.

    >>> import trialsim as ts
    >>> names_by_arm(ts.load("cars1").replace({"operations.rescue.probability": 0.1}))
    ('treated_rescued', 'control_rescued')
    """
    events = study.operations.events
    happening = [name for event, name in _TOLD.items() if events[event].probability > 0]
    return tuple(f"{arm}_{name}" for name in happening for arm in ("treated", "control"))


def events_by_arm(trial: Trial) -> dict[str, Integers]:
    """Return the minutes of such events by name, shape (replicate, patient); `NEVER` of others."""
    plan, names = trial.scenario.analysis, list(trial.scenario.design.arms)
    whose = {"treated": plan.treated, "control": plan.control}
    found = {}
    for name in names_by_arm(trial.scenario):
        arm, event = name.split("_", 1)
        when = trial.conduct.ends[event]
        found[name] = np.where(trial.arms == names.index(whose[arm]), when, NEVER)
    return found

"""What each replicate says of the true values of estimands, and what every analysis found in it.

The potential outcomes of all patients of a replicate are kept as histograms by variable, estimand
and arm: from all replicates together they give the populations' values. Beside them stand the
estimates of each analysis in the trial as it was run, so that biases are paired.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import by_the_visit, cells_of, in_subgroup, visit_of
from trialsim.analysis.methods.registry import measurements
from trialsim.analysis.potential import (
    Potential,
    Variable,
    Worlds,
    histograms,
    variable_of,
)
from trialsim.analysis.primary import analyse_data
from trialsim.arrays import Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.estimands import EVENTS
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.estimands import estimands_of
from trialsim.trial.trial import Trial

ARMS: Final = ("treated", "control")
PREFIX: Final = "estimand "
"""Of the names of the numbers that are kept for estimands."""
_FOUND: Final = ("estimate", "low", "high", "rejected", "favoured")
_EVERYBODY: Final = "randomised"
_ALIVE: Final = "alive"
_DEATH: Final[tuple[Event, ...]] = ("death",)
_OF_PATIENTS: Final = ("better", "compared", "population", "valueless")
AFFECTED: Final = "affected"
"""The name of how many patients alive at the visit have no score there, or one after an event."""
BOTH: Final = "a death after another event"
"""The name of what the shares of events say of deaths that another event came before."""


class Key(NamedTuple):
    """A variable, by the place among those of the study, and an estimand, by its name."""

    variable: int
    estimand: str


def analyses_of(study: Scenario) -> dict[str, AnalysisPlan]:
    """Return every analysis of a study by name that has an effect of two populations.

    >>> import trialsim as ts
    >>> list(analyses_of(ts.load("cars1")))
    ['primary']
    """
    plans = {PRIMARY: study.analysis, **study.analysis.further}
    return {
        name: plan
        for name, plan in plans.items()
        if plan.test.why_no_population_effect(plan) is None
    }


def variables_of(study: Scenario) -> dict[Variable, AnalysisPlan]:
    """Return the variables that the analyses have, each with a plan of it, the primary's first."""
    found: dict[Variable, AnalysisPlan] = {variable_of(study.analysis): study.analysis}
    for plan in analyses_of(study).values():
        for one in measurements(plan):
            found.setdefault(variable_of(one), one)
    return found


def estimand_names(study: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept of each replicate for its estimands."""
    names = [_found(name, what) for name in analyses_of(study) for what in _FOUND]
    names += [_happened(event, arm) for event in (_EVERYBODY, *EVENTS, BOTH) for arm in ARMS]
    names += [f"{PREFIX}{AFFECTED}", f"{PREFIX}{_ALIVE}"]
    for key, plan in _keys(study):
        cells = range(cells_of(study.outcomes[plan.endpoint], plan))
        names += [_cell(key, arm, cell) for arm in ARMS for cell in cells]
        names += [_name(key, what) for what in _OF_PATIENTS]
    return tuple(names)


def estimand_numbers(trial: Trial) -> dict[str, Floats]:
    """Return what is kept of each replicate: `estimand_names` names it."""
    study, worlds = trial.scenario, Worlds(trial)
    numbers: dict[str, Floats] = {}
    for name, plan in analyses_of(study).items():
        found = analyse_data(Data(trial, plan))._asdict()
        numbers |= {_found(name, what): found[what] for what in _FOUND}
    numbers |= _events(worlds, study.analysis) | _affected(trial, study.analysis)
    estimands = estimands_of(study)
    for key, plan in _keys(study):
        potential = Potential(worlds, plan, estimands[key.estimand])
        numbers |= _histograms(key, potential) | _of_patients(key, potential)
    return {name: np.asarray(number, np.float64) for name, number in numbers.items()}


def histogram_of(columns: Mapping[str, Floats], key: Key, arm: str, cells: int) -> Floats:
    """Return the histogram of every replicate, shape (replicate, cells)."""
    return np.stack([columns[_cell(key, arm, cell)] for cell in range(cells)], axis=-1)


def patients_of(columns: Mapping[str, Floats], key: Key) -> dict[str, Floats]:
    """Return the counts of patients for a variable and an estimand.

    `better` is how many have a better value on the drug than the same patient without it, ties
    counted half, of those `compared`; `population` those of the estimand's population; `valueless`
    those of it without a value in either arm, both arms together.
    """
    return {what: columns[_name(key, what)] for what in _OF_PATIENTS}


def events_of(columns: Mapping[str, Floats], event: str, arm: str) -> tuple[Floats, Floats]:
    """Return how many patients had an event by the visit if all were in an arm, and how many."""
    return columns[_happened(event, arm)], columns[_happened(_EVERYBODY, arm)]


def affected_of(columns: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return how many lack a score at the visit or had an event, and how many are alive there."""
    return columns[f"{PREFIX}{AFFECTED}"], columns[f"{PREFIX}{_ALIVE}"]


def _keys(study: Scenario) -> Iterator[tuple[Key, AnalysisPlan]]:
    for place, plan in enumerate(variables_of(study).values()):
        for name in estimands_of(study):
            yield Key(place, name), plan


def _events(worlds: Worlds, plan: AnalysisPlan) -> dict[str, Floats]:
    """Return how many had each event by the primary visit, were all in one arm."""
    numbers: dict[str, Floats] = {}
    among = in_subgroup(worlds.trial, plan)
    for arm, name in zip(ARMS, (plan.treated, plan.control), strict=True):
        world = worlds.of(name)
        happened = {event: by_the_visit(world, plan, (event,)) & among for event in EVENTS}
        others = [happened[event] for event in EVENTS if event != "death"]
        after = happened["death"] & np.any(others, axis=0)
        numbers[_happened(_EVERYBODY, arm)] = among.sum(axis=1)
        numbers |= {_happened(event, arm): one.sum(axis=1) for event, one in happened.items()}
        numbers[_happened(BOTH, arm)] = after.sum(axis=1)
    return numbers


def _affected(trial: Trial, plan: AnalysisPlan) -> dict[str, Floats]:
    """Return how many of those alive at the visit are affected, in the trial as it was run."""
    alive = in_subgroup(trial, plan) & ~by_the_visit(trial, plan, _DEATH)
    events = [event for event in EVENTS if event != "death"]
    missed = ~trial.conduct.visit_attended[:, :, visit_of(trial, plan)]
    affected = alive & (missed | by_the_visit(trial, plan, events))
    return {f"{PREFIX}{AFFECTED}": affected.sum(axis=1), f"{PREFIX}{_ALIVE}": alive.sum(axis=1)}


def _histograms(key: Key, potential: Potential) -> dict[str, Floats]:
    numbers: dict[str, Floats] = {}
    for arm, values in zip(ARMS, (potential.treated, potential.control), strict=True):
        counts = histograms(values)
        numbers |= {_cell(key, arm, cell): column for cell, column in enumerate(counts.T)}
    return numbers


def _of_patients(key: Key, potential: Potential) -> dict[str, Floats]:
    treated, control = potential.treated, potential.control
    compared = treated.analysed & control.analysed
    better = (treated.cell > control.cell) + 0.5 * (treated.cell == control.cell)
    valueless = (potential.population & ~one.analysed for one in (treated, control))
    counts = {
        "better": (better * compared).sum(axis=1),
        "compared": compared.sum(axis=1),
        "population": potential.population.sum(axis=1),
        "valueless": sum(one.sum(axis=1) for one in valueless),
    }
    return {_name(key, what): count for what, count in counts.items()}


def found_by(columns: Mapping[str, Floats], analysis: str) -> dict[str, Floats]:
    """Return what an analysis found: estimate, low, high, rejected and favoured."""
    return {what: columns[_found(analysis, what)] for what in _FOUND}


def _found(analysis: str, what: str) -> str:
    return f"{PREFIX}{what} by {analysis}"


def _happened(event: str, arm: str) -> str:
    return f"{PREFIX}{event} if {arm}"


def _cell(key: Key, arm: str, cell: int) -> str:
    return _name(key, f"{arm} {cell}")


def _name(key: Key, what: str) -> str:
    return f"{PREFIX}{key.variable} {key.estimand} {what}"

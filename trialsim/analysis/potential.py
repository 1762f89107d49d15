"""The value that each patient would have in either arm, as an estimand says: potential outcomes.

A patient's luck has an address, so the same patients can be run with all of them treated, with all
of them controls, and without a kind of event: worlds. What an estimand says of the events makes of
each world one value a patient; no trial could see both. Arrays have the shape (replicate, patient).
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from trialsim.analysis.endpoint import (
    Endpoint,
    by_the_visit,
    first_of,
    in_subgroup,
    ranked,
    visit_of,
)
from trialsim.arrays import Booleans, Integers
from trialsim.clock import NEVER
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.trial.trial import Trial


class Variable(NamedTuple):
    """What is measured, in whom and between which arms; analyses of one variable share truths."""

    endpoint: str
    visit: str
    measure: str
    subgroup: str
    treated: str
    control: str


def variable_of(plan: AnalysisPlan) -> Variable:
    """Return the variable of an analysis, whatever it does about missing scores and events."""
    subgroup = "" if plan.subgroup is None else plan.subgroup.model_dump_json()
    arms = plan.treated, plan.control
    return Variable(plan.endpoint, plan.visit, plan.measure, subgroup, *arms)


@dataclass(frozen=True, eq=False)
class Worlds:
    """The patients of a batch of trials in worlds, each of which is made once."""

    trial: Trial
    _made: dict[tuple[str, frozenset[Event]], Trial] = field(default_factory=dict)

    def of(self, arm: str, off: Collection[Event] = ()) -> Trial:
        """Return everybody in one arm, without some kinds of event."""
        key = arm, frozenset(off)
        if key not in self._made:
            self._made[key] = self.trial.world(arm, key[1])
        return self._made[key]


@dataclass(frozen=True, eq=False)
class Potential:
    """Both potential outcomes of each patient of a batch of trials, as an estimand says."""

    worlds: Worlds
    plan: AnalysisPlan
    estimand: Estimand

    @cached_property
    def treated(self) -> Endpoint:
        """The value of each patient of the population on the treated arm."""
        return self._in(self.plan.treated)

    @cached_property
    def control(self) -> Endpoint:
        """The value of each patient of the population on the control arm."""
        return self._in(self.plan.control)

    @cached_property
    def population(self) -> Booleans:
        """Who is of the population: of the subgroup, and of the principal stratum if there is one.

        Stratum and subgroup are the same whichever arm a patient is in.
        """
        among = in_subgroup(self.worlds.trial, self.plan)
        kinds = self.estimand.kinds_under("principal_stratum")
        arms = [self.plan.treated, self.plan.control]
        for arm in arms[:1] if self.estimand.stratum == "treated_arm" else arms:
            among = among & ~by_the_visit(self._world(arm), self.plan, kinds)
        return among

    def _world(self, arm: str) -> Trial:
        return self.worlds.of(arm, self.estimand.kinds_under("hypothetical"))

    def _in(self, arm: str) -> Endpoint:
        found = potential_endpoint(self._world(arm), self.plan, self.estimand)
        return replace(found, analysed=found.analysed & self.population)


def potential_endpoint(world: Trial, plan: AnalysisPlan, estimand: Estimand) -> Endpoint:
    """Return each patient's value in a world, analysed where there is one.

    The score is that at the visit under the infusions that are given in this world; while on
    treatment that of the last planned visit before the first such event, which is the baseline
    where no visit comes before it. Whoever has an event of the composite strategy by the visit is
    below every score, also where another event came first.
    """
    scores, visit = world.underlying, visit_of(world, plan)
    ends = first_of(world, estimand.kinds_under("while_on_treatment"))
    if (ends < NEVER).any():
        scores = scores.seen_at(world.conduct.visit_minute < ends[..., np.newaxis])
    value = scores.carried_forward(plan.endpoint, visit)
    worst = by_the_visit(world, plan, estimand.kinds_under("composite"))
    filling_nothing = plan.model_copy(update={"missing": "complete_case", "imputation": None})
    return ranked(world, filling_nothing, value, worst, np.ones_like(worst))


def histograms(values: Endpoint) -> Integers:
    """Return the patients in each cell, worst first, shape (replicate, cells)."""
    rows, patients = np.nonzero(values.analysed)
    places = rows * values.cells + values.cell[rows, patients]
    shape = len(values.cell), values.cells
    return np.bincount(places, minlength=shape[0] * shape[1]).reshape(shape)

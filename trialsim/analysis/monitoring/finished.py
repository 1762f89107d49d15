"""What every cut of a finished batch needs of it, worked out once for any number of plans."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.counts import cell_places, counted
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint, visit_of
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.monitoring.ordered_rows import OrderedRows
from trialsim.analysis.truth import TruthParts
from trialsim.arrays import Booleans, Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel
from trialsim.scenario.plan.methods.mann_whitney import MannWhitney
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.trial.looks import visit_known_from
from trialsim.trial.trial import Trial

Made = TypeVar("Made")


def needs_only_counts(plan: AnalysisPlan) -> bool:
    """Return whether the statistic needs no more than counts over the cells of the scale."""
    return isinstance(plan.test, MannWhitney | BrunnerMunzel | Responders)


@dataclass(frozen=True)
class FinishedTrial:
    """A batch that ran to its end, ready to be cut at any look."""

    trial: Trial

    @property
    def plan(self) -> AnalysisPlan:
        """The analysis of the study."""
        return self.trial.scenario.analysis

    @property
    def replicates(self) -> int:
        """How many trials there are."""
        return len(self.trial.arms)

    @cached_property
    def values(self) -> Endpoint:
        """The endpoint of every patient as analysed at the end."""
        return endpoint(self.trial, self.plan)

    @cached_property
    def known(self) -> Integers:
        """The first minute at whose beginning each patient's endpoint is known."""
        return visit_known_from(self.trial, visit_of(self.trial, self.plan))

    @cached_property
    def _by_size(self) -> dict[tuple[Hashable, int], Any]:
        return {}

    def once(self, what: Hashable, patients: int, make: Callable[[], Made]) -> Made:
        """Return what is made of the first so many patients, made once for all plans."""
        key = what, patients
        if key not in self._by_size:
            self._by_size[key] = make()
        made: Made = self._by_size[key]
        return made

    def known_in_order(self, patients: int) -> Integers:
        """Return the minutes at which endpoints are known, of the first so many, in order."""
        return self.once("in order", patients, lambda: np.sort(self.known[:, :patients], axis=1))

    @cached_property
    def _arrivals(self) -> OrderedRows:
        return OrderedRows(np.sort(self.trial.cohort.arrival, axis=1))

    def screened(self, closed: Integers) -> Integers:
        """Return how many candidates arrived while recruitment was open, shape (replicate,)."""
        last = self.trial.scenario.operations.last_arrival
        return self._arrivals.at_most(np.minimum(closed, last))

    @property
    def randomised(self) -> Integers:
        """The minute at which each patient was randomised."""
        return self.trial.conduct.randomised

    @cached_property
    def complete(self) -> Data:
        """The trial had nobody's score been missed; no look changes the populations."""
        return Data(self.trial, self.plan, complete=True)

    @cached_property
    def truth(self) -> TruthParts:
        """What each replicate contributes to the true effect."""
        return truth_parts(self.complete)

    @cached_property
    def places(self) -> Integers:
        """The cell of a table of all replicates, strata and arms in which each patient counts."""
        return cell_places(self.trial, self.plan, self.values)

    def counts(self, included: Booleans) -> Integers:
        """Return those of the analysed who are included, as `cell_counts` counts them."""
        return counted(self.trial, self.plan, self.values, self.places, included)

    def counts_but_for(self, patients: int, changed: Booleans, included: Booleans) -> Integers:
        """Return the counts of the first so many patients, in changed replicates of those included.

        That is what `counts` gives of the included, where they are those first patients elsewhere.
        """
        everybody = np.arange(self.values.cell.shape[1]) < patients
        first = np.broadcast_to(everybody, self.values.cell.shape)
        counts = self.once("counts", patients, lambda: self.counts(first)).copy()
        rows = np.flatnonzero(changed)
        shape = (len(rows), *counts.shape[1:2], 3, counts.shape[3])
        size = int(np.prod(shape[1:]))
        shift = ((rows - np.arange(len(rows))) * size)[:, None]
        places = (self.places[rows] - shift)[self.values.analysed[rows] & included[rows]]
        counts[rows] = np.bincount(places, minlength=len(rows) * size).reshape(shape)[:, :, :2]
        return counts

    def compared(
        self, plan: AnalysisPlan, included: Booleans, counts: Integers | None = None
    ) -> Comparison:
        """Return the comparison, by the plan's own method, of those included.

        `counts` are theirs, if they are counted already.
        """
        part = Data(self.trial, plan, given=self.values, among=included, counted=counts)
        return compare(part)

    def compared_but_for(
        self, patients: int, changed: Booleans, included: Booleans, counts: Integers
    ) -> Comparison:
        """Return the comparison of the first so many, in changed replicates of those included.

        `counts` are those of `counts_but_for`.
        """
        if not needs_only_counts(self.plan):
            return self.compared(self.plan, included)
        everybody = np.zeros(len(changed), np.bool_)
        whole = self.once(
            "comparison",
            patients,
            lambda: self.compared(
                self.plan, included, self.counts_but_for(patients, everybody, included)
            ),
        )
        rows = np.flatnonzero(changed)
        if not rows.size:
            return whole
        part = self.compared(self.plan, included, counts[rows])
        merged = {name: values.copy() for name, values in whole._asdict().items()}
        for name, values in part._asdict().items():
            merged[name][rows] = values
        return Comparison(**merged)

    @cached_property
    def last_visit(self) -> Integers:
        """The minute of the last visit to which each patient came."""
        conduct = self.trial.conduct
        ends = [
            conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]
            for visit in range(len(self.trial.scenario.design.visits))
        ]
        return np.asarray(np.maximum.reduce(ends))

    @cached_property
    def infusions(self) -> Integers:
        """How many infusions each patient was given."""
        return np.asarray(np.count_nonzero(self.trial.conduct.infusion_given, axis=2))

    @property
    def exits(self) -> dict[str, Integers]:
        """When each patient discontinued treatment, withdrew and died."""
        conduct = self.trial.conduct
        return {
            "discontinued": conduct.discontinued,
            "withdrawn": conduct.withdrawn,
            "died": conduct.died,
        }

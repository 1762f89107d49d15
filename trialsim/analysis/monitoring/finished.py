"""What every cut of a finished batch needs of it, worked out once for any number of plans."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.counts import cell_places, counted, strata_of
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint, visit_of
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.truth import TruthParts
from trialsim.arrays import Booleans, Integers
from trialsim.clock import NEVER
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.trial.looks import visit_known_from
from trialsim.trial.trial import Trial

Made = TypeVar("Made")


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
        """The first minute at whose beginning each patient's endpoint is known.

        `NEVER` of those who were missing when recruitment reached its limit.
        """
        known = visit_known_from(self.trial, visit_of(self.trial, self.plan))
        return np.where(self.randomised < NEVER, known, NEVER)

    @cached_property
    def _by_size(self) -> dict[tuple[Hashable, int], Any]:
        return {}

    def once(self, what: Hashable, patients: int, make: Callable[[], Made]) -> Made:
        """Return what is made of the first so many patients, made once for all plans."""
        (made,) = self.once_each([what], patients, lambda _: [make()])
        return made

    def once_each(
        self,
        what: Sequence[Hashable],
        patients: int,
        make: Callable[[Sequence[int]], Iterable[Made]],
    ) -> list[Made]:
        """Return several things, of which `make` makes those at the places that are lacking."""
        lacking = [at for at, one in enumerate(what) if (one, patients) not in self._by_size]
        for at, made in zip(lacking, make(lacking) if lacking else (), strict=True):
            self._by_size[what[at], patients] = made
        return [self._by_size[one, patients] for one in what]

    def known_in_order(self, patients: int) -> Integers:
        """Return the minutes at which endpoints are known, of the first so many, in order."""
        return self.once("in order", patients, lambda: np.sort(self.known[:, :patients], axis=1))

    def screened(self, closed: Integers) -> Integers:
        """Return how many candidates arrived while recruitment was open, shape (replicate,)."""
        conduct, last = self.trial.conduct, self.trial.scenario.operations.last_arrival
        rows = np.flatnonzero(closed != conduct.closed)
        counts = conduct.screened.copy()
        until = np.minimum(closed[rows], last)[:, None]
        counts[rows] = np.count_nonzero(self.trial.cohort.arrival[rows] <= until, axis=1)
        return counts

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

    def counts_in(self, rows: Integers, included: Booleans) -> Integers:
        """Return the counts of those included in some replicates, as `counts` of all."""
        shape = (len(rows), strata_of(self.trial, self.plan), 3, self.values.cells)
        size = math.prod(shape[1:])
        shift = ((rows - np.arange(len(rows))) * size)[:, None]
        places = (self.places[rows] - shift)[self.values.analysed[rows] & included[rows]]
        return np.bincount(places, minlength=len(rows) * size).reshape(shape)[:, :, :2]

    def counts_of_first(self, patients: int) -> Integers:
        """Return the counts of the first so many patients, made once for all plans."""
        return self.once("counts", patients, lambda: self.counts(self.first(patients)))

    def first(self, patients: int) -> Booleans:
        """Return who is among the first so many patients, shape (replicate, patient)."""
        places = np.arange(self.values.cell.shape[1])
        return np.broadcast_to(places < patients, self.values.cell.shape)

    def compared(
        self, plan: AnalysisPlan, included: Booleans, counts: Integers | None = None
    ) -> Comparison:
        """Return the comparison, by the plan's own method, of those included.

        `counts` are theirs, if they are counted already.
        """
        part = Data(self.trial, plan, given=self.values, among=included, counted=counts)
        return compare(part)

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

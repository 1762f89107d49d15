"""What every cut of a finished batch needs of it, worked out once for any number of plans."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.counts import cell_places, counted, events_by_arm, strata_of
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, endpoint, visit_of
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.truth import TruthParts
from trialsim.arrays import Booleans, Floats, Integers
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
        places = {one: at for at, one in enumerate(what)}
        lacking = [at for one, at in places.items() if (one, patients) not in self._by_size]
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

    def enrolled(self, rows: Integers, patients: Integers, closes: Integers) -> Booleans:
        """Return who is enrolled of some replicates, shape (row, patient).

        They are those of the first `patients` who are randomised before a minute.
        """
        planned = np.arange(self.randomised.shape[1]) < patients[:, None]
        return planned & (self.randomised[rows] < closes[:, None])

    def counts_at_ends(
        self, rows: Integers, patients: Integers, closes: Integers, until: Integers
    ) -> Integers:
        """Return the counts of some replicates as they end, shape (row, stratum, 2, cells).

        They are of those `enrolled` whose endpoint is known at a minute, `NEVER` for all of them.
        """
        included = self.enrolled(rows, patients, closes)
        if (until < NEVER).any():
            included &= self.known[rows] <= until[:, None]
        shape = (len(rows), strata_of(self.trial, self.plan), 3, self.values.cells)
        size = math.prod(shape[1:])
        shift = ((rows - np.arange(len(rows))) * size)[:, None]
        places = (self.places[rows] - shift)[self.values.analysed[rows] & included]
        return np.bincount(places, minlength=len(rows) * size).reshape(shape)[:, :, :2]

    def counts_at(self, patients: int, minutes: Integers) -> Integers:
        """Return the counts of those known at cuts, shape (replicate, cut, stratum, 2, cells).

        They are of the first so many patients; `minutes` are those of the cuts, shape (replicate,
        cut), in any order. Each patient is counted once, at the first cut that has them.
        """
        known, cuts = self.known[:, :patients], minutes.shape[1]
        first = np.zeros(known.shape, np.int16)  # narrow, as it is gone through for each cut
        for minute in minutes.T:
            first += known > minute[:, None]
        strata = strata_of(self.trial, self.plan)
        shape = (self.replicates, cuts + 1, strata, 3, self.values.cells)
        rows = np.arange(self.replicates)[:, None]
        places = self.places[:, :patients] + (rows * cuts + first) * math.prod(shape[2:])
        kept = places[self.values.analysed[:, :patients]]
        counts = np.bincount(kept, minlength=math.prod(shape)).reshape(shape)
        in_order: Integers = np.cumsum(counts[:, :cuts, :, :2], axis=1)
        if (np.diff(minutes, axis=1) >= 0).all():
            return in_order
        return in_order[rows, minutes.argsort(axis=1).argsort(axis=1)]

    def counts_of_first(self, patients: int) -> Integers:
        """Return the counts of the first so many patients, made once for all plans."""
        return self.once("counts", patients, lambda: self.counts(self.first(patients)))

    def first(self, patients: int) -> Booleans:
        """Return who is among the first so many patients, shape (replicate, patient)."""
        places = np.arange(self.values.cell.shape[1])
        return np.broadcast_to(places < patients, self.values.cell.shape)

    def compared(
        self, plan: AnalysisPlan, included: Booleans | None, counts: Integers | None = None
    ) -> Comparison:
        """Return the comparison, by the plan's own method, of those included.

        `counts` are theirs, if they are counted already: of some methods all that is needed.
        """
        part = Data(self.trial, plan, given=self.values, among=included, counted=counts)
        return compare(part)

    def estimates(self, counts: Integers) -> Floats:
        """Return the estimates of counts, shape (row, stratum, 2, cells)."""
        return self.compared(self.plan, None, counts).estimate

    def estimates_of_first(self, patients: int) -> Floats:
        """Return the estimates of the first so many patients, made once for all plans."""
        return self.once(
            "estimate", patients, lambda: self.estimates(self.counts_of_first(patients))
        )

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
        """When each patient discontinued treatment, withdrew and died, and what is told by arm."""
        conduct = self.trial.conduct
        return {
            "discontinued": conduct.discontinued,
            "withdrawn": conduct.withdrawn,
            "died": conduct.died,
            **events_by_arm(self.trial),
        }

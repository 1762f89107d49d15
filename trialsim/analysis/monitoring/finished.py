"""What every cut of a finished batch needs of it, worked out once for any number of plans."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.counts import strata_of
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, cells_of, endpoint
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.monitoring.patients import (
    Patients,
    at_most,
    patients_at_once,
    patients_of,
)
from trialsim.analysis.truth import TruthParts
from trialsim.analysis.whole.counted import without_trial
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import NEVER
from trialsim.compiled.library import stages
from trialsim.compiled.stages import Stages
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import Scenario
from trialsim.stats.ranks.mann_whitney import MOST_EXACT, RankSums, rank_sums
from trialsim.streams import Streams
from trialsim.trial.trial import Trial

Made = TypeVar("Made")


@dataclass(frozen=True)
class FinishedTrial:
    """A batch that ran to its end, ready to be cut at any look."""

    trial: Trial
    given: Patients | None = None
    """Its patients, where they were counted without a trial, of which only the study is known."""

    @property
    def plan(self) -> AnalysisPlan:
        """The analysis of the study."""
        return self.trial.scenario.analysis

    @property
    def replicates(self) -> int:
        """How many trials there are."""
        return len(self.randomised)

    @cached_property
    def values(self) -> Endpoint:
        """The endpoint of every patient as analysed at the end."""
        return endpoint(self.trial, self.plan)

    @cached_property
    def patients(self) -> Patients:
        """What decides every cut, of each patient."""
        return patients_of(self.trial, self.values) if self.given is None else self.given

    @property
    def known(self) -> Integers:
        """The first minute at whose beginning each patient's endpoint is known."""
        return self.patients.known

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
        patients, last = self.patients, self.trial.scenario.operations.last_arrival
        rows = np.flatnonzero(closed != patients.closed)
        counts = patients.screened.copy()
        until = np.minimum(closed[rows], last)[:, None]
        counts[rows] = at_most(patients.arrival, until, rows)[:, 0]
        return counts

    @property
    def randomised(self) -> Integers:
        """The minute at which each patient was randomised."""
        return self.patients.randomised

    @property
    def complete(self) -> Data:
        """The trial had nobody's score been missed; no look changes the populations."""
        return self.patients.complete

    @cached_property
    def truth(self) -> TruthParts:
        """What each replicate contributes to the true effect."""
        return truth_parts(self.complete)

    @cached_property
    def table(self) -> tuple[int, int, int]:
        """The shape in which the patients of a trial are counted: strata, three arms and cells."""
        cells = cells_of(self.trial.scenario.outcomes[self.plan.endpoint], self.plan)
        return strata_of(self.trial, self.plan), 3, cells

    def _counted(self, places: Integers, tables: int) -> Integers:
        """Return how many patients are at places in tables, shape (table, stratum, 2, cells)."""
        shape = (tables, *self.table)
        return np.bincount(places, minlength=math.prod(shape)).reshape(shape)[:, :, :2]

    def _beside(self, tables: int) -> Integers:
        """Return where tables begin that stand beside one another, shape (table, 1)."""
        return np.arange(tables)[:, None] * math.prod(self.table)

    def counts(self, included: Booleans) -> Integers:
        """Return those of the analysed who are included, as `cell_counts` counts them."""
        places = self.patients.place + self._beside(self.replicates)
        return self._counted(places[included], self.replicates)

    def enrolled(self, patients: Integers, closes: Integers) -> Integers:
        """Return how many of the first `patients` are randomised before a minute, (replicate,)."""
        return np.minimum(at_most(self.randomised, closes[:, None] - 1)[:, 0], patients)

    def counts_at_ends(self, rows: Integers, first: Integers, until: Integers) -> Integers:
        """Return the counts of some replicates as they end, shape (row, stratum, 2, cells).

        They are of the first patients whose endpoint is known at a minute, `NEVER` for all of them.
        """
        compiled = stages()
        if compiled is not None:
            return self._compiled_counts(compiled, rows, first, until[:, None])[:, 0]
        included = np.arange(self.randomised.shape[1]) < first[:, None]
        if (until < NEVER).any():
            included &= self.known[rows] <= until[:, None]
        places = self.patients.place[rows] + self._beside(len(rows))
        return self._counted(places[included], len(rows))

    def counts_at(self, patients: int, minutes: Integers) -> Integers:
        """Return the counts of those known at cuts, shape (replicate, cut, stratum, 2, cells).

        They are of the first so many patients; `minutes` are those of the cuts, shape (replicate,
        cut), in any order. NumPy counts each patient once, at the first cut that has them.
        """
        compiled, cuts = stages(), minutes.shape[1]
        if compiled is not None:
            rows, first = np.arange(self.replicates), np.full(self.replicates, patients)
            return self._compiled_counts(compiled, rows, first, minutes)
        known = self.known[:, :patients]
        later = np.zeros(known.shape, np.int16)  # narrow, as it is gone through for each cut
        for minute in minutes.T:
            later += known > minute[:, None]
        rows, tables = np.arange(self.replicates)[:, None], cuts + 1
        beside = (rows * tables + later) * math.prod(self.table)
        places = self.patients.place[:, :patients] + beside
        counts = self._counted(places.reshape(-1), self.replicates * tables)
        counts = counts.reshape(self.replicates, tables, *counts.shape[1:])
        in_order: Integers = np.cumsum(counts[:, :cuts], axis=1)
        if (np.diff(minutes, axis=1) >= 0).all():
            return in_order
        return in_order[rows, minutes.argsort(axis=1).argsort(axis=1)]

    def rank_sums_at(self, patients: int, minutes: Integers) -> RankSums:
        """Return the rank sums of those known at cuts, each of shape (replicate, cut).

        They are those of `counts_at`, of patients in one stratum.
        """
        compiled, cells = stages(), self.table[-1]
        if compiled is None or patients > MOST_EXACT:
            counts = self.counts_at(patients, minutes)[:, :, 0]
            return rank_sums(counts[..., 0, :], counts[..., 1, :])
        each = self.patients
        return RankSums(*compiled.rank_sums_at(patients, each.place, each.known, minutes, cells))

    def _compiled_counts(
        self, compiled: Stages, rows: Integers, first: Integers, minutes: Integers
    ) -> Integers:
        """Return the counts of the first patients known, shape (row, minute, stratum, 2, cells)."""
        each, size = self.patients, math.prod(self.table)
        counts = compiled.counts_at(rows, first, each.place, each.known, minutes, size)
        return counts.reshape(*minutes.shape, *self.table)[:, :, :, :2]

    def counts_of_first(self, patients: int) -> Integers:
        """Return the counts of the first so many patients, made once for all plans."""
        counted, all_of_them = self.patients.counts, patients == self.randomised.shape[1]
        if counted is not None and all_of_them:
            return counted
        return self.once("counts", patients, lambda: self.counts(self.first(patients)))

    def first(self, patients: int) -> Booleans:
        """Return who is among the first so many patients, shape (replicate, patient)."""
        shape = self.randomised.shape
        return np.broadcast_to(np.arange(shape[1]) < patients, shape)

    def compared(
        self, plan: AnalysisPlan, included: Booleans | None, counts: Integers | None = None
    ) -> Comparison:
        """Return the comparison, by the plan's own method, of those included.

        `counts` are theirs, if they are counted already: of some methods all that is needed.
        """
        values = self.values if self.given is None else None
        return compare(Data(self.trial, plan, given=values, among=included, counted=counts))

    def estimates(self, counts: Integers) -> Floats:
        """Return the estimates of counts, shape (row, stratum, 2, cells)."""
        return self.compared(self.plan, None, counts).estimate

    def estimates_of_first(self, patients: int) -> Floats:
        """Return the estimates of the first so many patients, made once for all plans."""
        return self.once(
            "estimate", patients, lambda: self.estimates(self.counts_of_first(patients))
        )


def finished_at_once(scenario: Scenario, streams: Streams) -> FinishedTrial | None:
    """Return finished trials of which patients alone are known; None where they are to simulate.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    """
    patients = patients_at_once(scenario, streams)
    return None if patients is None else FinishedTrial(without_trial(scenario), patients)


def needs_patients_alone(study: Scenario) -> bool:
    """Return whether looks see counts, and what they leave of a trial is its first patients.

    A trial itself is needed where waiting patients are left out, of whom every infusion is looked
    at, and where recruitment pauses, as it is run again.
    """
    plan = study.monitoring
    if plan is None or plan.waiting_patients == "left_out":
        return False
    pauses = any(look.recruitment_meanwhile == "pauses" for look in plan.looks.values())
    return study.analysis.test.monitored_by_counts and not pauses

"""Scores at the visits, from random effects and residuals, time since onset and drug received."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, Pairs, RowIndex
from trialsim.clock import DAY
from trialsim.curves import part_done
from trialsim.errors import InputError, Problem
from trialsim.own.courses import CourseError
from trialsim.scenario.outcomes.courses import Course
from trialsim.scenario.outcomes.effects import latent_shift, shift_of
from trialsim.scenario.outcomes.latent_scores import Elapsed
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.protocol.intercurrent import Event, LastingEvent
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Conduct
from trialsim.trial.dosing import Dosing
from trialsim.trial.patient_scores import DrawnWords, PatientScores


class Scores(Mapping[str, Floats]):
    """Each outcome's scores, shape (replicate, patient, visit), made when first looked at.

    Words have addresses, so an outcome, a visit or a patient that is not used costs nothing.
    """

    def __init__(
        self,
        outcomes: Iterable[str],
        visits: int,
        make: "Make",
        seen: Booleans | None = None,
        whole: "Scores | None" = None,
    ) -> None:
        """Take the outcomes, the number of visits, and what makes the scores of one at one.

        Scores are known at the visits that were seen, (replicate, patient, visit); None for all.
        Those at a visit that was seen may be taken from the whole, if there is one.
        """
        self._outcomes, self._visits = tuple(outcomes), visits
        self._make, self._seen = make, seen
        self._all = whole  # not itself where there is none, as a cycle keeps memory for long
        self._made: dict[tuple[str, int], Floats] = {}
        self._missed: dict[int, tuple[Booleans, Pairs]] = {}
        self._before: dict[tuple[int, tuple[bytes, bytes]], _VisitsSeen] = {}

    def __getitem__(self, outcome: str) -> Floats:
        """Return the scores of an outcome at every visit."""
        visits = [self.at(outcome, visit) for visit in range(self._visits)]
        return np.moveaxis(np.stack(visits), 0, 2)

    def __iter__(self) -> Iterator[str]:
        """Go through the outcomes in the order of the scenario."""
        return iter(self._outcomes)

    def __len__(self) -> int:
        """Return how many outcomes there are."""
        return len(self._outcomes)

    def at(self, outcome: str, visit: int) -> Floats:
        """Return the scores of an outcome at a visit, shape (replicate, patient)."""
        if outcome not in self._outcomes:
            raise KeyError(outcome)
        if (outcome, visit) not in self._made:
            self._made[outcome, visit] = self._make(outcome, visit, None)
        return self._made[outcome, visit]

    def of_some(self, outcome: str, visit: "Visits", patients: Pairs) -> Floats:
        """Return the scores of some patients at a visit, or each at their own, (1, patient)."""
        if isinstance(visit, int) and (outcome, visit) in self._made:
            return patients.of(self._made[outcome, visit])
        return self._make(outcome, visit, patients)

    @property
    def _whole(self) -> "Scores":
        return self if self._all is None else self._all

    def carried_forward(self, outcome: str, visit: int) -> Floats:
        """Return the last score known by a visit, NaN where there is none, (replicate, patient).

        Earlier ones are made for those alone who miss it.
        """
        value = self._whole.at(outcome, visit).copy()
        missing = np.isnan(value)
        if self._seen is not None:
            missing |= ~self._seen[:, :, visit]
        value[missing] = np.nan
        patients = self._missing(visit, missing)
        value[patients.rows, patients.places] = self.last_before(outcome, visit, patients)
        return value

    def last_before(self, outcome: str, visit: int, patients: Pairs) -> Floats:
        """Return the last score known before a visit, NaN where there is none, shape (patient,).

        It is made at one visit of each patient alone.
        """
        if (visit, patients.key) not in self._before:
            seen = np.ones((patients.rows.size, visit), np.bool_)
            if self._seen is not None:
                seen &= patients.of(self._seen)[0, :, :visit]
            self._before[visit, patients.key] = _VisitsSeen(patients, seen)
        return self._last(outcome, self._before[visit, patients.key])

    def _last(self, outcome: str, visits: "_VisitsSeen") -> Floats:
        """Return the last score that is known of each patient at visits at which they were seen."""
        found = np.full(visits.earlier.shape, np.nan)
        for some, own, patients in visits.latest:
            found[some] = self._whole.of_some(outcome, own, patients)[0]
        again = np.isnan(found) & visits.earlier
        if again.any():
            found[again] = self._last(outcome, visits.before_latest(again))
        return found

    def _missing(self, visit: int, missing: Booleans) -> Pairs:
        """Return the patients whose score is missing, of those who were seen before.

        They are mostly the same of every outcome.
        """
        if visit not in self._missed or not np.array_equal(self._missed[visit][0], missing):
            patients = Pairs.where(missing)
            if self._seen is not None:
                seen = patients.of(self._seen)[0, :, :visit]
                patients = patients.among(np.asarray(seen.any(axis=1)))
            self._missed[visit] = missing, patients
        return self._missed[visit][1]

    def seen_at(self, attended: Booleans) -> "Scores":
        """Return the scores, NaN at visits that were not attended, (replicate, patient, visit)."""

        def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
            if patients is None:
                there = attended[:, :, visit]
                return np.where(there, self.at(outcome, one_for_all(visit)), np.nan)
            there = attended[patients.rows, patients.places, visit]
            return np.where(there, self.of_some(outcome, visit, patients), np.nan)

        seen = attended if self._seen is None else attended & self._seen
        return Scores(self, self._visits, make, seen, whole=self)

    def of_replicates(self, kept: Booleans) -> "Scores":
        """Return the scores of some of the replicates."""
        rows = np.flatnonzero(kept)

        def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
            if patients is None:
                return self.at(outcome, one_for_all(visit))[kept]
            return self.of_some(outcome, visit, Pairs(rows[patients.rows], patients.places))

        return Scores(self, self._visits, make, None if self._seen is None else self._seen[kept])


class _VisitsSeen:
    """The visits at which patients were seen, from the last of each backwards."""

    def __init__(self, patients: Pairs, seen: Booleans) -> None:
        """Take patients and whether they were seen at each visit, shape (patient, visit)."""
        self._patients, self._seen = patients, seen
        places = np.where(seen, np.arange(seen.shape[1]), -1)
        self._latest: Integers = places.max(axis=1, initial=-1)
        self.earlier: Booleans = np.count_nonzero(seen, axis=1) > 1
        """Who was seen at more than one visit."""

    @cached_property
    def latest(self) -> list[tuple[Booleans, "Visits", Pairs]]:
        """Who was seen last at baseline, and who later, each with the visit of all or of each."""
        parts = self._latest == 0, self._latest > 0
        visits: tuple[Visits, Visits] = (0, self._latest[parts[1]][np.newaxis])
        return [
            (some, visit, self._patients.among(some))
            for some, visit in zip(parts, visits, strict=True)
            if some.any()
        ]

    def before_latest(self, among: Booleans) -> "_VisitsSeen":
        """Return the same of some of the patients without the last visit of each."""
        left = self._seen[among]
        left[np.arange(len(left)), self._latest[among]] = False
        return _VisitsSeen(self._patients.among(among), left)


Visits: TypeAlias = int | Integers
"""A visit of all, or of each of some patients one after baseline, shape (1, patient)."""

Make: TypeAlias = Callable[[str, Visits, Pairs | None], Floats]
"""Makes the scores of an outcome at a visit, of some patients or, where none are named, of all."""


def one_for_all(visit: Visits) -> int:
    """Return the visit of all patients; some alone can have their own."""
    if isinstance(visit, int):
        return visit
    raise ValueError("all patients together have one visit, not each their own")


def realise(
    scenario: Scenario,
    cohort: Cohort,
    candidate: Integers,
    conduct: Conduct,
    arms: Integers,
    streams: Streams,
) -> Scores:
    """Return each outcome's scores at every planned visit, those of missed visits among them.

    Parameters
    ----------
    candidate
        The number of each patient in the cohort, shape (replicate, patient).
    """
    patients = RowIndex(candidate)
    words = DrawnWords(streams, cohort.site, patients.reach)
    everybody = _Realised(scenario, cohort, patients, conduct, arms, words)
    some: dict[tuple[tuple[bytes, bytes], bytes], _Realised] = {}

    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        if patients is None:
            return everybody.scores(outcome, one_for_all(visit))
        own = None if isinstance(visit, int) else visit
        who = patients.key, b"" if own is None else own.tobytes()
        if who not in some:
            chosen = Pairs(patients.rows, candidate[patients.rows, patients.places])
            there = conduct.of_some(patients)
            there = there if own is None else there.at_visits(own)
            some[who] = _Realised(scenario, cohort, chosen, there, patients.of(arms), words, own)
        return some[who].scores(outcome, visit if isinstance(visit, int) else _OWN)

    return Scores(scenario.outcomes, len(scenario.design.visits), make)


_OWN: Final = 0
"""The place of the visits of patients who have one each, in what happened to them."""


class _Realised:
    """All that the scores of some patients follow from."""

    def __init__(
        self,
        scenario: Scenario,
        cohort: Cohort,
        patients: RowIndex,
        conduct: Conduct,
        arms: Integers,
        words: DrawnWords,
        own: Integers | None = None,
    ) -> None:
        """Take the patients and, where each has one visit after baseline alone, which it is."""
        self._own = own
        self.scenario, self.conduct, self.arms = scenario, conduct, arms
        self.patients, self.words = patients, words
        self.covariates = cohort.covariates.at(patients)
        self.onset = patients.of(cohort.onset)
        self.dosing = Dosing(scenario, conduct, arms, self.onset)
        self.latent = PatientScores(scenario, self.covariates, patients, words)
        bounding = [one.bounds.values() for one in scenario.outcomes.values()]
        self._needed_again = {bound.outcome for bounds in bounding for bound in bounds}
        self._kept: dict[tuple[str, int], Floats] = {}
        self._elapsed: dict[int, Elapsed] = {}
        operations = scenario.operations
        self._rescue = operations.rescue
        self._fading: dict[Event, float] = {
            kind: event.drug_effect_half_life_days
            for kind, event in operations.events.items()
            if isinstance(event, LastingEvent)
            and event.probability > 0
            and event.drug_effect_half_life_days is not None
        }

    def scores(self, name: str, visit: int) -> Floats:
        """Return the scores of one outcome at a visit of the conduct, (replicate, patient)."""
        if name not in self._needed_again:
            return self._made(name, visit)
        if (name, visit) not in self._kept:
            self._kept[name, visit] = self._made(name, visit)
        return self._kept[name, visit]

    def _made(self, name: str, visit: int) -> Floats:
        outcome = self.scenario.outcomes[name]
        if visit == 0 and self._own is None:
            if outcome.baseline is None:
                return np.full(self.onset.shape, np.nan)
            baseline = self.covariates[outcome.baseline]
            return outcome.grid.score_of(outcome.grid.cell_of(baseline))
        elapsed = self._elapsed_at(visit)
        latent = self.latent.at(name, visit if self._own is None else self._own)
        added = self._shift(outcome) * self._share(outcome, visit)
        if self._fading:
            added = added * self._left(visit)
        besides: Floats = np.zeros(1)
        if outcome.site_sd > 0:
            besides = outcome.sign * outcome.site_sd * self.latent.site_score(name)
        if name in self._rescue.effects:
            besides = besides + self._rescued(name, visit)
        if besides.any():
            added = added + besides

        def cells(path: str, course: Course, added: Floats) -> Floats:
            try:
                return course.cells(outcome.grid, elapsed, latent, added)
            except CourseError as error:
                where = f"{self._address(error.place)}, visit {visits[visit]}"
                told = f"{error.rule}; {where}"
                raise InputError([Problem(f"outcomes.{name}.{path}", told, error.value)]) from error

        visits = list(self.scenario.design.visits)
        cell = cells("course", outcome.course, added)
        for arm, course, there in self._others(outcome):
            cell = np.where(there, cells(f"course_by_arm.{arm}", course, besides), cell)
        for bound in outcome.bounds.values():
            other = self.scores(bound.outcome, visit)
            cell = bound.held(cell, other, outcome.grid, outcome.sign)
        return outcome.grid.score_of(cell)

    def _elapsed_at(self, visit: int) -> Elapsed:
        if visit not in self._elapsed:
            days = (self.conduct.visit_minute[:, :, visit] - self.onset) / DAY
            self._elapsed[visit] = Elapsed(days)
        return self._elapsed[visit]

    def _share(self, outcome: Outcome, visit: int) -> Floats:
        """Return the share of the full effect at a visit, made once for all outcomes it is of."""
        exposure, dosing = outcome.effect.exposure, self.dosing
        return dosing.kept((exposure, visit), lambda: exposure.share(dosing, visit))

    def _address(self, place: int | None) -> str:
        """Return where one of the patients, by place in the flattened shape, or all are found."""
        streams = self.words.streams
        if place is None:
            first, last = streams.replicates[0], streams.replicates[-1]
            return f"seed {streams.seed}, replicates {first} to {last}"
        row, column = divmod(place, self.onset.shape[1])
        if isinstance(self.patients, Pairs):
            row = int(self.patients.rows[column])
        return f"seed {streams.seed}, replicate {streams.replicates[row]}"

    def _left(self, visit: int) -> Floats:
        """Return the share of the drug's effect that is left after events, at a visit."""
        left: Floats = np.ones(self.onset.shape)
        for event, half_life in self._fading.items():
            days = self._days_since(event, visit)
            if half_life == 0:
                left[days >= 0] = 0.0
            else:
                left *= 1 - part_done(np.maximum(days, 0) * (math.log(2) / half_life))
        return left

    def _rescued(self, name: str, visit: int) -> Floats:
        """Return what a rescue treatment adds to the latent score at a visit."""
        outcome, effect = self.scenario.outcomes[name], self._rescue.effects[name]
        days = self._days_since("rescue", visit)
        share = np.where(days >= 0, 1.0, 0.0)
        if effect.full_after_days > 0:
            share = (days / effect.full_after_days).clip(0.0, 1.0)
        return shift_of(outcome, effect.anchor, effect.value) * share

    def _days_since(self, event: Event, visit: int) -> Floats:
        """Return the days from an event to a visit, negative where it has not happened."""
        minute = self.conduct.minute_of(event)
        days: Floats = (self.conduct.visit_minute[:, :, visit] - minute) / DAY
        return days

    def _others(self, outcome: Outcome) -> Iterator[tuple[str, Course, Booleans]]:
        """Yield the arms that have a course of their own, that course, and who is in them."""
        arms = list(self.scenario.design.arms)
        for arm, course in outcome.course_by_arm.items():
            yield arm, course, self.arms == arms.index(arm)

    def _shift(self, outcome: Outcome) -> Floats | float:
        """Return the latent shift at full exposure, of each patient or of all."""
        effect = outcome.effect
        shift: Floats | float = latent_shift(outcome)
        if effect.trial_sd > 0:
            shift = shift + outcome.sign * effect.trial_sd * self.latent.of_trial()
        if effect.site_sd > 0:
            shift = shift + outcome.sign * effect.site_sd * self.latent.site_effect()
        if effect.subgroup is not None:
            among = effect.subgroup.holds(self.scenario.population.covariates, self.covariates)
            shift = shift * np.where(among, 1.0, effect.effect_outside)
        return shift

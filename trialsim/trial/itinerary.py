"""Intended first: all that chance decides about the patients, drawn before anybody waits.

Arrays have the shape (replicate, eligible[, infusion or visit]): the axis holds, in order of their
number, the candidates who fail no rule and can start infusions inside the window; replicates with
fewer are padded with candidates who are never ready.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np

from trialsim.arrays import (
    Booleans,
    Floats,
    Integers,
    Pairs,
    RowIndex,
    Values,
    Words,
    empty_by_layer,
    take_rows,
)
from trialsim.clock import DAY, HOUR, NEVER, weekday
from trialsim.compiled.library import stages
from trialsim.quantiles import quantiles
from trialsim.scenario.protocol.intercurrent import ENDS_OF_INFUSIONS, Event, Happening
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.protocol.treatment import Schedule
from trialsim.scenario.scenario import Scenario
from trialsim.streams import BelowShare, Streams, cells
from trialsim.trial.cohort import CandidateCovariates, Cohort, Screening, meets
from trialsim.trial.risks.chances import chances_in_arms, chances_of, in_layers, minutes_until


@dataclass(frozen=True, slots=True)
class Intentions:
    """What candidates would do once randomised, shape (replicate, candidate[, ...])."""

    refused: Booleans
    """Infusions that the patient would refuse; the first is never refused."""
    events: Mapping[Event, Integers]
    """Minutes from randomisation to each event that can happen, `NEVER` where it does not; see
    `of_arm`."""
    visit_shift: Integers
    """Days by which each visit strays from its planned day."""
    visit_missed: Booleans
    undecided: Mapping[Event, "Undecided"] = field(default_factory=dict)
    """The events whose risk depends on scores; until they are decided they happen to nobody."""
    visits_undecided: "Undecided | None" = None
    """The visits, where something changes the odds that they are missed."""

    def with_missed(self, missed: Booleans) -> "Intentions":
        """Return the same intentions with it decided which visits are missed."""
        return dataclasses.replace(self, visit_missed=missed, visits_undecided=None)

    def without(self, off: Collection[Happening]) -> "Intentions":
        """Return the intentions of people to whom some of it does not happen."""
        refused, missed = self.refused, self.visit_missed
        return dataclasses.replace(
            self,
            refused=np.zeros_like(refused) if "refusal" in off else refused,
            events={kind: minutes for kind, minutes in self.events.items() if kind not in off},
            visit_missed=np.zeros_like(missed) if "visit_missed" in off else missed,
            undecided={kind: one for kind, one in self.undecided.items() if kind not in off},
            visits_undecided=None if "visit_missed" in off else self.visits_undecided,
        )

    def of_replicates(self, kept: Booleans) -> "Intentions":
        """Return the intentions in some of the replicates."""
        visits = self.visits_undecided
        return Intentions(
            refused=self.refused[kept],
            events={kind: minutes[kept] for kind, minutes in self.events.items()},
            visit_shift=self.visit_shift[kept],
            visit_missed=self.visit_missed[kept],
            undecided={kind: one.of_replicates(kept) for kind, one in self.undecided.items()},
            visits_undecided=None if visits is None else visits.of_replicates(kept),
        )

    def ends(self, *kinds: Event) -> Integers:
        """Return the minutes from randomisation to the first of some events; see `of_arm`."""
        minutes: Integers = np.broadcast_to(NEVER, (*self.refused.shape[:2], 1))
        for kind in kinds:
            if kind in self.events:
                minutes = np.minimum(minutes, self.events[kind])
        return minutes

    @property
    def stops(self) -> Integers:
        """Minutes from randomisation from which on no infusion begins; see `of_arm`.

        Whoever discontinues, withdraws or dies has no further infusion, whichever comes first.
        """
        return self.ends(*ENDS_OF_INFUSIONS)


@dataclass(frozen=True, slots=True)
class Undecided:
    """What decides whether something happens, once its odds are known."""

    words: Words
    """Shape (replicate, candidate[, visit])."""
    chances: Floats
    """By covariates and arm alone; see `of_arm`."""

    def of_replicates(self, kept: Booleans) -> "Undecided":
        """Return the same of some of the replicates."""
        return Undecided(self.words[kept], self.chances[kept])


@dataclass(frozen=True)
class Itinerary:
    """What each eligible candidate would do if nobody were in the way."""

    candidate: Integers
    """The candidate's number in the cohort."""
    site: Integers
    ready: Integers
    """First minute at which infusions could start: screened, in the window, clinic open."""
    deadline: Integers
    """Last minute at which the first infusion may start."""
    intend: "Intend"
    """Draws what candidates intend, who are named by their numbers in the cohort."""
    ends: Mapping[Event, Integers] = field(default_factory=dict)
    """What was decided of the ends that depend on scores, minutes from randomisation."""
    places: Integers | None = None
    """How many are randomised at most, one a replicate; None for the patients of the design."""
    kinds: tuple[Booleans, ...] = ()
    """Who counts towards each cap of the design, shape (replicate, eligible) each."""

    @property
    def possible(self) -> Booleans:
        """Which places of the axis hold a candidate."""
        return self.ready < NEVER

    @cached_property
    def intentions(self) -> Intentions:
        """What everybody on the axis intends."""
        return self.of_places(None)

    def of_places(self, place: Integers | None) -> Intentions:
        """Return what those at some places of the axis intend, or everybody, as far as decided."""
        candidate, ends = self.candidate, self.ends
        if place is not None:
            candidate = take_rows(candidate, place)
            ends = {kind: take_rows(minutes, place) for kind, minutes in ends.items()}
        intended = self.intend(candidate)
        if not ends:
            return intended
        decided = {kind: minutes[:, :, None] for kind, minutes in ends.items()}
        return dataclasses.replace(intended, events={**intended.events, **decided})

    def ending(
        self, place: Integers, there: Booleans, ends: Mapping[Event, Integers]
    ) -> "Itinerary":
        """Return the itinerary with it decided when those at places of the axis end."""
        rows = np.nonzero(there)[0]
        on_axis = {}
        for kind, minutes in ends.items():
            on_axis[kind] = np.full(self.candidate.shape, NEVER)
            on_axis[kind][rows, place[there]] = minutes[there]
        return dataclasses.replace(self, ends=on_axis)

    def ends_alike(self, other: "Itinerary") -> bool:
        """Return whether the same was decided in both, nothing being the same as never."""
        return all(
            np.array_equal(minutes, other.ends.get(kind, np.full_like(minutes, NEVER)))
            for kind, minutes in self.ends.items()
        )

    def closed(self, randomised: Integers) -> Integers:
        """Return when recruitment closes: at the minute of the patient who has the last place."""
        if self.places is None:
            return randomised[:, -1]
        return np.take_along_axis(randomised, self.places[:, None] - 1, axis=1)[:, 0]

    def closed_from(self, minutes: Integers) -> "Itinerary":
        """Return the itinerary if nobody is randomised from a minute on, one a replicate."""
        last = minutes[:, None] - 1
        ready = np.where(self.ready <= last, self.ready, NEVER)
        return dataclasses.replace(self, ready=ready, deadline=np.minimum(self.deadline, last))

    def paused(self, begins: Integers, ends: Integers) -> "Itinerary":
        """Return the itinerary if nobody is randomised from one minute to before another.

        Who is ready in the meantime is lost, and so is who would still have waited when it began.
        """
        last = begins[:, None] - 1
        meanwhile = (self.ready > last) & (self.ready < ends[:, None])
        waits = np.where(self.ready <= last, np.minimum(self.deadline, last), self.deadline)
        return dataclasses.replace(
            self, ready=np.where(meanwhile, NEVER, self.ready), deadline=waits
        )


Intend: TypeAlias = Callable[[Integers], Intentions]


def plan_itinerary(cohort: Cohort, scenario: Scenario, streams: Streams) -> Itinerary:
    """Return the itineraries of those candidates who can be randomised."""
    ready, possible = _who_can_begin(cohort, scenario, streams)
    counts = np.bincount(possible.rows, minlength=len(cohort.arrival))
    filled = np.arange(max(counts.max(), 1)) < counts[:, None]
    candidate, first = np.zeros(filled.shape, np.int64), np.full(filled.shape, NEVER)
    candidate[filled], first[filled] = possible.places, ready
    chosen, caps = RowIndex(candidate), scenario.design.caps.values()
    return Itinerary(
        candidate=candidate,
        kinds=tuple(meets(cap.who, scenario, cohort, chosen) for cap in caps),
        site=chosen.of(cohort.site),
        ready=first,
        deadline=_deadline(chosen.of(cohort.onset), scenario.operations),
        intend=DrawnIntentions(scenario, cohort.covariates, streams),
    )


def _who_can_begin(cohort: Cohort, scenario: Scenario, streams: Streams) -> tuple[Integers, Pairs]:
    """Return who is eligible and not too late for infusions, and when each is ready for them."""
    if streams.compiled is not None or isinstance(cohort.screening, Screening):
        ready, _, possible = first_infusion(cohort, scenario)
        return ready[possible], Pairs.where(possible)
    eligible = cohort.screening.eligible()
    arrival, onset = eligible.of(cohort.arrival), eligible.of(cohort.onset)
    screened = arrival + cohort.screening.minutes_of(eligible)
    ready, in_time = _ready(arrival, onset, screened, scenario)
    return ready[in_time], eligible.among(in_time[0])


class DrawnIntentions:
    """Draws what candidates intend, of the selected ones alone."""

    def __init__(
        self, scenario: Scenario, covariates: CandidateCovariates, streams: Streams
    ) -> None:
        """Take the study, the candidates' covariates, and where their words come from."""
        self._scenario, self._covariates, self._streams = scenario, covariates, streams

    def __call__(self, candidate: Integers) -> Intentions:
        """Return the intentions of candidates by number, shape (replicate, candidate)."""
        operations, places = self._scenario.operations, RowIndex(candidate)
        covariates = self._covariates.at(places)

        events: dict[Event, Integers] = {}
        undecided: dict[Event, Undecided] = {}
        for kind, event in operations.events.items():
            if event.probability == 0:
                continue
            chances = chances_in_arms(event, self._scenario, covariates)
            words = self._streams.words_at(kind, places)
            if event.depends_on_scores:
                undecided[kind] = Undecided(words, in_layers(chances, words.shape))
            else:
                events[kind] = minutes_until(event.days, chances, words)
        shift, missed, marks = self._visits(places)
        odds, of_visits = operations.visit_missed_odds, None
        if marks is not None:
            missed_probability = operations.visit_missed_probability
            chances = chances_of(missed_probability, odds, self._scenario, covariates)
            of_visits = Undecided(marks, in_layers(chances, shift.shape[:2]))
        return Intentions(
            refused=self._refused(places),
            events=events,
            visit_shift=shift,
            visit_missed=missed,
            undecided=undecided,
            visits_undecided=of_visits,
        )

    def of_replicates(self, kept: Booleans) -> "Intend":
        """Return what draws the intentions of some of the replicates."""

        def intend(candidate: Integers) -> Intentions:
            among_all = np.zeros((len(kept), candidate.shape[1]), np.int64)
            among_all[kept] = candidate
            return self(among_all).of_replicates(kept)

        return intend

    def _refused(self, places: RowIndex) -> Booleans:
        """Return the infusions that would be refused, shape (replicate, candidate, infusion)."""
        streams, infusions = self._streams, self._scenario.treatment.infusions.count
        tendency = quantiles(self._scenario.operations.refusal_probability)
        refuses = BelowShare(tendency.at(streams.words_at("refusal tendency", places)))
        if streams.compiled is not None:
            return streams.compiled.refusals(
                streams.address("refusal"), places.places, (refuses.last, refuses.any), infusions
            )
        refused = empty_by_layer((*places.places.shape, infusions), np.bool_)
        refused[:, :, 0] = False
        for infusion in range(1, infusions):
            words = streams.words_at("refusal", places, infusion)
            refused[:, :, infusion] = refuses.at(words)
        return refused

    def _visits(self, places: RowIndex) -> tuple[Integers, Booleans, Words | None]:
        """Return the days by which visits stray and which are missed, an axis more for visits.

        Where something changes the odds that they are missed, the words that decide it come too,
        and none is missed yet.
        """
        streams, operations = self._streams, self._scenario.operations
        windows = [visit.window_days for visit in self._scenario.design.visits.values()]
        changed = operations.visit_missed_odds.are_changed
        changed = changed and operations.visit_missed_probability > 0
        misses = BelowShare(0.0 if changed else operations.visit_missed_probability)
        if streams.compiled is not None and not changed:
            return *streams.compiled.visits(
                streams.address("visit"), places.places, (misses.last, misses.any), windows
            ), None
        shape = *places.places.shape, len(windows)
        shift, missed = empty_by_layer(shape, np.int64), empty_by_layer(shape, np.bool_)
        marks = empty_by_layer(shape, np.uint32) if changed else None
        shift[:, :, 0], missed[:, :, 0] = 0, False
        if marks is not None:
            marks[:, :, 0] = 0
        for place, window in enumerate(windows[1:], start=1):
            day, rest = cells(streams.words_at("visit", places, place), 2 * window + 1)
            shift[:, :, place] = day - window
            missed[:, :, place] = misses.at(rest)
            if marks is not None:
                marks[:, :, place] = rest
        return shift, missed, marks


def first_infusion(cohort: Cohort, scenario: Scenario) -> tuple[Integers, Integers, Booleans]:
    """Return when each candidate is ready, the deadline, and who is eligible and not too late."""
    operations, compiled = scenario.operations, stages()
    if compiled is not None:
        return compiled.first_infusion(
            *(cohort.arrival, cohort.onset, cohort.screened, cohort.fails),
            *(_window(operations), (operations.opens, operations.closes)),
            *(days_until_given(scenario.treatment.infusions), operations.last_arrival),
        )
    times = cohort.arrival, cohort.onset, cohort.screened
    ready, in_time = _ready(*times, scenario)
    return ready, _deadline(cohort.onset, operations), cohort.eligible & in_time


def _ready(
    arrival: Integers, onset: Integers, screened: Integers, scenario: Scenario
) -> tuple[Integers, Booleans]:
    """Return when candidates are ready for infusions, and whether that is not too late."""
    operations = scenario.operations
    earliest = onset + _window(operations)[0]
    ready = next_opening(np.maximum(screened, earliest), operations, scenario.treatment.infusions)
    in_time = (ready <= _deadline(onset, operations)) & (arrival <= operations.last_arrival)
    return ready, in_time


def _deadline(onset: Integers, operations: Operations) -> Integers:
    """Return the last minute at which the first infusion may start."""
    return onset + _window(operations)[1]


def _window(operations: Operations) -> tuple[int, int]:
    """Return the minutes from onset between which the first infusion may start."""
    window = operations.first_infusion_after_onset
    return round(window.earliest_hours * HOUR), round(window.latest_hours * HOUR)


def next_opening(minute: Integers, operations: Operations, schedule: Schedule) -> Integers:
    """Return the first minute, from the given one on, at which a course of infusions may begin."""
    of_day = minute - minute // DAY * DAY  # far faster than %
    early = np.maximum(operations.opens - of_day, 0)
    late = DAY - of_day + operations.opens
    opening = minute + np.where(of_day < operations.closes, early, late)
    wait = days_until_given(schedule)
    if not wait.any():
        return opening
    days = wait[weekday(opening)]
    return np.where(days > 0, (opening // DAY + days) * DAY + operations.opens, opening)


@lru_cache(256)
def days_until_given(schedule: Schedule) -> Integers:
    """Return the days from each weekday to the first on which infusions are given."""
    given = [schedule.gives_on(day % 7) for day in range(14)]
    return np.array([given.index(True, first) - first for first in range(7)])


def of_arm(ends: Values, arms: Integers) -> Values:
    """Return the minutes until something happens, or its chance, in the arms that patients are in.

    Parameters
    ----------
    ends
        Shape (replicate, patient, arm), the last axis of length 1 where no arm matters.
    arms
        Shape (replicate, patient).
    """
    if ends.shape[2] == 1:
        return ends[:, :, 0]
    return np.take_along_axis(ends, arms[:, :, None], axis=2)[:, :, 0]

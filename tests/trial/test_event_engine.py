"""The event engine where chairs are short, against a reference that goes minute by minute."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from trialsim.clock import DAY
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.cohort import enrol
from trialsim.trial.conduct import due_days
from trialsim.trial.event_engine import Process, Replicate, recruit_by_events
from trialsim.trial.itinerary import Itinerary, next_opening, plan_itinerary


class Wish(NamedTuple):
    """An infusion that somebody wants; sorted by when it was due, then by number."""

    due: int
    number: int
    place: int
    infusion: int
    last: int


class PlainReference:
    """One replicate with lists, sorting and one step a minute: slow, and plainly right."""

    def __init__(self, itinerary: Itinerary, scenario: Scenario) -> None:
        self.itinerary, self.scenario = itinerary, scenario
        self.operations = scenario.operations
        self.ends: list[list[int]] = [[] for _ in self.operations.sites]
        self.randomised: dict[int, int] = {}
        self.waited: dict[tuple[int, int], int] = {}
        self.missed: set[tuple[int, int]] = set()
        self.waiting: list[Wish] = []
        self.agenda: dict[int, list[Wish]] = {}
        for place in np.flatnonzero(itinerary.possible[0]).tolist():
            self.candidate_wishes(place, int(itinerary.ready[0, place]))

    def run(self) -> None:
        """Step from minute to minute, leaping over those in which nobody waits."""
        now = 0
        while self.waiting or self.agenda:
            now = now + 1 if self.waiting else min(self.agenda)
            self.waiting += self.agenda.pop(now, [])
            self.turn_away(now)
            for wish in sorted(self.waiting):
                self.serve(wish, now)

    def turn_away(self, now: int) -> None:
        """Send those home who may not start any more; candidates may come back in the morning."""
        for wish in [wish for wish in self.waiting if wish.last < now]:
            self.waiting.remove(wish)
            if wish.infusion:
                self.missed.add((wish.place, wish.infusion))
                self.patient_wishes(wish.place, wish.infusion + 1, now)
            else:
                schedule = self.scenario.treatment.infusions
                again = int(next_opening(np.array(now), self.operations, schedule))
                self.candidate_wishes(wish.place, again)
        self.waiting += self.agenda.pop(now, [])

    def serve(self, wish: Wish, now: int) -> None:
        """Start an infusion if a chair is free and there is a place in the trial."""
        if not wish.infusion and len(self.randomised) == self.scenario.design.patients:
            self.waiting.remove(wish)
            return
        ends = self.ends[self.itinerary.site[0, wish.place]]
        ends[:] = [end for end in ends if end > now]
        if len(ends) == self.operations.infusion_chairs_per_site:
            return
        self.waiting.remove(wish)
        ends.append(now + self.operations.infusion_minutes)
        if wish.infusion:
            self.waited[wish.place, wish.infusion] = now - wish.due
        else:
            self.randomised[wish.place] = now
        self.patient_wishes(wish.place, wish.infusion + 1, ends[-1])

    def candidate_wishes(self, place: int, due: int) -> None:
        """Let a candidate ask for the first infusion, if the window lasts."""
        if due <= self.itinerary.deadline[0, place]:
            self.wish(place, 0, due, due, int(self.itinerary.deadline[0, place]))

    def patient_wishes(self, place: int, infusion: int, free: int) -> None:
        """Let a patient ask for the next infusion that is neither refused nor too late."""
        intended, first = self.itinerary.intentions, self.randomised[place]
        stops = first + min(int(end[0, place, 0]) for end in intended.events.values())
        days = due_days(self.scenario.treatment.infusions, np.array(first))
        for number in range(infusion, len(days)):
            due = first + int(days[number]) * DAY
            if due < stops and not intended.refused[0, place, number]:
                self.wish(place, number, due, max(due, free), stops - 1)
                return

    def wish(self, place: int, infusion: int, due: int, able: int, last: int) -> None:
        """Note a wish in the minute from which it can be met."""
        last = min(last, due // DAY * DAY + self.operations.closes - 1)
        number = int(self.itinerary.candidate[0, place])
        self.agenda.setdefault(able, []).append(Wish(due, number, place, infusion, last))


WAYS: list[dict[str, Any]] = [
    {},
    {"operations.infusion_chairs_per_site": 2, "operations.infusion_minutes": 240},
    {"operations.infusion_chairs_per_site": 3, "operations.infusion_minutes": 480},
    {"operations.infusion_minutes": 1300, "operations.candidates_per_site_per_month": 8},
    {"operations.clinic_closes_hour": 10, "operations.candidates_per_site_per_month": 90},
    {
        "treatment.infusions": {"per_cycle": 10, "days": "monday_to_friday"},
        "operations.refusal_probability": {"distribution": "constant", "value": 0.2},
    },
    {
        "operations.clinic_opens_hour": 0,
        "operations.clinic_closes_hour": 24,
        "operations.infusion_minutes": 300,
    },
]
"""Ways of running two crowded sites, with one chair each where nothing is said."""


@pytest.mark.parametrize("changes", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_event_engine_equals_the_plain_reference(
    crowded: Scenario, changes: dict[str, Any], seed: int
) -> None:
    """Who is randomised and when, and how long each infusion waits or that it is missed."""
    scenario, streams = crowded.replace(changes), Streams(seed, range(1))
    cohort = enrol(scenario, streams, 600)
    itinerary = plan_itinerary(cohort, scenario, streams)
    found = recruit_by_events(itinerary, scenario, allocation_of(scenario, cohort, streams))
    plain = PlainReference(itinerary, scenario)
    plain.run()
    assert found.complete.all()
    assert found.waited is not None
    assert found.lacked is not None
    place = found.place[0].tolist()
    assert place == [*plain.randomised]
    assert found.randomised[0].tolist() == [*plain.randomised.values()]
    waited, missed = np.zeros_like(found.waited[0]), np.zeros_like(found.lacked[0])
    for patient, infusion in np.ndindex(waited.shape):
        waited[patient, infusion] = plain.waited.get((place[patient], infusion), 0)
        missed[patient, infusion] = (place[patient], infusion) in plain.missed
    assert (found.waited[0] == waited).all()
    assert (found.lacked[0] == missed).all()


def test_candidates_are_processes_from_when_they_come_until_the_trial_is_full(
    crowded: Scenario,
) -> None:
    """So those who came and left, and who would come later, cost nothing."""
    streams, begun = Streams(5, range(1)), []

    class Watched(Replicate):
        def candidate(self, row: int) -> Process:
            begun.append((self.env.now, self.ready[row]))
            return super().candidate(row)

    cohort = enrol(crowded, streams, 600)
    itinerary = plan_itinerary(cohort, crowded, streams)
    (next_arm,) = allocation_of(crowded, cohort, streams).in_turn()
    trial = Watched(crowded, itinerary, 0, next_arm)
    trial.run(range(len(trial.ready)))
    assert all(now == ready for now, ready in begun)
    assert len(trial.patients) == crowded.design.patients <= len(begun)
    assert max(begun)[0] <= trial.patients[-1].randomised < max(trial.ready)

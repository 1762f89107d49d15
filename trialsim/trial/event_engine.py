"""The reference engine: one SimPy environment a replicate, whole minutes, nothing drawn.

Each candidate who can be randomised is a process that reads like the candidate's days: the wait for
a chair inside the window, the first infusion and with it randomisation, then an infusion a day.
What one person takes from another, a place in the trial or a chair, is handed out once a minute has
heard all who want it, first due first served and then by number, so the order of events inside a
minute cannot matter. There is no event for what nobody waits for: arrival, screening and visits are
read off the itinerary, and so are infusions after the first where chairs cannot run out; the end of
an infusion is an event where somebody waits for the chair.
"""

from collections.abc import Generator, Iterable
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
import simpy

from trialsim.clock import DAY, NEVER
from trialsim.scenario.operations import Operations
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Recruitment, screened
from trialsim.trial.itinerary import Itinerary, next_opening
from trialsim.trial.vector_engine import couples_patients

Process = Generator[simpy.Event, bool, None]


def recruit_by_events(
    cohort: Cohort, itinerary: Itinerary, scenario: Scenario, creation: Iterable[int] | None = None
) -> Recruitment:
    """Recruit a batch, one replicate after the other.

    Parameters
    ----------
    creation
        The order in which the processes of the itinerary's candidates are created, by their places
        on its axis; it changes nothing.
    """
    shape = (len(itinerary.ready), scenario.design.patients)
    place = np.zeros(shape, np.int64)
    randomised = np.full(shape, NEVER)
    coupled = couples_patients(scenario) is not None
    infusions = (*shape, scenario.treatment.infusions.count)
    waited = np.zeros(infusions, np.int64) if coupled else None
    without_chair = np.zeros(infusions, np.bool_) if coupled else None
    for replicate in range(len(place)):
        trial = _Replicate(itinerary, scenario, replicate)
        trial.run(range(itinerary.ready.shape[1]) if creation is None else creation)
        patients = trial.clinics.patients
        place[replicate, : len(patients)] = patients
        randomised[replicate, : len(patients)] = trial.clinics.randomised
        if waited is not None and without_chair is not None:
            waited[replicate, : len(patients)] = [trial.waited[one] for one in patients]
            without_chair[replicate, : len(patients)] = [
                trial.without_chair[one] for one in patients
            ]
    complete = randomised[:, -1] < NEVER
    closed = randomised[:, -1]
    return Recruitment(
        place=np.where(complete[:, None], place, 0),
        randomised=np.where(complete[:, None], randomised, 0),
        closed=closed,
        complete=complete,
        screened=screened(cohort, closed, scenario),
        waited=waited,
        without_chair=without_chair,
    )


class _Replicate:
    """One trial as it happens."""

    def __init__(self, itinerary: Itinerary, scenario: Scenario, replicate: int) -> None:
        self.env = simpy.Environment()
        self.scenario = scenario
        self.itinerary, self.replicate = itinerary, replicate
        self.coupled = couples_patients(scenario) is not None
        operations, patients = scenario.operations, scenario.design.patients
        chairs = operations.infusion_chairs_per_site if self.coupled else None
        self.clinics = _Clinics(self.env, chairs or patients, patients, operations)
        self.waited: dict[int, list[int]] = {}
        self.without_chair: dict[int, list[bool]] = {}
        self.candidate: list[int] = itinerary.candidate[replicate].tolist()
        self.site: list[int] = itinerary.site[replicate].tolist()
        self.ready: list[int] = itinerary.ready[replicate].tolist()
        self.deadline: list[int] = itinerary.deadline[replicate].tolist()
        self.offsets: list[list[int]] = scenario.treatment.infusions.offsets().tolist()

    def run(self, creation: Iterable[int]) -> None:
        """Let the trial happen."""
        for place in creation:
            if self.ready[place] < NEVER:
                self.env.process(self.person(place))
        self.env.run()

    def person(self, place: int) -> Process:
        """Wait for a chair inside the window, be randomised and infused, and come back daily."""
        number, site = self.candidate[place], self.site[place]
        due, deadline = self.ready[place], self.deadline[place]
        while due <= deadline and not self.clinics.recruited:
            if (yield self.clinics.chair(number, site, due, due, deadline, place)):
                if self.coupled:
                    yield from self.course(place)
                return
            due = self.next_opening()

    def course(self, place: int) -> Process:
        """Take the infusions after the first, as far as chairs come free in time."""
        number, site, minutes = self.candidate[place], self.site[place], self.clinics.minutes
        first = started = int(self.env.now)
        stops = first + self.minutes_to_stop(place)
        days = self.offsets[first // DAY % 7]
        refused = self.itinerary.refused[self.replicate, place].tolist()
        waited = self.waited[place] = [0] * len(days)
        without_chair = self.without_chair[place] = [False] * len(days)
        for infusion in range(1, len(days)):
            due = first + days[infusion] * DAY
            if due >= stops:
                return
            if refused[infusion]:
                continue
            able = max(due, started + minutes)  # the infusion before may still be running
            if (yield self.clinics.chair(number, site, due, able, stops - 1)):
                started = int(self.env.now)
                waited[infusion] = started - due
            else:
                without_chair[infusion] = True

    def next_opening(self) -> int:
        """Return when infusions can next begin."""
        now = np.array(int(self.env.now))
        return int(next_opening(now, self.scenario.operations, self.scenario.treatment.infusions))

    def minutes_to_stop(self, place: int) -> int:
        """Return the minutes from randomisation after which the patient takes no infusion."""
        ends = (self.itinerary.discontinues, self.itinerary.withdraws, self.itinerary.dies)
        return min(int(end[self.replicate, place]) for end in ends)


class _Request(NamedTuple):
    """A wish for a chair; sorted by when it was due, then by the candidate's number."""

    due: int
    number: int
    site: int
    last: int
    """Last minute at which the infusion may start."""
    place: int | None
    """Where a candidate to be randomised stands on the itinerary's axis; None for a patient."""
    answer: simpy.Event


class _Clinics:
    """The chairs of all sites and the places in the trial, handed out minute by minute."""

    def __init__(
        self, env: simpy.Environment, chairs: int, places: int, operations: Operations
    ) -> None:
        self.env = env
        self.chairs, self.places = chairs, places
        self.minutes, self.closes = operations.infusion_minutes, operations.closes
        self.patients: list[int] = []
        """Places on the itinerary's axis of those randomised, in order."""
        self.randomised: list[int] = []
        self.busy: list[list[int]] = [[] for _ in operations.sites]
        """When the infusions that run at each site end."""
        self.waiting: list[list[_Request]] = [[] for _ in operations.sites]
        self.agenda: dict[int, tuple[list[_Request], set[int]]] = {}
        """The requests that come up in each minute, and the sites that are looked at again."""

    @property
    def recruited(self) -> bool:
        """Whether recruitment has closed."""
        return len(self.patients) == self.places

    def chair(
        self, number: int, site: int, due: int, able: int, last: int, place: int | None = None
    ) -> simpy.Event:
        """Ask for a chair from a minute on, and with it, if not yet randomised, for a place.

        The answer says whether the infusion has started; it does not when the clinic closes on the
        day it was due, when the last minute has passed, or when recruitment has closed.
        """
        last = min(last, due // DAY * DAY + self.closes - 1)
        answer = self.env.event()
        self.at(able)[0].append(_Request(due, number, site, last, place, answer))
        return answer

    def at(self, minute: int) -> tuple[list[_Request], set[int]]:
        """Return the agenda of a minute to come."""
        agenda = self.agenda.get(minute)
        if agenda is None:
            agenda = self.agenda[minute] = ([], set())
            timeout = self.env.timeout(minute - self.env.now)
            timeout.callbacks.append(self.pass_minute)
        return agenda

    def pass_minute(self, _: simpy.Event) -> None:
        """Hear all that a minute brings, then hand out chairs and places."""
        now = int(self.env.now)
        requests, sites = self.agenda.pop(now)
        for request in requests:
            heappush(self.waiting[request.site], request)
            sites.add(request.site)
        for site in sites:
            self.look_round(site, now)
        self.hand_out(sites, now)

    def look_round(self, site: int, now: int) -> None:
        """Free the chairs whose infusions have ended, and turn away who may no longer start."""
        busy, waiting = self.busy[site], self.waiting[site]
        while busy and busy[0] <= now:
            heappop(busy)
        late = [request for request in waiting if request.last < now]
        if late:
            waiting[:] = [request for request in waiting if request.last >= now]
            heapify(waiting)
            for request in late:
                request.answer.succeed(False)

    def hand_out(self, sites: Iterable[int], now: int) -> None:
        """Give chairs and places to those who were due first, over all sites."""
        heads = [self.waiting[site][0] for site in sites if self.waiting[site]]
        heapify(heads)
        while heads:
            site = heappop(heads).site
            busy, waiting = self.busy[site], self.waiting[site]
            if len(busy) == self.chairs:
                closes = now // DAY * DAY + self.closes
                self.at(min(busy[0], closes) if closes > now else busy[0])[1].add(site)
                continue
            request = heappop(waiting)
            starts = request.place is None or not self.recruited
            if starts:
                heappush(busy, now + self.minutes)
                if request.place is not None:
                    self.patients.append(request.place)
                    self.randomised.append(now)
            request.answer.succeed(starts)
            if waiting:
                heappush(heads, waiting[0])

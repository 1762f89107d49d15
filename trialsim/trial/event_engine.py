"""The reference engine: one SimPy environment a replicate, whole minutes, nothing drawn.

Each candidate who can be randomised is a generator that reads like the candidate's days: the wait
for a chair inside the window, the first infusion and with it randomisation, then an infusion a day.
It yields requests for a chair, and is told whether the infusion started. What one person takes from
another, a place in the trial or a chair, is handed out once a minute has heard all who want it,
first due first served and then by number, so the order of events inside a minute cannot matter.
There is no event for what nobody waits for: arrival, screening and visits are read off the
itinerary, and so are infusions after the first where chairs cannot run out; the end of an infusion
is an event where somebody waits for the chair.
"""

from collections.abc import Generator, Iterable
from heapq import heapify, heappop, heappush
from typing import NamedTuple, TypeAlias

import numpy as np
import simpy

from trialsim.clock import DAY, NEVER
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation import allocation_lists
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Recruitment, couples_patients, screened
from trialsim.trial.itinerary import Itinerary, next_opening

Person: TypeAlias = Generator["_Request", bool, None]


def recruit_by_events(
    cohort: Cohort,
    itinerary: Itinerary,
    scenario: Scenario,
    streams: Streams,
    creation: Iterable[int] | None = None,
) -> Recruitment:
    """Recruit a batch, one replicate after the other.

    Parameters
    ----------
    creation
        The order in which the itinerary's candidates are set going, by their places on its axis; it
        changes nothing.
    """
    shape = (len(itinerary.ready), scenario.design.patients)
    place = np.zeros(shape, np.int64)
    randomised = np.full(shape, NEVER)
    coupled = couples_patients(scenario) is not None
    infusions = (*shape, scenario.treatment.infusions.count)
    waited = np.zeros(infusions, np.int64) if coupled else None
    without_chair = np.zeros(infusions, np.bool_) if coupled else None
    lists = allocation_lists(scenario, streams) if coupled else []
    for replicate in range(len(place)):
        arms = [listed[replicate].tolist() for listed in lists]
        trial = _Replicate(itinerary, scenario, replicate, arms)
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

    def __init__(
        self,
        itinerary: Itinerary,
        scenario: Scenario,
        replicate: int,
        arms: list[list[int]],
    ) -> None:
        self.env = simpy.Environment()
        self.scenario = scenario
        self.itinerary, self.replicate = itinerary, replicate
        self.coupled = couples_patients(scenario) is not None
        operations, patients = scenario.operations, scenario.design.patients
        chairs = operations.infusion_chairs_per_site if self.coupled else None
        self.clinics = _Clinics(self.env, chairs or patients, patients, operations)
        self.minutes, self.closes = operations.infusion_minutes, operations.closes
        self.waited: dict[int, list[int]] = {}
        self.without_chair: dict[int, list[bool]] = {}
        self.candidate: list[int] = itinerary.candidate[replicate].tolist()
        self.site: list[int] = itinerary.site[replicate].tolist()
        self.ready: list[int] = itinerary.ready[replicate].tolist()
        self.deadline: list[int] = itinerary.deadline[replicate].tolist()
        self.arms = [iter(listed) for listed in arms]
        """The allocation list of each stratum, as far as it is not used up."""
        self.offsets: list[list[int]] = scenario.treatment.infusions.offsets().tolist()

    def run(self, creation: Iterable[int]) -> None:
        """Let the trial happen, to its last infusion or, where nobody waits, its last patient."""
        for place in creation:
            if self.ready[place] == NEVER:
                continue
            if self.coupled:
                person = self.person(place)
                self.clinics.ask(next(person), person)
            else:
                self.clinics.ask(self.first_request(place, self.ready[place]), None)
        if self.coupled:
            self.env.run()
        while not self.clinics.recruited and self.env.peek() < simpy.core.Infinity:
            self.env.step()

    def person(self, place: int) -> Person:
        """Wait for a chair inside the window, be randomised and infused, and come back daily."""
        due = self.ready[place]
        while due <= self.deadline[place] and not self.clinics.recruited:
            if (yield self.first_request(place, due)):
                yield from self.course(place)
                return
            due = self.next_opening()

    def first_request(self, place: int, due: int) -> "_Request":
        """Return a candidate's wish for the first infusion on a day."""
        last = self.last(due, self.deadline[place])
        return _Request(due, self.candidate[place], self.site[place], last, due, place)

    def course(self, place: int) -> Person:
        """Take the infusions after the first, as far as chairs come free in time."""
        number, site = self.candidate[place], self.site[place]
        first = began = int(self.env.now)
        stops = first + self.minutes_to_stop(place, self.next_arm(site))
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
            able = max(due, began + self.minutes)  # the infusion before may still be running
            if (yield _Request(due, number, site, self.last(due, stops - 1), able, None)):
                began = int(self.env.now)
                waited[infusion] = began - due
            else:
                without_chair[infusion] = True

    def last(self, due: int, last: int) -> int:
        """Return the last minute at which an infusion may start, the clinic being open."""
        return min(due // DAY * DAY + self.closes - 1, last)

    def next_opening(self) -> int:
        """Return when infusions can next begin."""
        now = np.array(int(self.env.now))
        return int(next_opening(now, self.scenario.operations, self.scenario.treatment.infusions))

    def next_arm(self, site: int) -> int:
        """Return the arm of whoever is randomised next at a site."""
        return next(self.arms[site if len(self.arms) > 1 else 0])

    def minutes_to_stop(self, place: int, arm: int) -> int:
        """Return the minutes from randomisation after which a patient takes no infusion."""
        ends = (self.itinerary.discontinues, self.itinerary.withdraws, self.itinerary.dies)
        chosen = (end[self.replicate, place] for end in ends)
        return min(int(end[arm if len(end) > 1 else 0]) for end in chosen)


class _Request(NamedTuple):
    """A wish for a chair; sorted by when it was due, then by the candidate's number."""

    due: int
    number: int
    site: int
    last: int
    """Last minute at which the infusion may start."""
    able: int
    """First minute at which it could; later than due where the one before is still running."""
    place: int | None
    """Where a candidate to be randomised stands on the itinerary's axis; None for a patient."""


_Asked: TypeAlias = tuple[_Request, Person | None]


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
        self.waiting: list[list[_Asked]] = [[] for _ in operations.sites]
        self.agenda: dict[int, tuple[list[_Asked], set[int]]] = {}
        """The requests that come up in each minute, and the sites that are looked at again."""

    @property
    def recruited(self) -> bool:
        """Whether recruitment has closed."""
        return len(self.patients) == self.places

    def ask(self, request: _Request, person: Person | None) -> None:
        """Take in a request; the person, if any listens, is told whether the infusion started.

        A candidate asks with it for a place in the trial. A request is turned down when its last
        minute has passed or recruitment has closed.
        """
        minute = max(request.able, int(self.env.now))
        self.at(minute)[0].append((request, person))

    def at(self, minute: int) -> tuple[list[_Asked], set[int]]:
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
        for asked in requests:
            site = asked[0].site
            heappush(self.waiting[site], asked)
            sites.add(site)
        self.hand_out(sites, now)

    def hand_out(self, sites: Iterable[int], now: int) -> None:
        """Give chairs and places to those who were due first, over all sites."""
        heads = [self.waiting[site][0] for site in sites if self.waiting[site]]
        heapify(heads)
        while heads:
            request, person = heappop(heads)
            busy, waiting = self.busy[request.site], self.waiting[request.site]
            while busy and busy[0] <= now:
                heappop(busy)
            if now <= request.last and len(busy) == self.chairs:
                closes = now // DAY * DAY + self.closes
                self.at(min(busy[0], closes) if closes > now else busy[0])[1].add(request.site)
                continue
            heappop(waiting)
            starts = now <= request.last and (request.place is None or not self.recruited)
            if starts:
                heappush(busy, now + self.minutes)
                if request.place is not None:
                    self.patients.append(request.place)
                    self.randomised.append(now)
            if person is not None:
                self.tell(person, starts)
            if waiting:
                heappush(heads, waiting[0])

    def tell(self, person: Person, started: bool) -> None:
        """Tell a person whether the infusion started, and take in the next request."""
        try:
            request = person.send(started)
        except StopIteration:
            return
        self.ask(request, person)

"""The reference engine: one SimPy environment a replicate, whole minutes, nothing drawn.

Each candidate is a process that reads like the candidate's days: arrival, screening, the wait for
a chair, the first infusion and with it randomisation, then an infusion a day. What one person
takes from another, a place in the trial or a chair, is handed out once a minute has heard all who
want it, first due first served and then by number, so the order of events inside a minute cannot
matter. Where chairs cannot run out, infusions after the first have nothing to wait for and are
read off the itinerary.
"""

import math
from collections.abc import Callable, Generator, Iterable
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

import numpy as np
import simpy
from simpy.events import NORMAL, EventPriority

from trialsim.clock import DAY, NEVER
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Recruitment, due_days
from trialsim.trial.itinerary import Itinerary, next_opening
from trialsim.trial.vector_engine import couples_patients

END_OF_MINUTE: Final = EventPriority(2)
"""Priority of an event that comes after all others of its minute (SimPy's own are 0 and 1)."""

Process = Generator[simpy.Event, bool, None]


def recruit_by_events(
    cohort: Cohort, itinerary: Itinerary, scenario: Scenario, creation: Iterable[int] | None = None
) -> Recruitment:
    """Recruit a batch, one replicate after the other.

    Parameters
    ----------
    creation
        The order in which the candidates' processes are created; it changes nothing.
    """
    shape = (len(itinerary.ready), scenario.design.patients)
    place = np.zeros(shape, np.int64)
    randomised = np.full(shape, NEVER)
    screened = np.zeros(len(place), np.int64)
    coupled = couples_patients(scenario) is not None
    infusions = (*shape, scenario.treatment.infusions.count)
    waited = np.zeros(infusions, np.int64) if coupled else None
    without_chair = np.zeros(infusions, np.bool_) if coupled else None
    for replicate in range(len(place)):
        trial = _Replicate(cohort, itinerary, scenario, replicate)
        trial.run(range(cohort.arrival.shape[1]) if creation is None else creation)
        count = len(trial.patients)
        place[replicate, :count] = trial.patients
        randomised[replicate, :count] = trial.randomised
        screened[replicate] = trial.screened
        if waited is not None and without_chair is not None:
            for patient, eligible in enumerate(trial.patients):
                waited[replicate, patient] = trial.waited[eligible]
                without_chair[replicate, patient] = trial.without_chair[eligible]
    complete = randomised[:, -1] < NEVER
    return Recruitment(
        place=np.where(complete[:, None], place, 0),
        randomised=np.where(complete[:, None], randomised, 0),
        closed=randomised[:, -1],
        complete=complete,
        screened=screened,
        waited=waited,
        without_chair=without_chair,
    )


class _Replicate:
    """One trial as it happens."""

    def __init__(
        self, cohort: Cohort, itinerary: Itinerary, scenario: Scenario, replicate: int
    ) -> None:
        self.env = simpy.Environment()
        self.scenario = scenario
        self.wanted = scenario.design.patients
        self.patients: list[int] = []
        """Places on the itinerary's axis, in order of randomisation."""
        self.randomised: list[int] = []
        self.screened = 0
        self.coupled = couples_patients(scenario) is not None
        chairs = scenario.operations.infusion_chairs_per_site
        self.chairs = self.wanted if chairs is None or not self.coupled else chairs
        self.free = [0] * len(scenario.operations.sites)
        self.waiting: list[list[_Request]] = [[] for _ in self.free]
        self.heard: set[int] = set()
        """Sites at which something is to be handed out at the end of the minute."""
        self.closings: set[tuple[int, int]] = set()
        self.waited: dict[int, list[int]] = {}
        self.without_chair: dict[int, list[bool]] = {}

        self.arrival: list[int] = cohort.arrival[replicate].tolist()
        self.screening_ends: list[int] = cohort.screened[replicate].tolist()
        self.site: list[int] = cohort.site[replicate].tolist()
        self.itinerary, self.replicate = itinerary, replicate
        self.ready: list[int] = itinerary.ready[replicate].tolist()
        self.deadline: list[int] = itinerary.deadline[replicate].tolist()
        self.eligible = {
            candidate: place
            for place, candidate in enumerate(itinerary.candidate[replicate].tolist())
            if self.ready[place] < NEVER
        }

    def run(self, creation: Iterable[int]) -> None:
        """Let the trial happen."""
        sites = self.scenario.operations.sites.values()
        for number, site in enumerate(sites):
            self.env.process(self.opening(number, math.floor(site.activation_day * DAY)))
        for number in creation:
            self.env.process(self.candidate(number))
        self.env.run()

    @property
    def now(self) -> int:
        """The minute."""
        return int(self.env.now)

    @property
    def closed(self) -> bool:
        """Whether recruitment has closed."""
        return len(self.patients) == self.wanted

    def opening(self, site: int, minute: int) -> Process:
        """Open a site: from then on it has its chairs."""
        yield self.env.timeout(minute)
        self.free[site] = self.chairs
        self.listen(site)

    def candidate(self, number: int) -> Process:
        """Arrive, be screened, wait for a chair inside the window, be randomised and infused."""
        yield self.env.timeout(self.arrival[number])
        if self.closed or self.now > self.scenario.operations.last_arrival:
            return
        self.screened += 1
        yield self.env.timeout(self.screening_ends[number] - self.now)
        eligible = self.eligible.get(number)
        if eligible is None:
            return
        due, deadline = self.ready[eligible], self.deadline[eligible]
        while due <= deadline and not self.closed:
            yield self.env.timeout(due - self.now)
            if (yield self.ask(number, due, deadline, eligible)):
                if self.coupled:
                    yield from self.course(number, eligible)
                return
            due = self.next_opening()

    def course(self, number: int, eligible: int) -> Process:
        """Sit out the first infusion, then come back for the others."""
        env, site = self.env, self.site[number]
        minutes = self.scenario.operations.infusion_minutes
        first, stops = self.now, self.now + self.minutes_to_stop(eligible)
        waited = self.waited[eligible] = [0] * self.scenario.treatment.infusions.count
        without_chair = self.without_chair[eligible] = [False] * len(waited)
        refused = self.itinerary.refused[self.replicate, eligible].tolist()
        days = due_days(self.scenario.treatment.infusions, np.array(first)).tolist()
        yield env.timeout(minutes)
        self.give_back(site)
        for infusion in range(1, len(waited)):
            due = first + days[infusion] * DAY
            if due >= stops:
                return
            if refused[infusion]:
                continue
            yield env.timeout(max(due - self.now, 0))  # the infusion before may still be running
            if self.now < self.closing(due) and (yield self.ask(number, due, stops - 1, None)):
                waited[infusion] = self.now - due
                yield env.timeout(minutes)
                self.give_back(site)
            else:
                without_chair[infusion] = True

    def ask(self, number: int, due: int, last: int, eligible: int | None) -> simpy.Event:
        """Ask for a chair and, if eligible for randomisation, for a place in the trial.

        The event's value says whether the infusion starts; it does not when the clinic closes, when
        the last minute has passed, or when recruitment has closed.
        """
        site = self.site[number]
        answer = self.env.event()
        heappush(self.waiting[site], _Request(due, number, last, eligible, answer))
        self.listen(site)
        closes = self.closing(due)
        if self.coupled and (site, closes) not in self.closings:
            self.closings.add((site, closes))
            self.at(closes, NORMAL, lambda _: self.close(site))
        return answer

    def give_back(self, site: int) -> None:
        """Free a chair."""
        self.free[site] += 1
        self.listen(site)

    def close(self, site: int) -> None:
        """Send home for the day whoever still waits at a site.

        Where the clinic never closes, those who are due at midnight belong to the new day.
        """
        waiting = self.waiting[site]
        self.waiting[site] = [request for request in waiting if request.due == self.now]
        heapify(self.waiting[site])
        for request in waiting:
            if request.due < self.now:
                request.answer.succeed(False)

    def closing(self, due: int) -> int:
        """Return the minute at which the clinic closes on the day on which something is due."""
        return due // DAY * DAY + self.scenario.operations.closes

    def listen(self, site: int) -> None:
        """See to it that the site's chairs are handed out when the minute ends."""
        if not self.heard:
            self.at(self.now, END_OF_MINUTE, self.hand_out)
        self.heard.add(site)

    def hand_out(self, _: simpy.Event) -> None:
        """Give chairs and places to those who were due first, over all sites."""
        heads = [(self.waiting[site][0], site) for site in self.heard if self.waiting[site]]
        self.heard.clear()
        heapify(heads)
        while heads:
            request, site = heappop(heads)
            if not self.free[site]:
                continue
            heappop(self.waiting[site])
            request.answer.succeed(self.grant(request, site))
            if self.waiting[site]:
                heappush(heads, (self.waiting[site][0], site))

    def grant(self, request: "_Request", site: int) -> bool:
        """Return whether a request can be met now, and if so book it."""
        if self.now > request.last or (request.eligible is not None and self.closed):
            return False
        self.free[site] -= 1
        if request.eligible is not None:
            self.patients.append(request.eligible)
            self.randomised.append(self.now)
        return True

    def next_opening(self) -> int:
        """Return when infusions can next begin."""
        now = np.array(self.now)
        return int(next_opening(now, self.scenario.operations, self.scenario.treatment.infusions))

    def minutes_to_stop(self, eligible: int) -> int:
        """Return the minutes from randomisation after which the patient takes no infusion."""
        ends = (self.itinerary.discontinues, self.itinerary.withdraws, self.itinerary.dies)
        return min(int(end[self.replicate, eligible]) for end in ends)

    def at(
        self, minute: int, priority: EventPriority, action: Callable[[simpy.Event], None]
    ) -> None:
        """Let something happen at a minute, after all of a lower priority there."""
        event = self.env.event()
        event._ok, event._value = True, None
        event.callbacks = [action]
        self.env.schedule(event, priority, minute - self.now)


class _Request(NamedTuple):
    """Somebody's wish for a chair; sorted by when it was due, then by the candidate's number."""

    due: int
    number: int
    last: int
    """Last minute at which the infusion may start."""
    eligible: int | None
    """The place on the itinerary's axis of a candidate to be randomised; None for a patient."""
    answer: simpy.Event

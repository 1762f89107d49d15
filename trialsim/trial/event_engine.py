"""The reference engine: a trial as SimPy processes. It draws nothing and adds only waiting.

Each candidate is a process that reads like the candidate's days. What people take from one another,
chairs and places in the trial, is handed out at a desk as a minute ends: all that somebody needs at
once, to those who were due first and then by number. So the order of events inside a minute cannot
matter. There is no event for what nobody waits for: arrival, screening and visits are read off the
itinerary, and so are the infusions after the first where chairs cannot run out.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import simpy
from simpy.events import EventPriority

from trialsim.arrays import Booleans, Integers
from trialsim.clock import DAY, NEVER
from trialsim.scenario.scenario import Scenario
from trialsim.trial.allocation.procedure import Allocation
from trialsim.trial.conduct import Lack, Recruitment, couples_patients
from trialsim.trial.itinerary import Itinerary, next_opening

Process: TypeAlias = Generator[simpy.Event, Any, None]

LAST: Final = 2
"""The priority of what comes after all else in its minute; SimPy's own are 0 and 1."""


class Turn(simpy.Event):
    """Somebody's turn at the end of a minute: who was due first goes first, then by number."""

    def __init__(self, env: simpy.Environment, minute: int, due: int, number: int) -> None:
        self.env, self.callbacks = env, []
        self._ok, self._value = True, None
        # One whole number orders by (due, number) as long as numbers are below 2**32; Python's
        # have no upper end.
        env.schedule(self, EventPriority(LAST + (due << 32) + number), minute - env.now)


class Stock:
    """So many of something that people share."""

    def __init__(
        self, env: simpy.Environment, free: float, lack: int, more_may_come: bool = True
    ) -> None:
        self.env, self.free = env, free
        self.lack = lack
        """What is recorded of an infusion for which there was none, a `Lack`."""
        self.more_may_come = more_may_come
        """Whether to wait where none is left; nobody waits for a place in the trial."""
        self._more: simpy.Event | None = None
        self._calls: set[int] = set()
        """The minutes in which those who wait look again, whether more came or not."""

    def put(self, count: float = 1) -> None:
        """Give some back, or bring new ones."""
        self.free += count
        if self._more is not None:
            self._more.succeed()
            self._more = None

    def more(self, by: int) -> simpy.Event:
        """Return what happens when more come, and in a minute at the latest."""
        if self._more is None:
            self._more = self.env.event()
        if by not in self._calls:
            self._calls.add(by)
            self.env.timeout(by - self.env.now).callbacks.append(lambda _: self.put(0))
        return self._more


def request(
    env: simpy.Environment, needs: Sequence[Stock], due: int, number: int, until: int
) -> Generator[simpy.Event, Any, Stock | None]:
    """Come to the desk when due and take one of each stock as soon as all are there, or nothing.

    Each request has its turn after all else in its minute: what came back in that minute is there
    to be taken. Turns go by who was due first, then by number, whatever the order of the requests.
    Who takes nothing has a turn again whenever more come, and a last one at the minute in which it
    is too late.

    Returns
    -------
    Stock | None
        None if all was taken; otherwise the shortage, the first stock that was empty at the last
        turn that found one, at the minute `until` or at once where no more may come. Who only
        comes when it is too late is short of the first.
    """
    minute, shortage = max(due, int(env.now)), needs[0]
    while True:
        yield Turn(env, minute, due, number)
        empty = [one for one in needs if not one.free]
        if minute < until and not empty:
            for one in needs:
                one.free -= 1
            return None
        shortage = empty[0] if empty else shortage
        if minute >= until or not all(one.more_may_come for one in empty):
            return shortage
        yield shortage.more(by=until)
        minute = int(env.now)


@dataclass(slots=True)
class Clinic:
    """What an infusion takes at a site."""

    lent: list[Stock] = field(default_factory=list)
    """What comes back as the infusion ends."""
    used: list[Stock] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Course:
    """What everybody on the itinerary's axis intends, once randomised, of the infusions."""

    refused: Booleans  # (row, infusion)
    stops: Integers  # minutes from randomisation from which on none begins, (row, 1 or arm)


@dataclass(slots=True)
class Patient:
    """What the engine records of somebody who was randomised."""

    row: int
    """Where the patient stands on the itinerary's axis."""
    arm: int
    randomised: int
    waited: list[int] = field(default_factory=list)
    lacked: list[int] = field(default_factory=list)


class Replicate:
    """One trial as it happens."""

    def __init__(
        self,
        scenario: Scenario,
        itinerary: Itinerary,
        replicate: int,
        next_arm: Callable[[int], int],
    ) -> None:
        operations = scenario.operations
        self.scenario, self.next_arm = scenario, next_arm
        self.env = simpy.Environment()
        places = scenario.design.patients
        if itinerary.places is not None:
            places = int(itinerary.places[replicate])
        self.places = Stock(self.env, places, Lack.PLACE, more_may_come=False)
        self.entry = [self.places]
        """What a candidate takes to be randomised, beside what the first infusion takes."""
        self.caps = [
            Stock(self.env, cap.places(scenario.design.patients), Lack.PLACE, more_may_come=False)
            for cap in scenario.design.caps.values()
        ]
        """Places for each kind of patient of whom no more than so many are randomised."""
        self.kinds: list[list[bool]] = [kind[replicate].tolist() for kind in itinerary.kinds]
        self.clinics = [Clinic() for _ in operations.sites]
        coupled = couples_patients(scenario) is not None
        if operations.infusion_chairs_per_site is not None and coupled:
            for clinic in self.clinics:
                chairs = operations.infusion_chairs_per_site
                clinic.lent.append(Stock(self.env, chairs, Lack.CHAIR))
        self.minutes, self.closes = operations.infusion_minutes, operations.closes
        self.offsets: list[list[int]] = scenario.treatment.infusions.offsets().tolist()
        self.number: list[int] = itinerary.candidate[replicate].tolist()
        self.site: list[int] = itinerary.site[replicate].tolist()
        self.ready: list[int] = itinerary.ready[replicate].tolist()
        self.deadline: list[int] = itinerary.deadline[replicate].tolist()
        self.course: Course | None = None
        """None where no patient can wait for another: then nobody is followed beyond entry."""
        if coupled:
            intended = itinerary.intentions
            self.course = Course(intended.refused[replicate], intended.stops[replicate])
        self.patients: list[Patient] = []
        """Those randomised, in order."""

    def run(self, creation: Iterable[int]) -> None:
        """Let the trial happen until the last candidate has left it."""
        coming = [row for row in creation if self.ready[row] < NEVER]
        coming.sort(key=self.ready.__getitem__)
        self.env.run(until=self.env.process(self.recruitment(coming)))

    def recruitment(self, coming: Iterable[int]) -> Process:
        """Let candidates come when they are ready, while there are places, and see all leave.

        Each is a process from that minute on and not before, so that a patient of a large trial
        takes as long as one of a small trial: what is queued and alive is who is there.
        """
        env, here = self.env, set[simpy.Event]()
        for row in coming:
            if self.ready[row] > env.now:
                yield env.timeout(self.ready[row] - env.now)
            if not self.places.free:
                break
            person = env.process(self.candidate(row))
            here.add(person)
            person.callbacks.append(here.discard)
        yield env.all_of(here)

    def candidate(self, row: int) -> Process:
        """Come for the first infusion, day after day while there is time, and then every day."""
        clinic, deadline = self.clinics[self.site[row]], self.deadline[row]
        caps = [cap for cap, kind in zip(self.caps, self.kinds, strict=True) if kind[row]]
        needs = [*self.entry, *caps, *clinic.lent, *clinic.used]
        due = self.ready[row]
        while due <= deadline:
            until = min(self.closing(due), deadline + 1)
            shortage = yield from request(self.env, needs, due, self.number[row], until)
            if shortage is None:
                patient = self.randomise(row)
                if self.course is not None:
                    yield from self.treatment(patient, clinic, self.course)
                return
            if not all(stock.free for stock in (self.places, *caps)):
                return
            due = self.next_opening()

    def randomise(self, row: int) -> Patient:
        """Give the candidate of a row of the itinerary an arm, as the next patient."""
        patient = Patient(row, self.next_arm(self.number[row]), int(self.env.now))
        self.patients.append(patient)
        return patient

    def treatment(self, patient: Patient, clinic: Clinic, course: Course) -> Process:
        """Have the first infusion, and the others as far as all that they need is there in time."""
        env, first, needs = self.env, patient.randomised, [*clinic.lent, *clinic.used]
        ends = course.stops[patient.row]
        stops = first + int(ends[patient.arm if len(ends) > 1 else 0])
        refused = course.refused[patient.row].tolist()
        patient.waited, patient.lacked = [0] * len(refused), [0] * len(refused)
        for infusion, day in enumerate(self.offsets[first // DAY % 7]):
            due = first + day * DAY
            if due >= stops:
                return
            if refused[infusion]:
                continue
            if infusion:
                until = min(self.closing(due), stops)
                number = self.number[patient.row]
                shortage = yield from request(env, needs, due, number, until)
                if shortage is not None:
                    patient.lacked[infusion] = shortage.lack
                    continue
                patient.waited[infusion] = int(env.now) - due
            yield env.timeout(self.minutes)
            for stock in clinic.lent:
                stock.put()

    def closing(self, due: int) -> int:
        """Return the minute at which the clinic closes on the day of an infusion."""
        return due // DAY * DAY + self.closes

    def next_opening(self) -> int:
        """Return when a course of infusions can next begin."""
        now = np.array(self.env.now)
        return int(next_opening(now, self.scenario.operations, self.scenario.treatment.infusions))


def recruit_by_events(
    itinerary: Itinerary,
    scenario: Scenario,
    allocation: Allocation,
    creation: Iterable[int] | None = None,
    replicates: Iterable[int] | None = None,
) -> Recruitment:
    """Recruit a batch, one replicate after the other.

    Parameters
    ----------
    creation
        The order in which those of the itinerary's candidates are set going who come in the same
        minute, by their rows on its axis; it changes nothing.
    replicates
        Those to recruit, by their positions in the batch; the others stay without a patient.
    """
    batch, eligible = itinerary.ready.shape
    shape = batch, scenario.design.patients
    rows, arms = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    randomised = np.full(shape, NEVER)
    waited = lacked = None
    if couples_patients(scenario):
        infusions = (*shape, scenario.treatment.infusions.count)
        waited, lacked = np.zeros(infusions, np.int64), np.zeros(infusions, np.int64)
    next_arm = allocation.in_turn()
    for replicate in range(batch) if replicates is None else replicates:
        trial = Replicate(scenario, itinerary, replicate, next_arm[replicate])
        trial.run(range(eligible) if creation is None else creation)
        here = replicate, slice(len(trial.patients))
        rows[here] = [one.row for one in trial.patients]
        arms[here] = [one.arm for one in trial.patients]
        randomised[here] = [one.randomised for one in trial.patients]
        if waited is not None and lacked is not None:
            waited[here] = [one.waited for one in trial.patients]
            lacked[here] = [one.lacked for one in trial.patients]
    return Recruitment(rows, arms, randomised, itinerary.closed(randomised), waited, lacked)

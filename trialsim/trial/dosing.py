"""The study drug that patients received, day by day, as the exposure models need it.

Amounts are in mL, or per kilogram of body weight where the arms are dosed by it.
"""

from collections.abc import Callable, Hashable
from functools import cached_property

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import HOUR, weekday
from trialsim.scenario.protocol.treatment import Schedule
from trialsim.scenario.scenario import Scenario
from trialsim.trial.conduct import Conduct, due_days


class Dosing:
    """What each patient was given; shapes (replicate, patient) unless said otherwise."""

    def __init__(
        self, scenario: Scenario, conduct: Conduct, arms: Integers, onset: Integers
    ) -> None:
        """Take who was in which arm and what happened; onset is in minutes."""
        self._scenario, self._conduct, self._arms = scenario, conduct, arms
        self._onset = onset
        self._made: dict[Hashable, Floats] = {}

    def assigned(self, visit: int) -> Booleans:
        """Who is in an arm with study drug at a visit, or has switched to its drug before."""
        active = np.array([any(arm.doses) for arm in self._scenario.design.arms.values()])
        to = arm_switched_to(self._scenario)
        chosen: Booleans = active[self._arms]
        if to is not None:
            switched = self._conduct.switched <= self._conduct.visit_minute[:, :, visit]
            chosen = np.where(switched, active[to], chosen)
        return chosen

    @cached_property
    def start_hours(self) -> Floats:
        """Hours from onset to the first infusion."""
        hours: Floats = (self._conduct.randomised - self._onset) / HOUR
        return hours

    def days_to(self, visit: int) -> Floats:
        """Whole days from the first infusion to a visit."""
        return self._conduct.visit_day[:, :, visit].astype(np.float64)

    def total(self, visit: int) -> Floats:
        """Study drug given on the days before a visit."""
        return self.kept(("total", visit), lambda: self._total(visit))

    def daily(self) -> Floats:
        """Study drug given on each day from the first infusion on, (replicate, patient, day)."""
        return self._daily

    @property
    def last_day(self) -> int:
        """Whole days from the first infusion to anybody's last visit."""
        return int(self._conduct.visit_day.max())

    def kept(self, what: Hashable, make: Callable[[], Floats]) -> Floats:
        """Return what was made before under the same name, or make it and keep it."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    def _total(self, visit: int) -> Floats:
        own, *other = (received.before(visit) for received in self._received)
        return own + other[0] if other else own

    @cached_property
    def _received(self) -> list["DrugReceived"]:
        """What was received of one's own arm's drug, and of another's after switching to it."""
        conduct = self._conduct
        own = arm_doses(self._scenario, conduct)[self._arms]
        to = arm_switched_to(self._scenario)
        if to is None:
            return [DrugReceived(conduct, conduct.infusion_given, own)]
        after = conduct.infusion_switched
        other = np.broadcast_to(arm_doses(self._scenario, conduct)[to], own.shape)
        return [
            DrugReceived(conduct, conduct.infusion_given & ~after, own),
            DrugReceived(conduct, conduct.infusion_given & after, other),
        ]

    @cached_property
    def _daily(self) -> Floats:
        conduct = self._conduct
        days = due_days(conduct.schedule, conduct.randomised)
        doses = infusion_doses(self._scenario, self._arms, conduct)
        given = np.zeros((*days.shape[:2], int(conduct.schedule.offsets().max()) + 1))
        np.put_along_axis(given, days, conduct.infusion_given * doses, axis=2)
        return given


def infusion_doses(scenario: Scenario, arms: Integers, conduct: Conduct) -> Floats:
    """Return the dose in each infusion if it is given, shape (replicate, patient, infusion)."""
    each, to = arm_doses(scenario, conduct), arm_switched_to(scenario)
    doses: Floats = each[arms][..., conduct.schedule.phase_of]
    if to is not None:
        other = each[to][conduct.schedule.phase_of]
        doses = np.where(conduct.infusion_switched, other, doses)
    return doses


def arm_doses(scenario: Scenario, conduct: Conduct) -> Floats:
    """Return the dose of each arm in each phase, shape (arm, phase)."""
    phases = len(conduct.schedule.phases)
    arms = scenario.design.arms.values()
    return np.array([np.broadcast_to(arm.doses, phases) for arm in arms])


def arm_switched_to(scenario: Scenario) -> int | None:
    """Return the position of the arm that patients switch to; None where nobody can."""
    switching = scenario.operations.switching
    if switching.to is None or switching.probability == 0:
        return None
    return list(scenario.design.arms).index(switching.to)


class DrugReceived:
    """The study drug given in a course of infusions, up to any day."""

    def __init__(self, conduct: Conduct, given: Booleans, doses: Floats) -> None:
        """Take what happened, the infusions that count, and doses, (replicate, patient, phase)."""
        self._conduct, self._doses = conduct, doses
        self._due_before = _due_before(conduct.schedule)
        phase_of = conduct.schedule.phase_of
        self._running = [
            _running_counts(given, phase_of == phase) for phase in range(doses.shape[2])
        ]

    def before(self, visit: int) -> Floats:
        """Return the study drug given on the days before a visit, shape (replicate, patient)."""
        last = self._due_before.shape[1] - 1
        day = np.minimum(self._conduct.visit_day[:, :, visit], last)
        received: Floats = np.zeros(day.shape)
        if day.size and day.min() == last:  # the course is over for everybody
            for phase, running in enumerate(self._running):
                received += running[-1].reshape(day.shape) * self._doses[:, :, phase]
            return received
        first_day = weekday(self._conduct.randomised) * (last + 1)
        at = self._due_before.take(first_day + day) * day.size
        at += np.arange(day.size).reshape(day.shape)
        for phase, running in enumerate(self._running):
            received += running.take(at) * self._doses[:, :, phase]
        return received


def _running_counts(given: Booleans, counted: Booleans) -> Integers:
    """Return how many of the first infusions that count were given.

    Shape (infusions + 1, all patients).
    """
    infusions = given.shape[2]
    running = np.zeros((infusions + 1, given[:, :, 0].size), np.int16)
    for infusion in range(infusions):
        if counted[infusion]:
            np.add(running[infusion], given[:, :, infusion].ravel(), out=running[infusion + 1])
        else:
            running[infusion + 1] = running[infusion]
    return running


def _due_before(schedule: Schedule) -> Integers:
    """Return the infusions due before each day after the first, by weekday, shape (7, day)."""
    offsets = schedule.offsets()
    days = np.arange(offsets.max() + 2)
    due: Integers = (offsets[:, None, :] < days[:, None]).sum(axis=2)
    return due

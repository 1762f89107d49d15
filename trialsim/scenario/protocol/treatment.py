"""What all arms are given, and on which days: schedules of infusions and of rehabilitation."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from trialsim.arrays import Integers
from trialsim.distributions import FrozenModel
from trialsim.scenario.validation.refusal import Name, Positive, Probability, Violation, refuse

Days: TypeAlias = Literal["every_day", "monday_to_friday", "monday_and_thursday"]
_GIVEN_ON: Final[Mapping[str, frozenset[int]]] = {
    "every_day": frozenset(range(7)),
    "monday_to_friday": frozenset(range(5)),
    "monday_and_thursday": frozenset((0, 3)),
}


class Schedule(FrozenModel):
    """Days on which something is given, in one cycle or several, and what follows.

    A cycle gives `per_cycle` times, one a day, on the days of the week that it names; cycle c
    begins `cycle_every_days` times c days after the first day. A schedule may be followed by
    another, from the day after its last on: the next phase.
    """

    omitted_defaults = ("then",)

    per_cycle: Annotated[int, Field(ge=1, le=400)] = 1
    """How many times in a cycle, such as 21."""
    days: Days = "every_day"
    """The days of the week on which it is given, such as every_day."""
    cycles: Annotated[int, Field(ge=1, le=20)] = 1
    """How many cycles there are, usually 1."""
    cycle_every_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days from the beginning of a cycle to that of the next, such as 84; null for one cycle."""
    then: "Schedule | None" = None
    """The schedule of the next phase, from the day after this one's last; null for none."""

    @model_validator(mode="after")
    def _cycles_fit(self) -> Self:
        if self.cycles > 1:
            longest = int((self._cycle()[:, -1]).max()) + 1
            if self.cycle_every_days is None or self.cycle_every_days < longest:
                rule = f"must be at least {longest} days, the length of a cycle"
                refuse([Violation("cycle_every_days", rule, self.cycle_every_days)])
        return self

    @property
    def phases(self) -> tuple["Schedule", ...]:
        """The schedule itself and those that follow."""
        return (self, *(self.then.phases if self.then else ()))

    @property
    def count(self) -> int:
        """How many times in all phases."""
        return sum(phase.per_cycle * phase.cycles for phase in self.phases)

    @property
    def phase_of(self) -> Integers:
        """The phase of each time, from 0, shape (count,)."""
        lengths = [phase.per_cycle * phase.cycles for phase in self.phases]
        return np.repeat(np.arange(len(lengths)), lengths)

    def offsets(self) -> Integers:
        """Return days after the first, by weekday of the first day, shape (7, count).

        >>> Schedule(per_cycle=3, days="monday_to_friday").offsets()[3]  # Thursday, Friday, Monday
        array([0, 1, 4])
        """
        return self._offsets

    @cached_property
    def _offsets(self) -> Integers:
        days = np.array([self._days_from(first, 0) for first in range(7)])
        days.flags.writeable = False
        return days

    def gives_on(self, weekday: int) -> bool:
        """Return whether something can be given on a day of the week, 0 for Monday."""
        return weekday in _GIVEN_ON[self.days]

    def _cycle(self) -> Integers:
        alone = {"cycles": 1, "cycle_every_days": None, "then": None}
        return self.model_copy(update=alone).offsets()

    def _days_from(self, first: int, start: int) -> list[int]:
        """Return the days of this phase from a day on, and of those that follow."""
        given = []
        for cycle in range(self.cycles):
            begin = start + cycle * (self.cycle_every_days or 0)
            days = (day for day in range(begin, begin + 7 * self.per_cycle + 7))
            given += [day for day in days if self.gives_on((first + day) % 7)][: self.per_cycle]
        return given + (self.then._days_from(first, given[-1] + 1) if self.then else [])


class Rehabilitation(FrozenModel):
    """The programme of exercises that all arms follow alongside the infusions."""

    schedule: Schedule
    """The days of its sessions."""
    session_minutes: Annotated[int, Field(ge=1)]
    """Minutes that a session takes, such as 120."""
    attendance_probability: Probability
    """Probability that a patient comes to any one session, such as 0.95."""


class Treatment(FrozenModel):
    """The course of infusions, whose content is the arm's, and the rehabilitation programme."""

    omitted_defaults = ("body_weight_kg", "strength_mg_per_ml")

    assumed_defaults = ("infusions",)

    infusions: Schedule = Field(default_factory=Schedule)
    """The days on which infusions are planned."""
    rehabilitation: Rehabilitation | None = None
    """The programme of exercises alongside the infusions; null for none."""
    body_weight_kg: Name | None = None
    """The covariate that holds the weight, where arms are dosed by it."""
    strength_mg_per_ml: Positive | None = None
    """Milligrams of study drug in a mL, such as 5, where arms are dosed in mg."""

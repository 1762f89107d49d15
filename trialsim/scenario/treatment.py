"""What both arms are given, and on which days: schedules of infusions and of rehabilitation."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from trialsim.arrays import Integers
from trialsim.distributions import Described
from trialsim.scenario.refusal import Probability, Refusal, refuse

_FRIDAY = 4


class Schedule(Described):
    """Days on which something is given, in one cycle or several.

    A cycle gives `per_cycle` times, one a day, on every day or on Mondays to Fridays; cycle c
    begins `cycle_every_days` times c days after the first day.
    """

    per_cycle: Annotated[int, Field(ge=1, le=400)]
    days: Literal["every_day", "monday_to_friday"]
    cycles: Annotated[int, Field(ge=1, le=20)] = 1
    cycle_every_days: Annotated[int, Field(ge=1, le=3650)] | None = None

    @model_validator(mode="after")
    def _cycles_fit(self) -> Self:
        if self.cycles > 1:
            longest = int((self._cycle()[:, -1]).max()) + 1
            if self.cycle_every_days is None or self.cycle_every_days < longest:
                rule = f"must be at least {longest} days, the length of a cycle"
                refuse([Refusal("cycle_every_days", rule, self.cycle_every_days)])
        return self

    @property
    def count(self) -> int:
        """How many times in all."""
        return self.per_cycle * self.cycles

    def offsets(self) -> Integers:
        """Return days after the first, by weekday of the first day, shape (7, count).

        >>> Schedule(per_cycle=3, days="monday_to_friday").offsets()[3]  # Thursday, Friday, Monday
        array([0, 1, 4])
        """
        if self.days == "every_day":
            starts = np.arange(self.cycles) * (self.cycle_every_days or 0)
            every = (starts[:, None] + np.arange(self.per_cycle)).ravel()
            return np.tile(every, (7, 1))
        rows = []
        for first in range(7):
            days = [
                day
                for cycle in range(self.cycles)
                for day in self._working_days(first, cycle * (self.cycle_every_days or 0))
            ]
            rows.append(days)
        return np.array(rows)

    def gives_on(self, weekday: int) -> bool:
        """Return whether something can be given on a day of the week, 0 for Monday."""
        return self.days == "every_day" or weekday <= _FRIDAY

    def _cycle(self) -> Integers:
        return self.model_copy(update={"cycles": 1, "cycle_every_days": None}).offsets()

    def _working_days(self, first: int, start: int) -> list[int]:
        days = (day for day in range(start, start + 2 * self.per_cycle + 7))
        return [day for day in days if self.gives_on((first + day) % 7)][: self.per_cycle]


class Rehabilitation(Described):
    """The programme of exercises that both arms follow beside the infusions."""

    schedule: Schedule
    session_minutes: Annotated[int, Field(ge=1)]
    attendance_probability: Probability


class Treatment(Described):
    """The course of infusions, whose content is the arm's, and the rehabilitation programme."""

    infusions: Schedule
    rehabilitation: Rehabilitation

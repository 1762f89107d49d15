"""Schedules against days written by hand; the first day is day 0, a Monday is weekday 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trialsim.scenario.protocol.treatment import Schedule

WEEK = [0, 1, 2, 3, 4]


def test_every_day_is_every_day_whatever_the_first() -> None:
    offsets = Schedule(per_cycle=21, days="every_day").offsets()
    assert offsets.tolist() == [list(range(21))] * 7


@pytest.mark.parametrize(
    ("first", "days"),
    [
        (0, [0, 1, 2, 3, 4, 7, 8]),  # Monday to Friday, Monday, Tuesday
        (2, [0, 1, 2, 5, 6, 7, 8]),  # Wednesday
        (4, [0, 3, 4, 5, 6, 7, 10]),  # Friday
        (5, [2, 3, 4, 5, 6, 9, 10]),  # Saturday: begins on Monday
        (6, [1, 2, 3, 4, 5, 8, 9]),  # Sunday
    ],
)
def test_monday_to_friday_leaves_weekends_out(first: int, days: list[int]) -> None:
    assert Schedule(per_cycle=7, days="monday_to_friday").offsets()[first].tolist() == days


def test_four_weeks_of_five_days_as_in_xiao_1999() -> None:
    days = Schedule(per_cycle=20, days="monday_to_friday").offsets()[0]
    assert days.tolist() == [7 * week + day for week in range(4) for day in WEEK]


def test_two_cycles_of_four_weeks_with_a_gap_as_in_guekht_2011() -> None:
    """Weeks 1 to 4 and 13 to 16, Mondays to Fridays: 40 infusions."""
    schedule = Schedule(per_cycle=20, days="monday_to_friday", cycles=2, cycle_every_days=84)
    weeks = [*range(4), *range(12, 16)]
    assert schedule.count == 40
    assert schedule.offsets()[0].tolist() == [7 * week + day for week in weeks for day in WEEK]


def test_two_cycles_every_day_with_a_gap() -> None:
    schedule = Schedule(per_cycle=3, days="every_day", cycles=2, cycle_every_days=10)
    assert schedule.offsets()[4].tolist() == [0, 1, 2, 10, 11, 12]


def test_cycles_may_touch_and_not_overlap() -> None:
    Schedule(per_cycle=3, days="every_day", cycles=2, cycle_every_days=3)
    with pytest.raises(ValidationError, match="must be at least 3 days, the length of a cycle"):
        Schedule(per_cycle=3, days="every_day", cycles=2, cycle_every_days=2)
    with pytest.raises(ValidationError, match="must be at least 3 days, the length of a cycle"):
        Schedule(per_cycle=3, days="every_day", cycles=2)


@settings(derandomize=True, max_examples=60)
@given(
    per_cycle=st.integers(1, 40),
    weekdays=st.booleans(),
    cycles=st.integers(1, 3),
    gap=st.integers(0, 50),
)
def test_nothing_is_given_twice_a_day_nor_on_a_day_off(
    per_cycle: int, weekdays: bool, cycles: int, gap: int
) -> None:
    schedule = Schedule(
        per_cycle=per_cycle,
        days="monday_to_friday" if weekdays else "every_day",
        cycles=cycles,
        cycle_every_days=2 * per_cycle + 7 + gap,
    )
    offsets = schedule.offsets()
    assert offsets.shape == (7, schedule.count)
    assert (np.diff(offsets, axis=1) > 0).all()
    on = (np.arange(7)[:, None] + offsets) % 7
    assert all(schedule.gives_on(day) for day in np.unique(on).tolist())

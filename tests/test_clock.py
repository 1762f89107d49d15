"""Trial time is whole minutes, counted from midnight at the start of a Monday."""

from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.clock import (
    DAY,
    FARTHEST,
    HOUR,
    MINUTE,
    MONTH,
    NEVER,
    weekday,
    whole_minutes,
)

MONDAY = datetime(2024, 1, 1)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(-10_000_000, 10_000_000))
def test_the_weekday_is_that_of_the_calendar(minute: int) -> None:
    """Python's calendar, with minute 0 on Monday 1 January 2024."""
    assert weekday(np.array(minute)) == (MONDAY + timedelta(minutes=minute)).weekday()


def test_units_of_time_are_whole_minutes() -> None:
    assert (MINUTE, HOUR, DAY) == (1, 60, 1440)


def test_a_mean_month_is_a_twelfth_of_a_julian_year() -> None:
    assert Fraction(MONTH) == Fraction(36525 * 1440, 1200)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.floats(-1e9, 1e9))
def test_minutes_are_rounded_as_python_rounds(minutes: float) -> None:
    whole = whole_minutes(np.array([minutes]))
    assert whole.dtype == np.int64
    assert whole.item() == round(minutes)


def test_never_is_after_everything_and_leaves_room_for_sums() -> None:
    """A thousand years before it and after it, sums of times do not overflow."""
    thousand_years = 1000 * 366 * DAY
    assert thousand_years < NEVER
    assert np.int64(NEVER) + np.int64(thousand_years) > NEVER
    assert NEVER + thousand_years < np.iinfo(np.int64).max


def test_times_without_end_are_held_at_the_farthest_minute() -> None:
    """An infinite or an absurd time must not come back as a time before the trial."""
    held = whole_minutes(np.array([np.inf, 1e300, -1e300]))
    assert held.tolist() == [FARTHEST, FARTHEST, -FARTHEST]
    assert 4 * FARTHEST < NEVER

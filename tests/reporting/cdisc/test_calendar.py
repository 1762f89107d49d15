"""Dates of minutes: Monday is the first, there is no study day 0, and SAS counts from 1960."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from trialsim.clock import DAY
from trialsim.errors import InputError
from trialsim.reporting.cdisc.calendar import Calendar, calendar_from

MINUTES = np.array([-3 * DAY - 1, -1, 0, 1, DAY - 1, DAY, 400 * DAY + 61])


def test_dates_are_those_of_the_standard_library() -> None:
    start = datetime(2026, 1, 5)
    expected = [start + timedelta(minutes=int(minute)) for minute in MINUTES]
    calendar = Calendar(start.date())
    found = calendar.moments(MINUTES).tolist()
    assert found == [moment.isoformat(timespec="minutes") for moment in expected]
    assert calendar.dates(MINUTES).tolist() == [moment.date().isoformat() for moment in expected]
    sas = [(moment.date() - date(1960, 1, 1)).days for moment in expected]
    assert calendar.sas_days(MINUTES).tolist() == sas
    seconds = [(moment - datetime(1960, 1, 1)).total_seconds() for moment in expected]
    assert_array_equal(calendar.sas_seconds(MINUTES), seconds)


def test_study_days_have_no_day_zero_and_follow_the_calendar() -> None:
    """Oracle: one minute to midnight and the next are different days."""
    calendar = Calendar(date(2026, 1, 5))
    reference = np.full(4, 5 * DAY + 1439)
    minutes = np.array([4 * DAY, 5 * DAY, 6 * DAY, 5 * DAY - 1])
    assert calendar.study_days(minutes, reference).tolist() == [-1, 1, 2, -1]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2026-01-06", "must be a Monday.*2026-01-05 or 2026-01-12"),
        ("5 January", "must be a date such as 2026-01-05"),
        ("9990-01-01", "must lie in the years 1960 to 2200"),
    ],
)
def test_a_first_day_that_cannot_be_is_refused(text: str, rule: str) -> None:
    with pytest.raises(InputError, match=rf"^--study-start: {rule}.* \(got {text}\)$"):
        calendar_from(text)

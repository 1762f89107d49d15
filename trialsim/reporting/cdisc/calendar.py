"""Dates of a trial's minutes: the clock begins at midnight of a Monday, so the trial does too."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from trialsim.arrays import Booleans, Integers
from trialsim.clock import DAY
from trialsim.errors import InputError, Problem

OPTION: Final = "--study-start"
SAS_EPOCH: Final = np.datetime64("1960-01-01")
_YEARS: Final = (1960, 2200)
Texts: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The dates of minutes, counted from the first midnight of the trial.

    >>> calendar = Calendar(date(2026, 1, 5))
    >>> calendar.moments(np.array([0, 1500]), np.array([True, False])).tolist()
    ['2026-01-05T00:00', '']
    >>> calendar.study_days(np.array([-1, 0, 1439, 1440]), np.zeros(4, np.int64)).tolist()
    [-1, 1, 1, 2]
    """

    start: date
    """The first day of the trial, a Monday."""

    def moments(self, minutes: Integers, known: Booleans | np.bool_ = np.True_) -> Texts:
        """Return dates and times in ISO 8601, to the minute; empty where not known."""
        return self._texts(minutes, known, "m")

    def dates(self, minutes: Integers, known: Booleans | np.bool_ = np.True_) -> Texts:
        """Return dates in ISO 8601; empty where not known."""
        return self._texts(minutes, known, "D")

    def sas_days(self, minutes: Integers) -> Integers:
        """Return dates as days since 1960, as SAS counts them."""
        first = (np.datetime64(self.start) - SAS_EPOCH).astype(np.int64)
        return np.asarray(minutes // DAY + first, np.int64)

    def sas_seconds(self, minutes: Integers) -> Integers:
        """Return dates and times as seconds since 1960."""
        return self.sas_days(np.zeros_like(minutes)) * 86_400 + minutes * 60

    def study_days(self, minutes: Integers, reference: Integers) -> Integers:
        """Return days from a reference date, which is day 1; the day before it is day -1."""
        days = minutes // DAY - reference // DAY
        return np.where(days >= 0, days + 1, days)

    def _texts(self, minutes: Integers, known: Booleans | np.bool_, unit: Any) -> Texts:
        known = np.broadcast_to(known, minutes.shape)
        whole = np.where(known, minutes, 0).astype("timedelta64[m]")
        moments = np.datetime64(self.start, "m") + whole
        return np.where(known, np.datetime_as_string(moments, unit=unit), "").astype(object)


def calendar_from(text: str) -> Calendar:
    """Return the calendar of a trial whose first day is a date in ISO 8601.

    >>> calendar_from("2026-01-05").start
    datetime.date(2026, 1, 5)

    Raises
    ------
    InputError
        If it is no date, or no Monday.
    """
    try:
        start = date.fromisoformat(text)
    except ValueError:
        raise InputError([Problem(OPTION, "must be a date such as 2026-01-05", text)]) from None
    if not _YEARS[0] <= start.year <= _YEARS[1]:
        rule = f"must lie in the years {_YEARS[0]} to {_YEARS[1]}"
        raise InputError([Problem(OPTION, rule, text)])
    if start.weekday() != 0:
        before = date.fromordinal(start.toordinal() - start.weekday())
        after = date.fromordinal(before.toordinal() + 7)
        rule = f"must be a Monday, on which every trial begins, such as {before} or {after}"
        raise InputError([Problem(OPTION, rule, text)])
    return Calendar(start)

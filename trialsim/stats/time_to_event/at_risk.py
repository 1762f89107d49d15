"""Patients at risk and events on every day: all that the methods of this folder need."""

import math
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide


class AtRisk(NamedTuple):
    """Whole numbers on each day from 0 to the last one, shape (..., group, day)."""

    events: Floats
    """Patients who have the event on the day."""
    at_risk: Floats
    """Patients who had neither the event nor were censored before the day."""

    @property
    def patients(self) -> Floats:
        """Patients of each group, shape (..., group)."""
        return self.at_risk[..., 0]


def count_at_risk(
    day: Integers, event: Booleans, group: Integers, groups: int, days: int
) -> AtRisk:
    """Count patients by group and day; who is censored on a day is at risk on it.

    Parameters
    ----------
    day
        Days from 0 to the event or to censoring, shape (..., patient); below `days`.
    event
        Whether it is the event.
    group
        From 0 to `groups` less one; a patient of a negative group is not counted.

    >>> day, event = np.array([3, 1, 3, 2]), np.array([True, True, False, True])
    >>> found = count_at_risk(day, event, np.array([0, 0, 0, -1]), 1, 4)
    >>> found.at_risk.tolist(), found.events.tolist()
    ([[3.0, 3.0, 2.0, 2.0]], [[0.0, 1.0, 0.0, 1.0]])
    """
    leading = day.shape[:-1]
    rows = np.arange(math.prod(leading)).reshape(*leading, 1)
    place = (rows * groups + group) * days + day
    shape = (*leading, groups, days)

    def counted(which: Booleans) -> Floats:
        there = place[which & (group >= 0)]
        return np.bincount(there, minlength=math.prod(shape)).reshape(shape).astype(np.float64)

    leaving = counted(np.ones_like(event))
    return AtRisk(counted(event), np.cumsum(leaving[..., ::-1], axis=-1)[..., ::-1])


def kaplan_meier(counts: AtRisk) -> Floats:
    """Return the share without the event after each day, shape (..., group, day).

    Kaplan and Meier (1958), Journal of the American Statistical Association 53:457. After the last
    patient at risk the curve stays as it is; NaN of a group without patients.

    >>> counts = AtRisk(np.array([[0.0, 1, 0, 1]]), np.array([[4.0, 4, 3, 2]]))
    >>> kaplan_meier(counts).tolist()
    [[1.0, 0.75, 0.75, 0.375]]
    """
    left = np.cumprod(1 - divide(counts.events, counts.at_risk, 0.0), axis=-1)
    return np.where(counts.patients[..., np.newaxis] > 0, left, np.nan)

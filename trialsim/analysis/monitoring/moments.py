"""When the looks of each replicate fall, read from its conduct alone."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.patients import at_most
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY, NEVER
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.monitoring.monitoring import Monitoring


@dataclass(frozen=True)
class Moments:
    """The looks of a batch, each array of shape (replicate, look)."""

    knowing: Integers
    """When the endpoints of the planned patients are known, shape (replicate, patient)."""
    randomising: Integers
    """When they are randomised, in the same shape."""
    minute: Integers
    """The data of the look are those before this minute; that of the look before where skipped."""
    reached: Booleans
    """Whether it is held: after the look before it, and before every endpoint is known."""
    decided: Integers
    """The minute of its decision."""

    @cached_property
    def known(self) -> Integers:
        """Patients whose endpoint is known at the cut."""
        return at_most(self.knowing, self.minute)

    @cached_property
    def randomised(self) -> Integers:
        """Patients randomised before the cut."""
        return at_most(self.randomising, self.minute - 1)

    @cached_property
    def randomised_by_decision(self) -> Integers:
        """Patients randomised before the decision."""
        return at_most(self.randomising, self.decided - 1)

    @property
    def waiting(self) -> Integers:
        """Patients randomised whose endpoint is not known at the cut."""
        return self.randomised - self.known


def moments(finished: FinishedTrial, monitoring: Monitoring, patients: int) -> Moments:
    """Return when each look falls in a trial of so many planned patients.

    A look that would come with or after the end, or not after the one before it, is not held: two
    looks in one minute see the same data.
    """
    randomised = finished.randomised[:, :patients]
    in_order = finished.known_in_order(patients)
    cuts = [_cut(look, in_order, randomised) for look in monitoring.looks.values()]
    before = np.zeros(len(in_order), np.int64)
    end = finished.once("end", patients, lambda: _last(in_order))
    minutes, reached = [], []
    for cut in cuts:
        held = (cut > before) & (cut < end)
        before = np.where(held, cut, before)
        minutes.append(before)
        reached.append(held)
    minute = np.stack(minutes, axis=1)
    lags = np.array([round(look.decided_after_days * DAY) for look in monitoring.looks.values()])
    return Moments(
        knowing=in_order,
        randomising=randomised,
        minute=minute,
        reached=np.stack(reached, axis=1),
        decided=minute + lags,
    )


def _last(in_order: Integers) -> Integers:
    """Return the last minute of each replicate at which anything is known, shape (replicate,)."""
    last = in_order[:, -1]
    if (last < NEVER).all():
        return last
    return np.asarray(np.where(in_order < NEVER, in_order, 0).max(axis=1))


def _cut(look: Look, known: Integers, randomised: Integers) -> Integers:
    """Return the minute of a look, shape (replicate,); minutes are in order along patients."""
    value, patients = look.when.value, known.shape[1]
    match look.when.kind:
        case "known":
            return known[:, _nth(value * patients, patients)]
        case "known_patients":
            return known[:, _nth(value, patients)]
        case "randomised":
            return randomised[:, _nth(value * patients, patients)] + 1
        case "days_after_first_patient":
            return np.minimum(randomised[:, 0] + round(value) * DAY, NEVER)
    return np.full(len(known), round(value) * DAY)


def _nth(count: float, patients: int) -> int:
    """Return the place of the patient with whom a count is reached.

    >>> _nth(0.1 * 30, 30), _nth(0.5 * 7, 7)
    (2, 3)
    """
    return min(max(math.ceil(round(count, 9)), 1), patients) - 1


def shares(values: Floats | Integers, planned: float) -> Floats:
    """Return shares of planned information, NaN where there is none.

    >>> shares(np.array([60.0, 0.0]), 120.0).tolist()
    [0.5, nan]
    """
    return np.where(values > 0, values / planned, np.nan)

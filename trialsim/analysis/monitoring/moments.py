"""When the looks of each replicate fall, read from its conduct alone."""

import math
from typing import NamedTuple

import numpy as np

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY, NEVER
from trialsim.scenario.monitoring.looks import Look
from trialsim.scenario.monitoring.monitoring import Monitoring


class Moments(NamedTuple):
    """The looks of a batch, each array of shape (replicate, look)."""

    minute: Integers
    """The data of the look are those before this minute; that of the look before where skipped."""
    reached: Booleans
    """Whether it is held: after the look before it, and before every endpoint is known."""
    decided: Integers
    """The minute of its decision."""
    known: Integers
    """Patients whose endpoint is known at the cut."""
    randomised: Integers
    """Patients randomised before the cut."""
    randomised_by_decision: Integers

    @property
    def waiting(self) -> Integers:
        """Patients randomised whose endpoint is not known at the cut."""
        return self.randomised - self.known


def moments(finished: FinishedTrial, monitoring: Monitoring, patients: int) -> Moments:
    """Return when each look falls in a trial of so many planned patients.

    A look that would come with or after the end, or not after the one before it, is not held: two
    looks in one minute see the same data.
    """
    known = finished.known[:, :patients]
    randomised = finished.randomised[:, :patients]
    in_order = np.sort(known, axis=1)
    cuts = [_cut(look, in_order, randomised) for look in monitoring.looks.values()]
    before = np.zeros(len(known), np.int64)
    minutes, reached = [], []
    for cut in cuts:
        held = (cut > before) & (cut < in_order[:, -1])
        before = np.where(held, cut, before)
        minutes.append(before)
        reached.append(held)
    minute = np.stack(minutes, axis=1)
    lags = np.array([round(look.decided_after_days * DAY) for look in monitoring.looks.values()])
    decided = minute + lags
    return Moments(
        minute=minute,
        reached=np.stack(reached, axis=1),
        decided=decided,
        known=_at_most(in_order, minute),
        randomised=_at_most(randomised, minute - 1),
        randomised_by_decision=_at_most(randomised, decided - 1),
    )


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


def _at_most(ordered: Integers, minutes: Integers) -> Integers:
    """Return how many of each replicate's ordered minutes are at most some, shape as `minutes`."""
    return np.stack(
        [(ordered <= minutes[:, look, None]).sum(axis=1) for look in range(minutes.shape[1])],
        axis=1,
    )


def shares(values: Floats | Integers, planned: float) -> Floats:
    """Return shares of planned information, NaN where there is none.

    >>> shares(np.array([60.0, 0.0]), 120.0).tolist()
    [0.5, nan]
    """
    return np.where(values > 0, values / planned, np.nan)

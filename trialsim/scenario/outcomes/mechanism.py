"""From daily doses to recovery: two pathways, both of them necessary.

On day n, counted from the first infusion, the drug present is a(n) = c a(n - 1) + d(n), with d the
day's dose and c the part that is carried over. It stimulates each pathway j (sonic hedgehog, and
PI3K/Akt) up to

    s_j(n) = (1 - blocked_j) a(n)**h_j / (e_j**h_j + a(n)**h_j),

which its activity P_j follows; the product of the activities drives repair R, which stays once it
is there; function F follows repair:

    dP_j/dt = k_j (s_j - P_j),    dR/dt = k_R P_1 P_2 (1 - R),    dF/dt = k_F (R - F).

The start-time window multiplies F by w(t) = 1 / (1 + exp((t - m) / b)), t hours from onset to the
first infusion. The share of the full effect is F w relative to that of a reference course.

P and R are solved exactly from day to day; F takes R to be straight within a day.
"""

from typing import Annotated, Literal, Self

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import Field, model_validator

from trialsim.arrays import Floats
from trialsim.distributions import FrozenModel, NotNegative
from trialsim.scenario.outcomes.received import Received
from trialsim.scenario.validation.refusal import Positive, Probability, Violation, refuse

_Days = Annotated[int, Field(ge=1, le=400)]


class Pathway(FrozenModel):
    """How one pathway answers to the drug present on a day."""

    half_dose: Positive
    """The drug present that stimulates half as much as can be (e), such as 20."""
    hill: Annotated[float, Field(gt=0, le=20)]
    """How steeply the activity rises with the dose (Hill coefficient), such as 2."""
    turnover_days: Positive
    """The time constant with which its activity follows (1 / k)."""
    blocked: Probability
    """The part of its signal that an inhibitor takes away, usually 0."""

    def stimulated(self, present: Floats) -> Floats:
        """Return the activity that the drug present would reach, from 0 to 1."""
        with np.errstate(divide="ignore"):  # nothing present has the logarithm -inf
            log_dose = np.log(present) - np.log(self.half_dose)
        activity: Floats = (1 - self.blocked) * scipy.special.expit(self.hill * log_dose)
        return activity


class Window(FrozenModel):
    """Until when after onset a course still helps."""

    half_hours: Positive
    """Hours from onset to the first infusion at which half of the effect is lost (m), such as
    72."""
    width_hours: Positive
    """How gradually it is lost, in hours (b), such as 12."""

    def share(self, start_hours: Floats) -> Floats:
        """Return what is left of the effect when the course starts so late."""
        left: Floats = scipy.special.expit((self.half_hours - start_hours) / self.width_hours)
        return left


class ReferenceCourse(FrozenModel):
    """The course that has the full effect: a dose a day, begun in time, looked at on a day."""

    daily_dose: Positive
    """The dose of a day, in the unit of the pathways' doses, such as 30."""
    days: _Days
    """Days on which it is given, such as 21."""
    start_hours: NotNegative
    """Hours from onset to its first infusion, such as 48."""
    day: _Days
    """Days from the first infusion on which the effect is the full one, such as 90."""


class Pathways(FrozenModel):
    """Daily doses drive two pathways, and only both together bring recovery."""

    model: Literal["pathways"]
    dose_scale: Positive
    """What a unit of the arms' doses is in the unit of the pathways' doses, such as 1."""
    carried_over: Annotated[float, Field(ge=0, lt=1)]
    """The part of the drug present on a day that is still present on the next, such as 0.1."""
    sonic_hedgehog: Pathway
    """The first pathway."""
    pi3k_akt: Pathway
    """The second pathway."""
    repair_days: Positive
    """The time constant of repair at full activity of both pathways (1 / k_R)."""
    onset_days: Positive
    """The time constant with which function follows repair (1 / k_F)."""
    window: Window
    """Until when after onset a course still helps."""
    reference: ReferenceCourse
    """The course that has the full effect."""

    @model_validator(mode="after")
    def _reference_has_an_effect(self) -> Self:
        if not self._at_reference() > 0:
            refuse([Violation("reference", "must have an effect, with no pathway blocked", None)])
        return self

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        last = received.last_day
        function = received.kept(self, lambda: self.function(received.daily(), last))
        day = received.days_to(visit).astype(np.int64)
        there = np.take_along_axis(function, day[:, :, None], axis=2)[:, :, 0]
        share: Floats = there * self.window.share(received.start_hours) / self._at_reference()
        return share

    def function(self, daily: Floats, last_day: int) -> Floats:
        """Return F at the beginning of each day up to the last, without the window.

        Parameters
        ----------
        daily
            Doses, shape (..., day); none on days beyond.

        Returns
        -------
        Floats
            Shape (..., last_day + 1).
        """
        doses = np.zeros((*daily.shape[:-1], max(last_day, 1)))
        days = min(daily.shape[-1], doses.shape[-1])
        doses[..., :days] = daily[..., :days] * self.dose_scale
        present = _followed(doses, 1.0, self.carried_over)
        repaired = -np.expm1(-_running(self._activity(present)) / self.repair_days)
        return _straight_line_response(repaired, self.onset_days)

    def _activity(self, present: Floats) -> Floats:
        """Return the product of both activities, integrated over each day, shape (..., day)."""
        target, left, gap = [], [], []
        for pathway in (self.sonic_hedgehog, self.pi3k_akt):
            stimulated = pathway.stimulated(present)
            kept = np.exp(-1 / pathway.turnover_days)
            reached = _followed(stimulated, 1 - kept, kept)
            before = np.concatenate([np.zeros_like(reached[..., :1]), reached[..., :-1]], axis=-1)
            target.append(stimulated)
            left.append(pathway.turnover_days)
            gap.append(before - stimulated)
        both = left[0] * left[1] / (left[0] + left[1])
        total: Floats = target[0] * target[1]
        total += target[0] * gap[1] * _mean_left(left[1])
        total += target[1] * gap[0] * _mean_left(left[0])
        total += gap[0] * gap[1] * _mean_left(both)
        return total

    def _at_reference(self) -> float:
        """Return F w of the reference course, with no pathway blocked."""
        course = self.reference
        free = self.model_copy(
            update={
                "sonic_hedgehog": self.sonic_hedgehog.model_copy(update={"blocked": 0.0}),
                "pi3k_akt": self.pi3k_akt.model_copy(update={"blocked": 0.0}),
                "dose_scale": 1.0,
            }
        )
        function = free.function(np.full(course.days, course.daily_dose), course.day)
        return float(function[-1] * self.window.share(np.array(course.start_hours)))


def _followed(values: Floats, gain: float, kept: float) -> Floats:
    """Return y(n) = kept y(n - 1) + gain x(n) along the last axis, from y = 0."""
    followed: Floats = scipy.signal.lfilter([gain], [1.0, -kept], values, axis=-1)
    return followed


def _running(values: Floats) -> Floats:
    """Return the sum of what came before each place, one place more than there are values."""
    start = np.zeros_like(values[..., :1])
    return np.concatenate([start, np.cumsum(values, axis=-1)], axis=-1)


def _mean_left(days: float) -> float:
    """Return the mean over a day of what decays from 1 with a time constant."""
    return -days * float(np.expm1(-1 / days))


def _straight_line_response(values: Floats, days: float) -> Floats:
    """Return what follows values, straight lines within a day, with a time constant; 0 at first."""
    kept, mean_left = float(np.exp(-1 / days)), _mean_left(days)
    changes = np.diff(values, axis=-1)
    pushed = (1 - kept) * values[..., :-1] + changes * (1 - mean_left)
    followed = _followed(pushed, 1.0, kept)
    return np.concatenate([np.zeros_like(values[..., :1]), followed], axis=-1)

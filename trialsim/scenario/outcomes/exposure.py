"""How much of the drug's full effect a patient has, by what was given and when.

Doses are in mL where the arms' doses are, and per kilogram of body weight where the arms' are.
"""

from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import Field, model_validator

from trialsim.arrays import Floats
from trialsim.distributions import FrozenModel
from trialsim.scenario.outcomes.mechanism import Pathways
from trialsim.scenario.outcomes.received import Received
from trialsim.scenario.validation.refusal import Positive, Violation, refuse

_MOST_LOG_SHARE = 50.0
"""Of the exposure beyond the full dose; a larger share is infinite on any scale."""


_ROUNDING = 1e-9
"""Relative: three doses of 0.7 are 2.0999999999999996, and reach 2.1."""


class NoExposure(FrozenModel):
    """The whole effect from randomisation on in an arm with study drug, whatever is infused."""

    model: Literal["none"]

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        return received.assigned(visit).astype(np.float64)


class Proportional(FrozenModel):
    """Effect in proportion to the study drug received; more than the full dose adds nothing."""

    model: Literal["proportional"]
    full_dose: Positive
    """Study drug that has the full effect, in the unit of the arms' doses, such as 630 mL."""

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        share: Floats = np.minimum(received.total(visit) / self.full_dose, 1.0)
        return share


class Threshold(FrozenModel):
    """The whole effect once a given amount of study drug has been received, nothing before."""

    model: Literal["threshold"]
    full_dose: Positive
    """Study drug of the whole course, in the unit of the arms' doses, such as 630 mL."""
    needed_dose: Positive
    """Study drug from which on there is the whole effect, in the same unit, such as 300 mL."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.needed_dose > self.full_dose:
            refuse([Violation("needed_dose", "must not exceed full_dose", self.needed_dose)])
        return self

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        reached = received.total(visit) >= self.needed_dose * (1 - _ROUNDING)
        return reached.astype(np.float64)


class Emax(FrozenModel):
    """A saturating (sigmoid) effect of the study drug received, 1 at the full dose."""

    model: Literal["emax"]
    full_dose: Positive
    """Study drug that has the full effect, in the unit of the arms' doses, such as 630 mL."""
    half_dose: Positive
    """Study drug at which half of the largest possible effect is reached (ED50)."""
    hill: Annotated[float, Field(gt=0, le=20)] = 1.0
    """How steeply the effect rises with the dose (Hill coefficient), usually 1."""

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        full = scipy.special.log_expit(
            self.hill * (np.log(self.full_dose) - np.log(self.half_dose))
        )
        with np.errstate(divide="ignore"):  # nothing given has the logarithm -inf, the share 0
            given = self.hill * (np.log(received.total(visit)) - np.log(self.half_dose))
        share: Floats = np.exp(np.minimum(scipy.special.log_expit(given) - full, _MOST_LOG_SHARE))
        return share


class Umbrella(FrozenModel):
    """An effect that rises to the peak dose and falls beyond it: the beta model of dose finding.

    The share is B (d / m)**p (1 - d / m)**q, with m the dose from which nothing is left and B such
    that it is 1 at the peak, m p / (p + q) (Bretz, Pinheiro and Branson 2005, Biometrics 61:738).
    """

    model: Literal["umbrella"]
    full_dose: Positive
    """The dose of the largest effect, in the unit of the arms' doses, such as 630 mL."""
    most_dose: Positive
    """The dose from which on there is no effect, in the same unit, such as 1260 mL."""
    rise: Annotated[float, Field(gt=0, le=20)]
    """The power p with which the effect rises from dose 0, such as 1; how fast it falls follows
    from it."""

    @model_validator(mode="after")
    def _falls_after_the_peak(self) -> Self:
        if self.most_dose <= self.full_dose:
            refuse([Violation("most_dose", "must exceed full_dose", self.most_dose)])
        return self

    def share(self, received: Received, visit: int) -> Floats:
        """Return the share of the full effect at a visit, shape (replicate, patient)."""
        peak = self.full_dose / self.most_dose
        fall = self.rise * (1 - peak) / peak
        dose = np.minimum(received.total(visit) / self.most_dose, 1.0)
        share: Floats = (dose / peak) ** self.rise * ((1 - dose) / (1 - peak)) ** fall
        return share


Exposure: TypeAlias = Annotated[
    NoExposure | Proportional | Threshold | Emax | Umbrella | Pathways, Field(discriminator="model")
]

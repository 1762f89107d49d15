"""How patients recover and what the drug adds: a latent score with a floor and a ceiling.

The score at a visit is the latent score rounded to whole points and bounded by the scale. In a
patient without the drug the latent score at t days after onset is

    mean(t) + sd(t) * (r(t) * z + sqrt(1 - r(t)**2) * (sqrt(q) * b + sqrt(1 - q) * e)),

with z the normal score of the baseline covariate, b the patient's own course, e the visit's noise,
q the patient share; mean, sd and r move from their values at onset to those at the end day by
g(t) = (1 - exp(-t / tau)) / (1 - exp(-end / tau)). The drug adds the effect's latent shift times
the exposure reached, towards the better end of the scale.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import Field, model_validator

from trialsim.arrays import Floats
from trialsim.distributions import Described
from trialsim.scenario.refusal import (
    Finite,
    Name,
    Positive,
    Probability,
    Refusal,
    Ruled,
    refuse,
)

_LONGEST_SCALE: Final = 10_000
_MOST_LOG_SHARE: Final = 50.0
"""Of the exposure beyond the full amount; a larger share is infinite on any scale."""

Anchor = Literal["theta", "latent_shift", "odds_ratio", "mean_difference"]


class NoExposure(Described):
    """The whole effect from randomisation on in an arm with study drug, whatever is infused."""

    model: Literal["none"]

    def at(self, given_ml: Floats, dose_ml: Floats) -> Floats:
        """Return the share of the full effect for the study drug received and the arm's dose."""
        return np.array(np.broadcast_to(dose_ml > 0, np.shape(given_ml)), np.float64)


class Proportional(Described):
    """Effect in proportion to the study drug received; more than the full dose adds nothing."""

    model: Literal["proportional"]
    full_ml: Positive

    def at(self, given_ml: Floats, dose_ml: Floats) -> Floats:
        """Return the share of the full effect for the study drug received and the arm's dose."""
        share: Floats = np.minimum(given_ml / self.full_ml, 1.0)
        return share


class Threshold(Described):
    """The whole effect once a given amount of study drug has been received, nothing before."""

    model: Literal["threshold"]
    full_ml: Positive
    needed_ml: Positive

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.needed_ml > self.full_ml:
            refuse([Refusal("needed_ml", "must not exceed full_ml", self.needed_ml)])
        return self

    def at(self, given_ml: Floats, dose_ml: Floats) -> Floats:
        """Return the share of the full effect for the study drug received and the arm's dose."""
        return (given_ml >= self.needed_ml).astype(np.float64)


class Emax(Described):
    """A saturating (sigmoid) effect of the study drug received, 1 at the full amount."""

    model: Literal["emax"]
    full_ml: Positive
    half_ml: Positive
    """Study drug at which half of the largest possible effect is reached (ED50)."""
    hill: Annotated[float, Field(gt=0, le=20)] = 1.0

    def at(self, given_ml: Floats, dose_ml: Floats) -> Floats:
        """Return the share of the full effect for the study drug received and the arm's dose."""
        full = scipy.special.log_expit(self.hill * (np.log(self.full_ml) - np.log(self.half_ml)))
        with np.errstate(divide="ignore"):  # nothing given has the logarithm -inf, the share 0
            given = self.hill * (np.log(given_ml) - np.log(self.half_ml))
        share: Floats = np.exp(np.minimum(scipy.special.log_expit(given) - full, _MOST_LOG_SHARE))
        return share


Exposure: TypeAlias = Annotated[
    NoExposure | Proportional | Threshold | Emax, Field(discriminator="model")
]


def _is_possible(anchor: Anchor, value: float) -> Iterator[Refusal]:
    if anchor == "theta" and not 0 < value < 1:
        yield Refusal("value", "must lie between 0 and 1 for a theta", value)
    if anchor == "odds_ratio" and value <= 0:
        yield Refusal("value", "must be above 0 for an odds ratio", value)


class Effect(Ruled):
    """How much the drug does at full exposure on the end day, on the scale of the anchor.

    `theta` is the Mann-Whitney effect, `latent_shift` points of the latent score, `odds_ratio` the
    common odds ratio of a better score with the same theta, `mean_difference` points of the score.
    Values above no effect (0.5, 0, 1, 0) favour the drug, whichever end of the scale is better.
    """

    rules = ((("anchor", "value"), _is_possible),)

    anchor: Anchor
    value: Finite
    exposure: Exposure


class Moment(NamedTuple):
    """The latent score's distribution at a time, in patients without the drug."""

    mean: Floats
    sd: Floats
    baseline_correlation: Floats


class Course(Described):
    """Recovery without the drug: where the latent score starts, where it ends, how fast."""

    start_mean: Finite
    start_sd: Positive
    start_baseline_correlation: Annotated[float, Field(ge=-1, le=1)]
    end_day: Positive
    """Days after onset at which the end values hold."""
    end_mean: Finite
    end_sd: Positive
    end_baseline_correlation: Annotated[float, Field(ge=-1, le=1)]
    recovery_days: Positive
    """tau: after this many days 63% of all recovery, ever, has happened."""
    patient_share: Probability
    """Share of what the baseline does not explain that stays with the patient between visits."""

    def at(self, days: Floats) -> Moment:
        """Return the latent distribution at times in days after onset; before it as at onset."""
        after = np.maximum(days, 0.0)
        done = np.expm1(-after / self.recovery_days) / np.expm1(-self.end_day / self.recovery_days)
        correlation = self.start_baseline_correlation + done * (
            self.end_baseline_correlation - self.start_baseline_correlation
        )
        return Moment(
            self.start_mean + done * (self.end_mean - self.start_mean),
            np.maximum(self.start_sd + done * (self.end_sd - self.start_sd), 0.0),
            correlation.clip(-1.0, 1.0),
        )


def _is_a_scale(low: int, high: int) -> Iterator[Refusal]:
    if not low < high:
        yield Refusal("high", "must be above low", high)
    if high - low > _LONGEST_SCALE:
        yield Refusal("high", f"must be at most {_LONGEST_SCALE} points above low", high)


class Outcome(Ruled):
    """A bounded whole-number scale, its course without the drug, and the drug's effect on it."""

    rules = ((("low", "high"), _is_a_scale),)

    label: str = Field(min_length=1)
    low: int
    high: int
    better: Literal["higher", "lower"]
    baseline: Name
    """The covariate that is the score at the baseline visit."""
    course: Course
    effect: Effect

    @property
    def sign(self) -> int:
        """1 where higher scores are better, -1 where lower ones are."""
        return 1 if self.better == "higher" else -1

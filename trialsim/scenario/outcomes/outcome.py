"""What is measured: scales, how patients fare on them without the drug, and what the drug adds.

A score is a latent score read off the grid of its scale. The drug adds the effect's latent shift
times the exposure reached, towards the better end of the scale.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer

from trialsim.distributions import NotNegative
from trialsim.scenario.outcomes.bounds import Bound, bound_refusals
from trialsim.scenario.outcomes.courses import Course
from trialsim.scenario.outcomes.exposure import Exposure, NoExposure
from trialsim.scenario.outcomes.items import Items
from trialsim.scenario.outcomes.recovery_classes import RecoveryClasses
from trialsim.scenario.outcomes.scales import Grid, Kind
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Positive, Violation

_MOST_STEPS: Final = 10_000

Anchor = Literal["theta", "latent_shift", "odds_ratio", "mean_difference"]
NO_EFFECT: Final[Mapping[Anchor, float]] = {
    "theta": 0.5,
    "latent_shift": 0.0,
    "odds_ratio": 1.0,
    "mean_difference": 0.0,
}
"""The value at which the drug does nothing, on each scale."""


def is_possible(anchor: Anchor, value: float) -> Iterator[Violation]:
    """Refuse a value that no effect has on the scale of the anchor."""
    if anchor == "theta" and not 0 < value < 1:
        yield Violation("value", "must lie between 0 and 1 for a theta", value)
    if anchor == "odds_ratio" and value <= 0:
        yield Violation("value", "must be above 0 for an odds ratio", value)


class Effect(CheckedModel):
    """How much the drug does at full exposure on the end day, on the scale of the anchor.

    `theta` is the Mann-Whitney effect, `latent_shift` points of the latent score, `odds_ratio` the
    common odds ratio of a better score with the same theta, `mean_difference` points of the score.
    Values above no effect (0.5, 0, 1, 0) favour the drug, whichever end of the scale is better.
    """

    rules = (is_possible,)

    assumed_defaults = ("exposure",)
    omitted_defaults = ("trial_sd", "site_sd", "subgroup", "effect_outside")

    anchor: Anchor
    """The scale on which `value` stands, such as odds_ratio."""
    value: Finite
    """The effect at full exposure on the end day in reference patients, on the anchor's scale, such
    as an odds_ratio of 1.4 or a theta of 0.6."""
    exposure: Exposure = Field(default_factory=lambda: NoExposure(model="none"))
    """How the effect depends on the study drug received."""
    trial_sd: NotNegative = 0.0
    """SD of the latent shift between trials like this one (random effects), in latent points,
    usually 0."""
    site_sd: NotNegative = 0.0
    """SD of the latent shift between the sites of a trial, in latent points at full exposure,
    usually 0: where the drug does more at some sites than at others."""
    subgroup: Rule | None = None
    """Those who have the effect; null for everybody."""
    effect_outside: Finite = 0.0
    """The share of the latent shift that all others have, usually 0."""


def _is_a_scale(low: float, high: float, step: float) -> Iterator[Violation]:
    if not low < high:
        yield Violation("high", "must be above low", high)
        return
    steps = (high - low) / step
    if steps > _MOST_STEPS:
        yield Violation("high", f"must be at most {_MOST_STEPS} steps above low", high)
    elif abs(steps - round(steps)) > 1e-9 * steps or round(steps) < 1:
        yield Violation("step", "must divide the scale from low to high", step)


def _has_logarithms(kind: Kind, low: float) -> Iterator[Violation]:
    if kind in ("time", "count") and low < 0:
        yield Violation("low", "must not be negative for a time or a count", low)


def _course_fits(
    low: float, high: float, step: float, kind: Kind, course: Course
) -> Iterator[Violation]:
    if any(_is_a_scale(low, high, step)) or any(_has_logarithms(kind, low)):
        return
    for refusal in course.violations(_grid(low, high, step, kind)):
        yield refusal._replace(path=f"course.{refusal.path}")


def _courses_fit(
    low: float, high: float, step: float, kind: Kind, course_by_arm: Mapping[str, Course | None]
) -> Iterator[Violation]:
    for name, course in course_by_arm.items():
        if course is None:
            continue
        for refusal in _course_fits(low, high, step, kind, course):
            yield refusal._replace(path=refusal.path.replace("course", f"course_by_arm.{name}", 1))


def _weights(written: Any) -> Any:
    """Return a covariate that stands alone as the one weight of a sum."""
    return {written: 1.0} if isinstance(written, str) else written


def _as_written(weights: Mapping[str, float]) -> str | dict[str, float]:
    """Return the name of a covariate that stands alone, and else the weights."""
    (name, weight), *others = weights.items()
    return name if weight == 1 and not others else dict(weights)


Weights: TypeAlias = Annotated[
    dict[Name, Finite],
    Field(min_length=1),
    BeforeValidator(_weights, json_schema_input_type=Name | dict[Name, Finite]),
    PlainSerializer(_as_written),
]
"""Covariates with their weights in a sum of normal scores, or one by its name alone."""


def _baseline_goes_first(
    baseline: str | None, prognosis: Mapping[str, float] | None
) -> Iterator[Violation]:
    if baseline is not None and prognosis is not None:
        rule = "must be null where the score has a baseline, which is its prognosis"
        yield Violation("prognosis", rule, ", ".join(prognosis))


def _weights_weigh(prognosis: Mapping[str, float | None] | None) -> Iterator[Violation]:
    for name, weight in (prognosis or {}).items():
        if weight == 0:
            yield Violation(f"prognosis.{name}", "must not be 0", weight)


def _bounds_fit(low: float, high: float, bounds: Mapping[str, Bound | None]) -> Iterator[Violation]:
    for name, bound in bounds.items():
        for refusal in bound_refusals(bound, low, high):
            yield refusal._replace(path=f"bounds.{name}.{refusal.path}")


def _something_predicts(
    baseline: str | None, prognosis: Mapping[str, float] | None, course: Course
) -> Iterator[Violation]:
    """Refuse a correlation with what is not there, which would narrow the scores unseen."""
    if baseline is None and prognosis is None:
        for name, value in vars(course).items():
            if "baseline_correlation" in name and np.any(value):
                rule = "must be 0 where neither baseline nor prognosis names a covariate"
                yield Violation(f"course.{name}", rule, value)


def _items_add_up(
    low: float, high: float, step: float, kind: Kind, items: Items | None
) -> Iterator[Violation]:
    if items is None or not items.keeps_its_rules or any(_is_a_scale(low, high, step)):
        return
    for refusal in items.violations(_grid(low, high, step, kind)):
        yield refusal._replace(path=f"items.{refusal.path}")


class Outcome(CheckedModel):
    """A bounded scale, its course without the drug, and the drug's effect on it."""

    rules = (
        _is_a_scale,
        _has_logarithms,
        _course_fits,
        _courses_fit,
        _baseline_goes_first,
        _weights_weigh,
        _something_predicts,
        _items_add_up,
        _bounds_fit,
    )

    omitted_defaults = (
        *("kind", "unit", "step", "prognosis", "site_sd", "course_by_arm", "items", "bounds"),
    )

    label: str = Field(min_length=1)
    """What the scale is called in tables and figures, such as Modified Rankin Scale."""
    kind: Kind = "ordinal"
    """What sort of number the score is, such as ordinal; a time or a count has a latent score on
    the logarithm."""
    unit: str = "points"
    """The unit of the score in words, usually points."""
    low: Finite
    """The least score of the scale, such as 0 points."""
    high: Finite
    """The greatest score of the scale, such as 6 points."""
    step: Positive = 1.0
    """The distance between a value of the scale and the next, usually 1."""
    better: Literal["higher", "lower"]
    """Which end of the scale is better, higher or lower."""
    baseline: Name | None = None
    """The covariate that is the score at the baseline visit; null where it is not measured then."""
    prognosis: Weights | None = None
    """The covariate on which the course depends where there is no baseline, such as nihss; or
    several with their weights, such as {nihss: 2, age_years: 1}: the course then depends on the
    weighted sum of their normal scores, and its correlations are those with that sum."""
    course: Course
    """How the score moves from onset to the end day without the drug."""
    site_sd: NotNegative = 0.0
    """SD of the latent score between sites at every visit after baseline, in latent points, usually
    0; on top of the course's own SD, which is then that within a site."""
    course_by_arm: dict[Name, Course] = Field(default_factory=dict)
    """The course in arms whose patients are others, such as the uninjured; no drug added."""
    effect: Effect
    """What the drug adds."""
    items: Items | None = None
    """What the score is the total of; null where it is not looked into."""
    bounds: dict[Name, Bound] = Field(default_factory=dict)
    """What scores of other outcomes at the same visit leave possible on this one, by a name of
    one's own. The course and the effect are those before the bounds."""

    def __hash__(self) -> int:
        """Agree for outcomes that are equal; mappings among the fields have no hash."""
        return hash((self.label, self.low, self.high, self.step, self.effect))

    @property
    def sign(self) -> int:
        """1 where higher scores are better, -1 where lower ones are."""
        return 1 if self.better == "higher" else -1

    @property
    def grid(self) -> Grid:
        """The cells of the scale."""
        return _grid(self.low, self.high, self.step, self.kind)

    @property
    def predictors(self) -> Mapping[str, float]:
        """The covariates on whose normal scores the course, or that of an arm, depends: weights."""
        if all(isinstance(course, RecoveryClasses) for course in self._courses):
            return {}
        return (self.prognosis or {}) if self.baseline is None else {self.baseline: 1.0}

    @property
    def covariates_used(self) -> tuple[str, ...]:
        """The covariates whose values the courses need."""
        return tuple(
            dict.fromkeys(name for course in self._courses for name in course.covariates_used)
        )

    @property
    def _courses(self) -> tuple[Course, ...]:
        return (self.course, *self.course_by_arm.values())


def _grid(low: float, high: float, step: float, kind: Kind) -> Grid:
    return Grid(low, high, step, kind in ("time", "count"))

"""What is known of an effect before the trial: distributions of it, mixed by weights.

A prior is data, like a scenario: a file says the scale (the anchor), the parts and their weights,
the chance that the drug does nothing, and where each number comes from.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import (
    Beta,
    Constant,
    Exponential,
    FrozenModel,
    Gamma,
    LogNormal,
    Normal,
    NotNegative,
    Uniform,
)
from trialsim.scenario.outcomes.outcome import NO_EFFECT, Anchor
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    OpenProbability,
    Positive,
    Probability,
    Violation,
    unknown,
)
from trialsim.scenario.validation.sources import Source
from trialsim.stats.meta_analysis import Tau2Method, random_effects


def _holds_the_estimate(estimate: float, low: float, high: float) -> Iterator[Violation]:
    if not low < estimate < high:
        yield Violation(
            "estimate", f"must lie between low and high, {low:g} and {high:g}", estimate
        )


class Study(CheckedModel):
    """What one study found: an estimate with its confidence interval, and where it is reported."""

    rules = (_holds_the_estimate,)

    estimate: Finite
    """What the study found, on the prior's anchor, such as a theta of 0.62."""
    low: Finite
    """The lower end of its confidence interval, such as 0.55."""
    high: Finite
    """The upper end of its confidence interval, such as 0.69."""
    confidence: OpenProbability = 0.95
    """Coverage of that interval, usually 0.95."""
    source: Source
    """Where it is reported."""

    @property
    def standard_error(self) -> float:
        """The standard error of a normal interval so wide."""
        quantile = float(scipy.special.ndtri((1 + self.confidence) / 2))
        return (self.high - self.low) / (2 * quantile)


def _in_order(low: float | None, high: float | None) -> Iterator[Violation]:
    if low is not None and high is not None and not low < high:
        yield Violation("high", "must be above low", high)


class Evidence(CheckedModel):
    """The effect in the next study, predicted from studies whose effects differ.

    Normal about the random-effects mean, with the variance of that mean and the variance between
    studies added; with few studies the latter is itself hardly known. `low` and `high` truncate.
    """

    rules = (_in_order,)

    distribution: Literal["evidence"]
    studies: dict[Name, Study] = Field(min_length=1)
    """The studies by name, each with its estimate and interval."""
    between_study_sd: Tau2Method | NotNegative
    """How it is estimated, or its value: 0 where all studies share one effect."""
    low: Finite | None = None
    """The least effect that can be, such as 0.5; null for none."""
    high: Finite | None = None
    """The greatest effect that can be, such as 0.9; null for none."""

    @cached_property
    def normal(self) -> Normal:
        """The predictive distribution."""
        estimates = np.array([study.estimate for study in self.studies.values()])
        variances = np.array([study.standard_error**2 for study in self.studies.values()])
        if isinstance(self.between_study_sd, str):
            pooled = random_effects(estimates, variances, self.between_study_sd, "normal")
            mean, tau2 = float(pooled.estimate), float(pooled.tau2)
        else:
            tau2 = self.between_study_sd**2
            mean = float(np.average(estimates, weights=1 / (variances + tau2)))
        variance = tau2 + 1 / float((1 / (variances + tau2)).sum())
        return Normal(
            distribution="normal", mean=mean, sd=variance**0.5, low=self.low, high=self.high
        )

    def at(self, u: Floats) -> Floats:
        """Return the quantile."""
        return self.normal.at(u)


Effect: TypeAlias = Annotated[
    Constant | Uniform | Normal | LogNormal | Exponential | Gamma | Beta | Evidence,
    Field(discriminator="distribution"),
]


class Part(FrozenModel):
    """One part of a mixture."""

    weight: Positive = 1.0
    """Weight relative to those of the other parts, usually 1."""
    effect: Effect
    """The distribution of the effect in this part, on the prior's anchor."""


def _scale_fits(anchor: Anchor, parts: Mapping[str, Part]) -> Iterator[Violation]:
    for name, part in parts.items():
        if anchor == "odds_ratio" and isinstance(part.effect, Evidence):
            rule = "must not be evidence for an odds ratio, which is not normal: give a lognormal"
            yield Violation(f"parts.{name}.effect", rule)


def _references_known(
    parts: Mapping[str, Part], references: Mapping[str, str]
) -> Iterator[Violation]:
    for name, part in parts.items():
        studies = part.effect.studies if isinstance(part.effect, Evidence) else {}
        for study, found in studies.items():
            reference = found.source.reference
            if reference is not None and reference not in references:
                path = f"parts.{name}.effect.studies.{study}.source.reference"
                yield Violation(path, unknown("reference", reference, references), reference)


class Prior(CheckedModel):
    """A prior of the effect at full exposure: weighted parts, and a point mass at no effect."""

    rules = (_scale_fits, _references_known)

    title: str = Field(min_length=1)
    """The title in one line."""
    anchor: Anchor
    """The scale of the values, as in a scenario's effect."""
    no_effect: Probability = 0.0
    """The chance that the drug does nothing, such as 0.2; the parts share the rest."""
    parts: dict[Name, Part] = Field(min_length=1)
    """Parts of the mixture by name, each with its weight."""
    references: dict[str, str] = Field(default_factory=dict)
    """Full references by the short name that sources give."""

    def at(self, u: Floats) -> Floats:
        """Return an effect for each number in (0, 1), uniform numbers giving the prior.

        The lowest numbers are the point mass at no effect; each part then takes an interval as
        long as its weight, and from low to high in it the quantiles of its distribution.

        >>> halves = normal_prior(0.62, 0.03, no_effect=0.5)
        >>> halves.at(np.array([0.2, 0.75])).round(12)
        array([0.5 , 0.62])
        """
        effects = np.full(u.shape, NO_EFFECT[self.anchor])
        weights = np.array([part.weight for part in self.parts.values()])
        ends = self.no_effect + (1 - self.no_effect) * np.cumsum(weights) / weights.sum()
        start = self.no_effect
        for part, end in zip(self.parts.values(), ends, strict=True):
            inside = (start < u) & ((u <= end) | (end == ends[-1]))
            if inside.any():
                share = (u[inside] - start) / (end - start)
                effects[inside] = part.effect.at(share.clip(_SMALLEST, 1 - _SMALLEST))
            start = end
        return effects


_SMALLEST: Final = 2.0**-53


def normal_prior(mean: float, sd: float, anchor: Anchor = "theta", no_effect: float = 0.0) -> Prior:
    """Return a normal prior of the effect; with an SD of 0 the effect is known.

    >>> normal_prior(0.71, 0.04).at(np.array([0.5])).item()
    0.71
    """
    known = {"distribution": "constant", "value": mean}
    uncertain = {"distribution": "normal", "mean": mean, "sd": sd}
    return Prior.model_validate(
        {
            "title": f"{anchor} {mean:g}" + (f", SD {sd:g}" if sd else ""),
            "anchor": anchor,
            "no_effect": no_effect,
            "parts": {"effect": {"effect": uncertain if sd else known}},
        }
    )

"""The rules by which a look may end a trial for futility, each on a scale of its own."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from trialsim.scenario.monitoring.efficacy import FARTHEST_Z, OBrienFleming, SpendingChoice
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    OpenProbability,
    Violation,
)

At: TypeAlias = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
_BINDING = "Whether the board must stop; only then the efficacy bounds take it into account."
_AT = "The looks at which the rule is applied; all of them unless named."


def _named_once(at: tuple[str, ...] | None) -> Iterator[Violation]:
    for name in {name: None for name in at or () if (at or ()).count(name) > 1}:
        yield Violation("at", "must name each look once", name)


_RULES = (_named_once,)


class OnZ(CheckedModel):
    """Stop when z is below a value."""

    rules = _RULES
    scale: Literal["z"]
    below: Annotated[float, Field(ge=-FARTHEST_Z, le=FARTHEST_Z)] = Field(
        description="Stop when z is below it, such as 0."
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


class OnP(CheckedModel):
    """Stop when the one-sided p-value is above a value."""

    rules = _RULES
    scale: Literal["p"]
    above: OpenProbability = Field(
        description="Stop when the one-sided p-value is above it, such as 0.5."
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


class OnEffect(CheckedModel):
    """Stop when the estimate is below a value."""

    rules = _RULES
    scale: Literal["effect"]
    below: Finite = Field(
        description="Stop when the estimate is below it, in its own unit, such as 0.5."
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


class OnConditionalPower(CheckedModel):
    """Stop when the chance to succeed at the end, given data and effect, is below a value."""

    rules = _RULES
    scale: Literal["conditional_power"]
    below: OpenProbability = Field(
        description="Stop when conditional power is below it, such as 0.2."
    )
    under: Literal["trend", "no_effect", "design"] | Finite = Field(
        "trend",
        description="The effect of the patients to come: that seen so far (trend), none "
        "(no_effect), the planned effect (design), or a value in the estimate's unit, such as 0.6.",
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


class OnPredictivePower(CheckedModel):
    """Stop when conditional power averaged over what the data leave open is below a value."""

    rules = _RULES
    scale: Literal["predictive_power"]
    below: OpenProbability = Field(
        description="Stop when predictive power, from a flat prior, is below it, such as 0.1."
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


class BetaSpending(CheckedModel):
    """Spend the type II error over the looks, as alpha is spent on efficacy."""

    rules = _RULES
    scale: Literal["beta_spending"]
    spending: SpendingChoice = Field(
        default_factory=lambda: OBrienFleming(rule="obrien_fleming"),
        description="How the type II error is spent.",
    )
    power: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        description="The power that is planned, such as 0.9; 1 less it is spent, under the effect "
        "at which the looks have this power, whatever planned_effect is; show says which."
    )
    binding: bool = Field(False, description=_BINDING)
    at: At | None = Field(None, description=_AT)


FutilityRule: TypeAlias = (
    OnZ | OnP | OnEffect | OnConditionalPower | OnPredictivePower | BetaSpending
)
Futility: TypeAlias = Annotated[FutilityRule, Field(discriminator="scale")]


def needs_planned_effect(rule: Any) -> bool:
    """Return whether a futility rule refers to the effect that the design is for."""
    return isinstance(rule, OnConditionalPower) and rule.under == "design"

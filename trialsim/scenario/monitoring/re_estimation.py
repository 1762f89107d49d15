"""The number of patients looked at again: blinded, or from the arms' own data."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from trialsim.scenario.validation.refusal import CheckedModel, Finite, Name, Violation


def _least_below_most(at_least: int, at_most: int) -> Iterator[Violation]:
    if at_least > at_most:
        yield Violation("at_least", "must not be above at_most", at_least)


def _zone_is_unblinded(by: str, least_power: float | None) -> Iterator[Violation]:
    if least_power is not None and by != "promising_zone":
        yield Violation("least_power", "must be left out except in promising_zone", least_power)


def _effect_is_blinded(by: str, effect: float | None) -> Iterator[Violation]:
    if effect is not None and by != "blinded":
        yield Violation("effect", f"must be left out with {by}, which goes by the trend", effect)


class ReEstimation(CheckedModel):
    """At one look the number of patients is set again, between a least and a most."""

    rules = (_least_below_most, _zone_is_unblinded, _effect_is_blinded)
    omitted_defaults = ("effect", "least_power")

    at: Name = Field(description="The look at which it happens.")
    by: Literal["blinded", "conditional_power", "promising_zone"] = Field(
        description="From the pooled endpoint of both arms (blinded), for a conditional power "
        "under the trend, or the latter only where it is promising (Mehta and Pocock 2011)."
    )
    power: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        description="The power, or the conditional power, that the new number is to give, "
        "such as 0.9."
    )
    effect: Finite | None = Field(
        None,
        description="The effect that a blinded number is for, such as 0.6; the planned one unless "
        "given.",
    )
    least_power: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="The conditional power from which the zone is promising, such as 0.36; unless "
        "given, the one from which the conventional test keeps its level.",
    )
    at_least: Annotated[int, Field(ge=2, le=1_000_000)] = Field(
        description="The fewest patients to randomise, such as 208."
    )
    at_most: Annotated[int, Field(ge=2, le=1_000_000)] = Field(
        description="The most patients to randomise, such as 400."
    )

    @property
    def unblinded(self) -> bool:
        """Whether the new number depends on the difference of the arms."""
        return self.by != "blinded"

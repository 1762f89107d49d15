"""What the values of a covariate follow: a distribution of their own, or what others decide."""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from trialsim.distributions import (
    Beta,
    Constant,
    Discrete,
    Distribution,
    Exponential,
    FrozenModel,
    Gamma,
    LogitNormal,
    LogNormal,
    Normal,
    NotNegative,
    Uniform,
    support,
)
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.validation.refusal import Name

_Numbers: TypeAlias = Annotated[
    Constant | Uniform | Normal | LogNormal | Exponential | Gamma | Beta | LogitNormal | Discrete,
    Field(discriminator="distribution"),
]


class ByLevel(FrozenModel):
    """A distribution of numbers for each level of another covariate.

    Within a level the values stand in the order of the covariate's normal scores.
    """

    distribution: Literal["by_level"]
    of: Name
    """A categorical covariate."""
    levels: dict[str, _Numbers] = Field(min_length=1)
    """A distribution of numbers for each level of that covariate, by the level's name."""


class OnCourse(FrozenModel):
    """The score that the course of an outcome gives some time after onset, before any drug.

    The covariate's normal score is the residual of that measurement.
    """

    distribution: Literal["course"]
    outcome: Name
    """The name of the outcome whose course gives the score, such as arat."""
    days: NotNegative
    """Days after onset, such as 3."""


Margin: TypeAlias = Annotated[
    Distribution | ByLevel | OnCourse | FromTable, Field(discriminator="distribution")
]


def distributions_of(margin: Margin) -> Iterator[Distribution]:
    """Yield the distributions that a margin is made of: of a course or a table none."""
    if isinstance(margin, ByLevel):
        yield from margin.levels.values()
    elif not isinstance(margin, OnCourse | FromTable):
        yield margin


def ends_of(margin: Margin) -> tuple[float, float] | None:
    """Return the bounds of the values that a margin gives; None of a course."""
    if isinstance(margin, FromTable):
        return float(margin.numbers.min()), float(margin.numbers.max())
    ends = [support(one) for one in distributions_of(margin)]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None

"""The rules by which a look may end a trial for efficacy, and the bounds on z that each gives.

Each is written by its name alone where it has no choice of its own, `efficacy: obrien_fleming`, or
as a mapping: `efficacy: {rule: hwang_shih_decani, gamma: -4}`.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from trialsim.distributions import FrozenModel
from trialsim.scenario.validation.refusal import CheckedModel, OpenProbability, Violation
from trialsim.stats.sequential.spending import (
    HwangShihDeCani,
    KimDeMets,
    OBrienFlemingSpending,
    PocockSpending,
    Spending,
    SpendingTable,
)

FARTHEST_Z: Final = 8.0
"""A bound beyond it is crossed in fewer than one trial in 10**15: a mistake, not a rule."""


class OBrienFleming(FrozenModel):
    """Alpha spending after Lan and DeMets (1983), little of it early."""

    rule: Literal["obrien_fleming"]
    spending: ClassVar[Spending] = OBrienFlemingSpending()


class Pocock(FrozenModel):
    """Alpha spending after Lan and DeMets (1983), nearly even."""

    rule: Literal["pocock"]
    spending: ClassVar[Spending] = PocockSpending()


class GammaFamily(FrozenModel):
    """Alpha spending after Hwang, Shih and DeCani (1990)."""

    rule: Literal["hwang_shih_decani"]
    gamma: Annotated[float, Field(ge=-40, le=40)] = Field(
        description="-4 is near O'Brien and Fleming, 1 near Pocock, 0 spends evenly."
    )

    @property
    def spending(self) -> Spending:
        """The spending function."""
        return HwangShihDeCani(self.gamma)


class PowerFamily(FrozenModel):
    """Alpha spending after Kim and DeMets (1987): alpha times the information share to a power."""

    rule: Literal["kim_demets"]
    rho: Annotated[float, Field(gt=0, le=50)] = Field(
        description="The power; 3 is near O'Brien and Fleming, 1 spends evenly."
    )

    @property
    def spending(self) -> Spending:
        """The spending function."""
        return KimDeMets(self.rho)


def _table_rises(fractions: tuple[float, ...], shares: tuple[float, ...]) -> Iterator[Violation]:
    if len(fractions) != len(shares):
        rule = f"must hold a share for each of the {len(fractions)} fractions"
        yield Violation("shares", rule, list(shares))
    if any(after <= before for before, after in pairwise(fractions)):
        yield Violation("fractions", "must rise", list(fractions))
    if any(after < before for before, after in pairwise(shares)):
        yield Violation("shares", "must not fall", list(shares))


_Shares = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(strict=False, min_length=1)
]
_Fractions = Annotated[tuple[OpenProbability, ...], Field(strict=False, min_length=1)]


class Table(CheckedModel):
    """Alpha spending by a table of one's own, straight between its entries."""

    rules = (_table_rises,)

    rule: Literal["spending_table"]
    fractions: _Fractions = Field(description="Shares of the planned information.")
    shares: _Shares = Field(description="Share of alpha that is spent by each of them.")

    @property
    def spending(self) -> Spending:
        """The spending function."""
        return SpendingTable(self.fractions, self.shares)


class ClassicalOBrienFleming(FrozenModel):
    """The bounds of O'Brien and Fleming (1979): constant times t**-0.5."""

    rule: Literal["classical_obrien_fleming"]
    delta: ClassVar[float] = 0.0


class ClassicalPocock(FrozenModel):
    """The bounds of Pocock (1977): one bound for all looks."""

    rule: Literal["classical_pocock"]
    delta: ClassVar[float] = 0.5


class WangTsiatis(FrozenModel):
    """The bounds of Wang and Tsiatis (1987): constant times t**(delta - 0.5)."""

    rule: Literal["wang_tsiatis"]
    delta: Annotated[float, Field(ge=-2, le=0.5)] = Field(
        description="0 is O'Brien and Fleming's, 0.5 Pocock's."
    )


class HaybittlePeto(FrozenModel):
    """One high bound at every interim look, and what is left of alpha at the end."""

    rule: Literal["haybittle_peto"]
    z: Annotated[float, Field(gt=0, le=FARTHEST_Z)] = Field(
        3.0, description="The bound on z at every interim look, usually 3."
    )


class GivenBounds(FrozenModel):
    """Bounds on z that are given; the last one, if left out, uses up what is left of alpha."""

    rule: Literal["given_bounds"]
    z: Annotated[
        tuple[Annotated[float, Field(gt=0, le=FARTHEST_Z)], ...],
        Field(strict=False, min_length=1),
    ] = Field(description="A bound for each interim look, and perhaps one for the last analysis.")


class NoEfficacy(FrozenModel):
    """No look ends the trial for efficacy; the last analysis has all of alpha."""

    rule: Literal["none"]


SPENDING: Final = (OBrienFleming, Pocock, GammaFamily, PowerFamily, Table)
"""The rules that spend alpha by a function of information."""
CLASSICAL: Final = (ClassicalOBrienFleming, ClassicalPocock, WangTsiatis)
"""The rules whose bounds are a constant times the information share to the power delta - 0.5."""

SpendingRule: TypeAlias = OBrienFleming | Pocock | GammaFamily | PowerFamily | Table
EfficacyRule: TypeAlias = (
    SpendingRule
    | ClassicalOBrienFleming
    | ClassicalPocock
    | WangTsiatis
    | HaybittlePeto
    | GivenBounds
    | NoEfficacy
)


def _from_its_name(written: Any) -> Any:
    return {"rule": written} if isinstance(written, str) else written


def _shortest(one: EfficacyRule) -> Any:
    """Return the name alone of a rule that has no choices, else all that it says."""
    content = one.model_dump()
    return content if len(content) > 1 else one.rule


def _names(union: Any) -> list[str]:
    return [
        name for one in get_args(union) for name in get_args(one.model_fields["rule"].annotation)
    ]


_Mapping = Annotated[EfficacyRule, Field(discriminator="rule")]
_Name = Annotated[str, WithJsonSchema({"type": "string", "enum": _names(EfficacyRule)})]
Efficacy = Annotated[
    _Mapping,
    BeforeValidator(_from_its_name, json_schema_input_type=_Name | _Mapping),
    PlainSerializer(_shortest),
]
"""A rule for efficacy as a study writes it: a name, or a mapping that says `rule`."""
_SpendingMapping = Annotated[SpendingRule, Field(discriminator="rule")]
_SpendingName = Annotated[str, WithJsonSchema({"type": "string", "enum": _names(SpendingRule)})]
SpendingChoice = Annotated[
    _SpendingMapping,
    BeforeValidator(_from_its_name, json_schema_input_type=_SpendingName | _SpendingMapping),
    PlainSerializer(_shortest),
]
"""A spending function as a study writes it."""

"""The small types that scenario parts share, and the words in which they refuse a value."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias

from pydantic import Field, model_validator

from trialsim.distributions import (
    Distribution,
    Finite,
    FrozenModel,
    MissingFieldError,
    OpenProbability,
    Positive,
    Probability,
    support,
)
from trialsim.errors import nearest

__all__ = [
    "WHOLE",
    "Coefficient",
    "Finite",
    "Name",
    "OpenProbability",
    "Positive",
    "Probability",
    "Violation",
    "ViolationsError",
    "CheckedModel",
    "Rules",
    "until_missing",
    "begins_below_zero",
    "broken_rules",
    "negative",
    "refuse",
    "unknown",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
"""A name that can stand in a dotted path: lower case letters, digits and underscores."""
Coefficient = Annotated[float, Field(gt=-1, lt=1)]


class Violation(NamedTuple):
    """One rule that does not hold between values, at a path below the part that refuses."""

    path: str
    rule: str
    value: object = None


class ViolationsError(ValueError):
    """Every rule between the values of one part that does not hold."""

    def __init__(self, refusals: Iterable[Violation]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(f"{one.path}: {one.rule}" for one in self.refusals))


Rules: TypeAlias = tuple[tuple[tuple[str, ...], Callable[..., Iterator[Violation]]], ...]
"""Rules between the fields of a part: the fields that each needs, and what it refuses of them.

Where a file is wrong, a rule may be given incomplete parts, and None for the entry of a mapping
that is wrong and no part; it is held to what is known of them.
"""
WHOLE = ""
"""Needed by a rule about every field that is there, as a mapping."""


def negative(path: str, distribution: Distribution) -> Iterator[Violation]:
    """Yield the refusal of a distribution of times that can be negative."""
    least, _ = support(distribution)
    yield from begins_below_zero(path, least)


def begins_below_zero(path: str, least: float) -> Iterator[Violation]:
    """Yield the refusal of times of which the least is negative."""
    if least < 0:
        yield Violation(path, f"must give nothing below 0 (its values begin at {least:g})")


class CheckedModel(FrozenModel):
    """A part of a scenario with rules between its fields."""

    rules: ClassVar[Rules] = ()

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        refuse(broken_rules(self.rules, vars(self)))
        return self

    @property
    def keeps_its_rules(self) -> bool:
        """Whether nothing is refused between those of its fields that are known."""
        return not any(True for _ in broken_rules(self.rules, vars(self)))


def broken_rules(rules: Rules, fields: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what the rules refuse, of those rules whose fields are all there."""
    known = {**fields, WHOLE: fields}
    for needed, refused in rules:
        if all(name in known for name in needed):
            yield from until_missing(refused(*(known[name] for name in needed)))


def until_missing(refusals: Iterable[Violation]) -> Iterator[Violation]:
    """Yield refusals up to the first that would need a field that is not known."""
    with suppress(MissingFieldError):
        yield from refusals


def refuse(refusals: Iterable[Violation]) -> None:
    """Raise `ViolationsError` if there is anything to refuse."""
    found = tuple(refusals)
    if found:
        raise ViolationsError(found)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, and offer the nearest one that is.

    >>> unknown("covariate", "nihs", ["nihss", "age_years"])
    'must be a covariate that exists; did you mean nihss?'
    """
    article = "an" if kind[0] in "aeiou" else "a"
    return f"must be {article} {kind} that exists{nearest(name, known)}"

"""The small types that scenario parts share, and the words in which they refuse a value."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from inspect import signature
from operator import is_
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias

from pydantic import Field, ModelWrapValidatorHandler, ValidationInfo, model_validator

from trialsim.distributions import Distribution, FrozenModel, MissingFieldError, support
from trialsim.distributions import Finite as Finite
from trialsim.distributions import OpenProbability as OpenProbability
from trialsim.distributions import Positive as Positive
from trialsim.distributions import Probability as Probability
from trialsim.errors import nearest

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


Rule: TypeAlias = Callable[..., Iterator[Violation]]
Rules: TypeAlias = tuple[Rule, ...]
"""Rules between the fields of a part: each needs those that its parameters name, and yields what it
refuses of them. The parameter `fields` is every field that is there, as a mapping.

Where a file is wrong, a rule may be given incomplete parts, and None for the entry of a mapping
that is wrong and no part; it is held to what is known of them.
"""


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

    @model_validator(mode="wrap")
    @classmethod
    def _keeps_the_rules(
        cls, given: Any, made_of: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Refuse what breaks a rule; a part that was made before has kept them since.

        The context may be a part that this one is like: what they share is not judged again.
        """
        part = made_of(given)
        if part is not given:
            like = vars(info.context) if isinstance(info.context, cls) else {}
            refuse(broken_rules(_open_to_question(cls.rules, vars(part), like), vars(part)))
        return part

    @property
    def keeps_its_rules(self) -> bool:
        """Whether nothing is refused between those of its fields that are known."""
        return not any(True for _ in broken_rules(self.rules, vars(self)))


def broken_rules(rules: Rules, fields: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what the rules refuse, of those rules whose fields are all there."""
    known = {**fields, "fields": fields}
    for rule in rules:
        needed = _needed(rule)
        if all(name in known for name in needed):
            yield from until_missing(rule(*(known[name] for name in needed)))


@cache
def _needed(rule: Rule) -> tuple[str, ...]:
    """Return the fields that the parameters of a rule name."""
    return tuple(signature(rule).parameters)


def _open_to_question(rules: Rules, fields: Mapping[str, Any], kept: Mapping[str, Any]) -> Rules:
    """Return the rules that need a field which is not the same as of what keeps them all."""
    same = {name for name in fields if name in kept and _is_same(fields[name], kept[name])}
    return tuple(rule for rule in rules if not same.issuperset(_needed(rule)))


def _is_same(part: Any, other: Any) -> bool:
    """Return whether two parts are one object, or hold the same objects by name, in order."""
    if isinstance(part, Mapping) and isinstance(other, Mapping):
        return [*part] == [*other] and all(map(is_, part.values(), other.values()))
    return part is other


def until_missing(refusals: Iterable[Violation]) -> Iterator[Violation]:
    """Yield refusals up to the first that would need a field that is not known."""
    with suppress(MissingFieldError):
        yield from refusals


def within(above: str, refusals: Iterable[Violation]) -> Iterator[Violation]:
    """Yield what is refused of a part with its paths below another, as far as it is known."""
    for one in until_missing(refusals):
        yield one._replace(path=f"{above}.{one.path}".rstrip("."))


def refuse(refusals: Iterable[Violation]) -> None:
    """Raise `ViolationsError` if there is anything to refuse."""
    found = tuple(refusals)
    if found:
        raise ViolationsError(found)


def must_exist(path: str, kind: str, name: str, known: Iterable[str]) -> Iterator[Violation]:
    """Yield the refusal of a name that is not known."""
    if name not in known:
        yield Violation(path, unknown(kind, name, known), name)


def named_once(path: str, kind: str, names: Sequence[str]) -> Iterator[Violation]:
    """Yield the refusal of each name that stands there twice."""
    for name in dict.fromkeys(one for one in names if names.count(one) > 1):
        yield Violation(path, f"must name each {kind} once", name)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, and offer the nearest one that is.

    >>> unknown("covariate", "nihs", ["nihss", "age_years"])
    'must be a covariate that exists; did you mean nihss?'
    """
    article = "an" if kind[0] in "aeiou" else "a"
    return f"must be {article} {kind} that exists{nearest(name, known)}"

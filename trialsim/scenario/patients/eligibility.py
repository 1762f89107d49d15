"""Who may enter: ordered inclusion and exclusion rules as data over the covariates, never code."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from trialsim.arrays import Booleans, Floats
from trialsim.distributions import FrozenModel
from trialsim.quantiles import Steps
from trialsim.scenario.patients.population import Covariate
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    Violation,
    unknown,
    until_missing,
)
from trialsim.streams import WORDS, Runs

MOST_RULES = 62
"""A candidate's failed rules are kept as the bits of one whole number."""

Bound: TypeAlias = Finite | Name
"""A number, or the name of a covariate to compare with."""
Level: TypeAlias = bool | Finite | str


def _room_between_bounds(fields: Mapping[str, Any]) -> Iterator[Violation]:
    for low, high in product(("at_least", "more_than"), ("at_most", "less_than")):
        least, most = fields.get(low), fields.get(high)
        if not isinstance(least, int | float) or not isinstance(most, int | float):
            continue
        if most < least or (most == least and (low, high) != ("at_least", "at_most")):
            yield Violation(high, f"must leave room above {low}, {least:g}", most)


class Rule(CheckedModel):
    """A condition on one covariate; where several bounds are given, all must hold."""

    rules = (_room_between_bounds,)

    label: str = Field(min_length=1)
    """What the condition is called in tables and in the flow diagram, such as 45 to 85 years."""
    covariate: Name
    """The name of the covariate that is judged, such as age_years."""
    at_least: Bound | None = None
    """The least value that meets it, a number such as 45 or another covariate's name; null for
    none."""
    more_than: Bound | None = None
    """The value that must be exceeded, such as 220 mmHg; null for none."""
    at_most: Bound | None = None
    """The greatest value that meets it, such as 85 years; null for none."""
    less_than: Bound | None = None
    """The value that must not be reached, such as 6 points; null for none."""
    equals: Level | None = None
    """The one level, flag or number that meets it, such as true; null for none."""
    one_of: Annotated[tuple[Level, ...], Field(strict=False)] | None = None
    """The levels or numbers that meet it, such as [embolic, thrombotic]; null for none."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.bounds and not self._accepted:
            raise ValueError("must say at_least, more_than, at_most, less_than, equals or one_of")
        return self

    def holds(self, covariates: Mapping[str, Covariate], values: Mapping[str, Floats]) -> Booleans:
        """Return who meets the condition, in the shape of the covariates' values."""
        value = values[self.covariate]
        met = np.ones(value.shape, np.bool_)
        for name, bound in self.bounds.items():
            limit = values[bound] if isinstance(bound, str) else bound
            met &= _COMPARE[name](value, limit)
        if self._accepted:
            met &= np.logical_or.reduce([value == code for code in self.codes(covariates)])
        return met

    def codes(self, covariates: Mapping[str, Covariate]) -> list[float]:
        """Return the values that meet it, as they are drawn; none where it has bounds alone."""
        levels = covariates[self.covariate].levels
        return [_code(level, levels) for level in self._accepted]

    def words(self, covariates: Mapping[str, Covariate]) -> Runs:
        """Return the words at which a covariate that is drawn by itself meets the condition."""
        drawn = covariates[self.covariate].quantiles
        if isinstance(drawn, Steps):
            return drawn.runs(lambda values: self.holds(covariates, {self.covariate: values}))
        first, after = 0, 0 if self._accepted else WORDS  # a single number has no chance
        for name, bound in self.bounds.items():
            rises = name in _RISING
            edge = drawn.first(lambda values: _COMPARE[name](values, bound) == rises)  # noqa: B023
            first, after = (max(first, edge), after) if rises else (first, min(after, edge))
        return ((first, after),) if first < after else ()

    @property
    def covariates_used(self) -> tuple[Name, ...]:
        """The covariates that the condition looks at."""
        others = [bound for bound in self.bounds.values() if isinstance(bound, str)]
        return (self.covariate, *others)

    def refusals(self, covariates: Mapping[str, Covariate]) -> Iterator[Violation]:
        """Yield what the rule asks that the population cannot answer."""
        covariate = covariates.get(self.covariate)
        if covariate is None:
            rule = unknown("covariate", self.covariate, covariates)
            yield Violation("covariate", rule, self.covariate)
            return
        for name, bound in self.bounds.items():
            if covariate.levels is not None or covariate.is_flag:
                yield Violation(name, "must be of a number, not of a level or a flag", bound)
            elif isinstance(bound, str) and bound not in covariates:
                yield Violation(name, unknown("covariate", bound, covariates), bound)
        for level in self._accepted:
            yield from self._wrong_level(covariate, level)

    def _wrong_level(self, covariate: Covariate, level: Level) -> Iterator[Violation]:
        path = "one_of" if vars(self).get("one_of") else "equals"
        if covariate.is_flag and not isinstance(level, bool):
            yield Violation(path, "must be true or false", level)
        elif covariate.levels is not None and level not in covariate.levels:
            yield Violation(path, unknown("level", str(level), covariate.levels), level)
        elif covariate.levels is None and not covariate.is_flag and isinstance(level, str | bool):
            yield Violation(path, "must be a number", level)

    @property
    def bounds(self) -> dict[str, Bound]:
        """The bounds that it gives, by their names."""
        given = {name: vars(self).get(name) for name in _COMPARE}
        return {name: bound for name, bound in given.items() if bound is not None}

    @property
    def _accepted(self) -> tuple[Level, ...]:
        equals = vars(self).get("equals")
        return (*(() if equals is None else (equals,)), *(vars(self).get("one_of") or ()))


class Eligibility(FrozenModel):
    """Inclusion rules a candidate must meet and exclusion rules a candidate must not, in order.

    The order is the order of the file, inclusion first; it decides which failure is the first.
    """

    inclusion: dict[Name, Rule] = Field(default_factory=dict)
    """Conditions that a candidate must meet, by name, such as age."""
    exclusion: dict[Name, Rule] = Field(default_factory=dict)
    """Conditions that a candidate must not meet, by name, such as coma."""

    @property
    def rules(self) -> dict[str, Rule]:
        """Every rule by name, in the order in which they are judged."""
        return {**self.inclusion, **self.exclusion}

    def conflicts(self) -> Iterator[Violation]:
        """Yield what is wrong with the rules together, whatever each of them says."""
        for name in self.exclusion:
            if name in self.inclusion:
                yield Violation(f"exclusion.{name}", "must not be an inclusion too", name)
        if len(self.rules) > MOST_RULES:
            yield Violation("", f"must have at most {MOST_RULES} rules", len(self.rules))

    def refusals(self, covariates: Mapping[str, Covariate]) -> Iterator[Violation]:
        """Yield what the rules ask that the population cannot answer."""
        for part, rules in (("inclusion", self.inclusion), ("exclusion", self.exclusion)):
            for name, rule in rules.items():
                for refusal in until_missing(rule.refusals(covariates)):
                    yield refusal._replace(path=f"{part}.{name}.{refusal.path}")


_COMPARE = {
    "at_least": np.greater_equal,
    "more_than": np.greater,
    "at_most": np.less_equal,
    "less_than": np.less,
}
_RISING = ("at_least", "more_than")
"""The bounds that are met from some value on."""


def _code(level: Level, levels: tuple[str, ...] | None) -> float:
    """Return the number by which a level, a flag or a grade stands in the covariate's values."""
    return float(levels.index(str(level)) if levels is not None else level)

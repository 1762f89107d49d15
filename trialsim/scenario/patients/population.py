"""Who comes to be screened: covariates with margins, joined by a Gaussian copula."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Normal,
    Uniform,
    whole_cuts,
)
from trialsim.quantiles import Smooth, Steps, quantiles
from trialsim.scenario.patients.columns import FromTable, Table, rank_correlations
from trialsim.scenario.patients.margins import ByLevel, Margin, OnCourse, ends_of
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Coefficient,
    Name,
    Violation,
    unknown,
    until_missing,
)
from trialsim.stats.factors import lower_factor

Correlation: TypeAlias = Mapping[str, Mapping[str, float]]


def _can_be_whole(margin: Margin, whole: bool) -> Iterator[Violation]:
    if not whole or isinstance(margin, OnCourse):
        return
    if isinstance(margin, FromTable):
        broken = np.flatnonzero(margin.numbers % 1)
        if len(broken):
            rule = (
                "must have whole numbers in its column, or whole: false; the first that is not "
                f"stands in row {broken[0] + 1} of the table"
            )
            yield Violation("", rule, margin.numbers[broken[0]].item())
        return
    if not isinstance(margin, Uniform | Normal | Beta):
        yield Violation("", "whole goes with a uniform, normal or beta margin, or with a table")
        return
    try:
        whole_cuts(margin)
    except ValueError as error:
        yield Violation("", str(error))


class Covariate(CheckedModel):
    """One thing known of a candidate at screening."""

    rules = (_can_be_whole,)

    label: str = Field(min_length=1)
    """What it is called in tables and figures, such as Age."""
    margin: Margin
    """The distribution among candidates, before eligibility."""
    whole: bool = False
    """Rounded to whole numbers; the margin must then be a uniform, normal or beta with bounds, or
    the course of an outcome whose scores are whole."""

    @property
    def stands_alone(self) -> bool:
        """Whether the margin is a distribution of its own, whatever else is known of a person."""
        return not isinstance(self.margin, ByLevel | OnCourse)

    @cached_property
    def quantiles(self) -> Steps | Smooth:
        """What the values are drawn from; a level or flag is its position.

        Raises
        ------
        TypeError
            If the margin does not stand alone.
        """
        if isinstance(self.margin, ByLevel | OnCourse):
            raise TypeError(f"{self.label}: its value takes more than a number")
        if isinstance(self.margin, FromTable):
            return self.margin.quantiles
        return quantiles(self.margin, self.whole)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest whole number; None for what is not whole or not known here."""
        if not self.whole or isinstance(self.margin, ByLevel | OnCourse):
            return None
        ends = ends_of(self.margin)
        assert ends is not None, "that of a course is not known here"
        return int(ends[0]), int(ends[1])

    @property
    def levels(self) -> tuple[str, ...] | None:
        """The names of a categorical covariate's levels, in order; None for any other."""
        if isinstance(self.margin, FromTable):
            return self.margin.levels
        return tuple(self.margin.levels) if isinstance(self.margin, Categorical) else None

    @property
    def is_flag(self) -> bool:
        """Whether the covariate is true or false."""
        if isinstance(self.margin, FromTable):
            return self.margin.flag
        return isinstance(self.margin, Bernoulli)


Covariates: TypeAlias = Mapping[str, Covariate | None]
"""None stands for a covariate that is wrong."""


def known_margins(covariates: Covariates) -> Iterator[tuple[str, Margin]]:
    """Yield the margin of each covariate that has a right one, in a file that may be wrong."""
    for name, covariate in covariates.items():
        if covariate is not None and "margin" in vars(covariate):
            yield name, covariate.margin


def _levels_exist(covariates: Covariates) -> Iterator[Violation]:
    for name, margin in known_margins(covariates):
        if isinstance(margin, ByLevel):
            for refusal in until_missing(_has_levels(margin, covariates)):
                yield refusal._replace(path=f"covariates.{name}.margin.{refusal.path}")


def _has_levels(margin: ByLevel, covariates: Covariates) -> Iterator[Violation]:
    if margin.of not in covariates:
        yield Violation("of", unknown("covariate", margin.of, covariates), margin.of)
    elif (of := covariates[margin.of]) is not None:
        levels = of.levels
        if levels is None:
            yield Violation("of", "must be a covariate with levels", margin.of)
        elif set(levels) != set(margin.levels):
            rule = f"must be those of {margin.of}: {', '.join(levels)}"
            yield Violation("levels", rule, ", ".join(margin.levels))


def _pairs_exist(
    covariates: Mapping[str, Covariate], correlation: Correlation
) -> Iterator[Violation]:
    for first, second, coefficient in _pairs(correlation):
        for name in (first, second):
            if name not in covariates:
                rule = unknown("covariate", name, covariates)
                yield Violation(f"correlation.{first}.{second}", rule, coefficient)


def _pairs_are_written_once(correlation: Correlation) -> Iterator[Violation]:
    pairs = {(first, second) for first, second, _ in _pairs(correlation)}
    for first, second, coefficient in _pairs(correlation):
        path = f"correlation.{first}.{second}"
        if first == second:
            rule = "must not be written: a covariate's correlation with itself is 1"
            yield Violation(path, rule, coefficient)
        elif second < first and (second, first) in pairs:
            rule = "must be written once: the pair stands in the other order too"
            yield Violation(path, rule, coefficient)


def _is_possible(
    covariates: Mapping[str, Covariate], correlation: Correlation, table: Table | None
) -> Iterator[Violation]:
    if any(_pairs_are_free(covariates, correlation, table)):
        return
    pairs = list(_pairs(correlation))
    wrong = None in correlation.values() or any(one is None for _, _, one in pairs)
    if not pairs or wrong or any(_pairs_are_written_once(correlation)):
        return
    if any(_pairs_exist(covariates, correlation)):
        return
    columns = _columns(covariates)
    if table is not None and table.draw == "fitted":
        correlation = _joined(correlation, _fitted(columns))
    smallest = np.linalg.eigvalsh(_matrix(_correlated(covariates, correlation), correlation)).min()
    if smallest <= 1e-9:
        rule = "must make a positive definite matrix"
        yield Violation("correlation", rule, f"smallest eigenvalue {smallest:.3g}")


def _pairs(correlation: Correlation) -> Iterator[tuple[str, str, float]]:
    """Yield the two names and the coefficient of each pair, as far as they are known."""
    for first, row in correlation.items():
        for second, coefficient in (row or {}).items():
            yield first, second, coefficient


def _correlated(covariates: Iterable[str], correlation: Correlation) -> tuple[str, ...]:
    named = {name for first, row in correlation.items() for name in (first, *row)}
    return tuple(name for name in covariates if name in named)


def _fitted(columns: Mapping[str, FromTable]) -> Correlation:
    """Return the correlations of columns by pairs."""
    if len(columns) < 2:
        return {}
    names = list(columns)
    matrix = rank_correlations([one.numbers for one in columns.values()]).tolist()
    return {
        first: {names[other]: matrix[place][other] for other in range(place + 1, len(names))}
        for place, first in enumerate(names[:-1])
    }


def _joined(one: Correlation, other: Correlation) -> Correlation:
    return {name: {**one.get(name, {}), **other.get(name, {})} for name in {**one, **other}}


def _matrix(names: Sequence[str], correlation: Correlation) -> Floats:
    matrix = np.eye(len(names))
    place = {name: i for i, name in enumerate(names)}
    for first, second, coefficient in _pairs(correlation):
        matrix[place[first], place[second]] = coefficient
        matrix[place[second], place[first]] = coefficient
    return matrix


def _columns(covariates: Covariates) -> dict[str, FromTable]:
    return {name: one for name, one in known_margins(covariates) if isinstance(one, FromTable)}


def _table_is_used(covariates: Covariates, table: Table | None) -> Iterator[Violation]:
    columns = _columns(covariates)
    if table is not None and not columns and None not in covariates.values():
        rule = "must be of use: let the margin of a covariate be {distribution: table}"
        yield Violation("table", rule)
    rows = {name: len(one.values or ()) for name, one in columns.items()}
    first = next(iter(rows.values()), 0)
    for name, count in rows.items():
        path = f"covariates.{name}.margin"
        if table is None:
            yield Violation(path, "must go with population.table, of which it is a column")
        elif count != first:
            yield Violation(f"{path}.values", f"must be as many as those before, {first}", count)


def _pairs_are_free(
    covariates: Covariates, correlation: Correlation, table: Table | None
) -> Iterator[Violation]:
    columns = _columns(covariates)
    if table is None:
        return
    for first, second, coefficient in _pairs(correlation):
        both = first in columns and second in columns
        if both or (table.draw == "rows" and (first in columns or second in columns)):
            rule = "must not be written: the rows of the table say it"
            if not both:
                rule = "must not be written of a column whose rows are drawn: draw it fitted"
            yield Violation(f"correlation.{first}.{second}", rule, coefficient)


class Population(CheckedModel):
    """The candidates: their covariates, and the correlations of these."""

    rules = (
        _levels_exist,
        _pairs_exist,
        _pairs_are_written_once,
        _table_is_used,
        _pairs_are_free,
        _is_possible,
    )
    omitted_defaults = ("table",)

    table: Table | None = None
    """The table whose columns some covariates are; null for none."""

    covariates: dict[Name, Covariate] = Field(min_length=1)
    """What is known of a candidate at screening, by name, such as age_years or nihss."""
    correlation: dict[Name, dict[Name, Coefficient]] = Field(default_factory=dict)
    """Correlation of normal scores by pairs, each pair written once; pairs not written are 0."""

    @cached_property
    def correlated(self) -> tuple[str, ...]:
        """The covariates that stand in the correlation, in the order of the population.

        Each is made from its own number and those before it, so one that is added last changes no
        other.
        """
        return _correlated(self.covariates, self._drawn_pairs)

    @cached_property
    def drawn_by_row(self) -> frozenset[str]:
        """The covariates whose values one row of the table gives together."""
        rows = self.table is not None and self.table.draw == "rows"
        return frozenset(_columns(self.covariates)) if rows else frozenset()

    @cached_property
    def fitted(self) -> Correlation:
        """The correlations of normal scores between the columns of the table, by pairs."""
        return _fitted(_columns(self.covariates))

    @property
    def _drawn_pairs(self) -> Correlation:
        if self.table is None or self.table.draw == "rows":
            return self.correlation
        return _joined(self.correlation, self.fitted)

    @cached_property
    def dependent(self) -> frozenset[str]:
        """The correlated covariates that are made from the numbers of others beside their own."""
        others = np.tril(self.cholesky, -1).any(axis=1)
        return (
            frozenset(np.array(self.correlated)[others].tolist()) if others.any() else frozenset()
        )

    @cached_property
    def correlation_matrix(self) -> Floats:
        """The correlation of the normal scores of the correlated covariates."""
        return _matrix(self.correlated, self._drawn_pairs)

    @cached_property
    def cholesky(self) -> Floats:
        """The lower triangular factor of the correlation matrix."""
        return lower_factor(self.correlation_matrix)

    def of_unit_variance(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return weights of covariates' normal scores whose sum has the variance 1.

        They keep their signs and ratios: w / sqrt(w' R w), R being the correlation.
        """
        names, given = list(weights), np.array(list(weights.values()))
        sd = np.sqrt((np.outer(given, given) * _matrix(names, self._pairs_among(names))).sum())
        return dict(zip(names, (given / sd).tolist(), strict=True))

    def _pairs_among(self, names: Collection[str]) -> Correlation:
        return {
            first: {second: value for second, value in row.items() if second in names}
            for first, row in _joined(self.correlation, self.fitted).items()
            if first in names
        }

"""Who comes to be screened: covariates with margins, joined by a Gaussian copula."""

from functools import cached_property
from typing import Self

import numpy as np
import scipy  # its parts load when they are first used
from pydantic import Field, model_validator

from trialsim.arrays import Floats
from trialsim.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Described,
    Distribution,
    LogNormal,
    Normal,
    Uniform,
    WholeNumbers,
)
from trialsim.scenario.refusal import Coefficient, Name, Refusal, refuse, unknown

_SMALLEST, _LARGEST = 2.0**-53, 1 - 2.0**-53


class Covariate(Described):
    """One thing known of a candidate at screening."""

    label: str = Field(min_length=1)
    margin: Distribution
    whole: bool = False
    """Rounded to whole numbers; the margin must then be a uniform, normal or beta with bounds."""

    @model_validator(mode="after")
    def _can_be_whole(self) -> Self:
        if self.whole:
            self._table  # noqa: B018 - building it checks the bounds
        return self

    @cached_property
    def _table(self) -> WholeNumbers:
        if not isinstance(self.margin, Uniform | Normal | Beta):
            raise ValueError("whole goes with a uniform, normal or beta margin")
        return WholeNumbers(self.margin)

    def at(self, u: Floats) -> Floats:
        """Return the value at each number in (0, 1); a level or flag as its position."""
        return self._table.at(u) if self.whole else self.margin.at(u)

    def at_score(self, score: Floats) -> Floats:
        """Return the value at each standard normal score."""
        if self.whole:
            return self._table.at(scipy.special.ndtr(score))
        if isinstance(self.margin, Normal | LogNormal):
            return self.margin.at_score(score)
        return self.margin.at(scipy.special.ndtr(score).clip(_SMALLEST, _LARGEST))

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest whole number; None for what is not whole."""
        return (self._table.low, self._table.high) if self.whole else None

    @property
    def levels(self) -> tuple[str, ...] | None:
        """The names of a categorical covariate's levels, in order; None for any other."""
        return tuple(self.margin.levels) if isinstance(self.margin, Categorical) else None

    @property
    def is_flag(self) -> bool:
        """Whether the covariate is true or false."""
        return isinstance(self.margin, Bernoulli)


class Population(Described):
    """The candidates: their covariates, and how these hang together."""

    covariates: dict[Name, Covariate] = Field(min_length=1)
    correlation: dict[Name, dict[Name, Coefficient]] = Field(default_factory=dict)
    """Correlation of normal scores by pairs, each pair written once; pairs not written are 0."""

    @model_validator(mode="after")
    def _is_correlation(self) -> Self:
        refuse(
            Refusal(f"correlation.{first}.{second}", rule, self.correlation[first][second])
            for first, row in self.correlation.items()
            for second in row
            for rule in self._wrong_pair(first, second)
        )
        smallest = np.linalg.eigvalsh(self.correlation_matrix).min() if self.correlated else 1.0
        if smallest <= 1e-9:
            rule = "must make a positive definite matrix"
            refuse([Refusal("correlation", rule, f"smallest eigenvalue {smallest:.3g}")])
        return self

    def _wrong_pair(self, first: str, second: str) -> list[str]:
        rules = [
            unknown("covariate", name, self.covariates)
            for name in (first, second)
            if name not in self.covariates
        ]
        if first == second:
            rules.append("must not be written: a covariate's correlation with itself is 1")
        elif first in self.correlation.get(second, {}) and second < first:
            rules.append("must be written once: the pair stands in the other order too")
        return rules

    @cached_property
    def correlated(self) -> tuple[str, ...]:
        """The covariates that stand in the correlation, in the order of the population.

        Each is made from its own number and those before it, so one that is added last changes no
        other.
        """
        named = {name for first, row in self.correlation.items() for name in (first, *row)}
        return tuple(name for name in self.covariates if name in named)

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
        matrix = np.eye(len(self.correlated))
        place = {name: i for i, name in enumerate(self.correlated)}
        for first, row in self.correlation.items():
            for second, coefficient in row.items():
                matrix[place[first], place[second]] = coefficient
                matrix[place[second], place[first]] = coefficient
        return matrix

    @cached_property
    def cholesky(self) -> Floats:
        """The lower triangular factor of the correlation matrix."""
        factor: Floats = np.linalg.cholesky(self.correlation_matrix)
        return factor

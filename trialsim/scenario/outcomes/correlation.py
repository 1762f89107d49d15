"""How the outcomes of one patient are correlated, given the baseline."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import FrozenModel
from trialsim.scenario.validation.refusal import Coefficient, Name, Violation, unknown
from trialsim.stats.factors import lower_factor


class OutcomeCorrelation(FrozenModel):
    """The correlation between outcomes of random effects and residuals, towards the better ends.

    It holds for the patient's random effects, for the residuals of each visit and for what sites
    differ by, whichever they are.
    """

    common: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The correlation of every pair that is not written, such as 0.5."""
    pairs: dict[Name, dict[Name, Coefficient]] = Field(default_factory=dict)
    """Correlations of single pairs, by both names, such as {nihss: {mrs: 0.7}}."""

    def matrix(self, outcomes: Sequence[str]) -> Floats:
        """Return the correlation of some outcomes, shape (outcomes, outcomes)."""
        matrix = np.full((len(outcomes), len(outcomes)), self.common)
        np.fill_diagonal(matrix, 1.0)
        place = {name: i for i, name in enumerate(outcomes)}
        for first, second, coefficient in self._written:
            if first in place and second in place:
                matrix[place[first], place[second]] = coefficient
                matrix[place[second], place[first]] = coefficient
        return matrix

    @property
    def _written(self) -> Iterator[tuple[str, str, float]]:
        """The two names and the coefficient of each pair, of a wrong one as far as it is known."""
        for first, row in self.pairs.items():
            for second, coefficient in (row or {}).items():
                yield first, second, coefficient

    def weights(self, outcomes: Sequence[str]) -> Floats:
        """Return the lower triangular factor: each outcome's scores by its own and those before."""
        return lower_factor(self.matrix(outcomes))

    def refusals(self, outcomes: Sequence[str]) -> Iterator[Violation]:
        """Yield what is wrong with the pairs of some outcomes."""
        problems = list(self._wrong_pairs(outcomes))
        yield from problems
        wrong = None in self.pairs.values() or any(one is None for *_, one in self._written)
        if not problems and not wrong and outcomes:
            smallest = np.linalg.eigvalsh(self.matrix(outcomes)).min()
            if smallest <= 1e-9:
                rule = "must make a positive definite matrix"
                yield Violation("", rule, f"smallest eigenvalue {smallest:.3g}")

    def _wrong_pairs(self, outcomes: Sequence[str]) -> Iterator[Violation]:
        seen: set[frozenset[str]] = set()
        for first, second, coefficient in self._written:
            path = f"pairs.{first}.{second}"
            for name in (first, second):
                if name not in outcomes:
                    yield Violation(path, unknown("outcome", name, outcomes), coefficient)
            if first == second:
                rule = "must not be written: an outcome's correlation with itself is 1"
                yield Violation(path, rule, coefficient)
            elif frozenset((first, second)) in seen:
                rule = "must be written once: the pair stands in the other order too"
                yield Violation(path, rule, coefficient)
            seen.add(frozenset((first, second)))

"""Covariates as they were recorded, where a simulation would draw them."""

from collections.abc import Callable
from typing import Any

from trialsim.arrays import Floats, RowIndex
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import CandidateCovariates


class KnownCovariates(CandidateCovariates):
    """Covariates as they are recorded, each read when it is first looked at."""

    def __init__(self, scenario: Scenario, known: Callable[[str], Floats]) -> None:
        super().__init__(scenario, self._nothing_is_drawn)
        self._scenario_known, self._known = scenario, known

    @staticmethod
    def _nothing_is_drawn(name: str) -> Any:
        raise LookupError(name)

    def _values(self, name: str) -> Floats:
        return self._known(name)

    def at(self, places: RowIndex) -> CandidateCovariates:
        """Return the covariates of some patients."""
        return KnownCovariates(self._scenario_known, lambda name: places.of(self[name]))

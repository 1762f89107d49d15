"""Power along one number of a scenario, every value of it on the same replicates."""

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.errors import RunError
from trialsim.replicates.run import joined
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import Study
from trialsim.shown import Shown
from trialsim.stats.monte_carlo import Proportion, wilson_interval

if TYPE_CHECKING:
    from pandas import DataFrame


class Candidate(NamedTuple):
    """A value that was tried, its power, and what trying it cost."""

    value: float
    power: float
    mcse: float
    replicates: int
    failed: int
    """Replicates that could not be finished; the power leaves them out."""
    seconds: float


class PowerCurve(Shown):
    """Rejections at each value tried, from replicate 0 on; more replicates continue, not repeat."""

    def __init__(self, scenario: Study, path: str, runner: Runner) -> None:
        """Take the study, the path of the number that varies, and how to run it."""
        self.scenario = scenario
        self.path = path
        self._runner = runner
        self._rejected: dict[float, Floats] = {}
        self._seconds: dict[float, float] = {}

    def rejected(self, value: float, replicates: int) -> Floats:
        """Return 1 where a replicate rejects, 0 where not, NaN where it failed.

        Raises
        ------
        RunError
            If all of the first replicates of a value failed.
        """
        known = self._rejected.get(value, np.empty(0))
        if len(known) < replicates:
            began = time.perf_counter()
            more = range(len(known), replicates)
            done = self._runner.run(self._at(value), more)
            if len(done.failures) == replicates:
                rule = f"all {replicates:,} replicates failed: {done.failures[0].reason}"
                raise RunError(f"with {self.path} {value:g} {rule}")
            known = np.concatenate([known, joined([done]).columns["rejected"]])
            self._rejected[value] = known
            spent = self._seconds.get(value, 0.0)
            self._seconds[value] = spent + time.perf_counter() - began
        return known[:replicates]

    def power(self, value: float, replicates: int) -> Proportion:
        """Return the power at a value over the first replicates, with Wilson's interval."""
        return share_rejected(self.rejected(value, replicates))

    def candidates(self) -> tuple[Candidate, ...]:
        """Return every value tried with all its replicates, from the lowest."""
        found = []
        for value, rejected in sorted(self._rejected.items()):
            power = share_rejected(rejected)
            found.append(
                Candidate(
                    value,
                    float(power.estimate),
                    float(power.mcse),
                    replicates=len(rejected),
                    failed=int(np.isnan(rejected).sum()),
                    seconds=self._seconds[value],
                )
            )
        return tuple(found)

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return self._runner.seed

    def to_frame(self) -> "DataFrame":
        """Return a row for each candidate: value, power, mcse, replicates, failed and seconds."""
        from pandas import DataFrame

        return DataFrame(self.candidates())

    def _at(self, value: Any) -> Study:
        return self.scenario.replace({self.path: value})


def share_rejected(rejected: Floats) -> Proportion:
    """Return the share of replicates that reject, those that failed left out."""
    return wilson_interval(np.nansum(rejected), np.isfinite(rejected).sum())

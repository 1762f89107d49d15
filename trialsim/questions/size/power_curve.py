"""Power along one number of a scenario, every value of it on the same replicates."""

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from trialsim.arrays import Floats
from trialsim.errors import RunError
from trialsim.questions.size.resizing import with_value
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.result import limit_that_stops, reaching
from trialsim.replicates.run import Failure, Replicates, joined
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

    @property
    def share(self) -> Proportion:
        """The power with Wilson's interval, which is honest at 0 and 1 too."""
        finished = self.replicates - self.failed
        return wilson_interval(round(self.power * finished), finished)


class PowerCurve(Shown):
    """Rejections in favour of the treated at each value tried, from replicate 0 on.

    More replicates continue, not repeat.
    """

    def __init__(self, scenario: Study, path: str, runner: Runner) -> None:
        """Take the study, the path of the number that varies, and how to run it."""
        self.scenario = scenario
        self.path = path
        self._runner = runner
        self._done: dict[float, Replicates] = {}
        self._seconds: dict[float, float] = {}

    def favoured(self, value: float, replicates: int) -> Floats:
        """Return 1 where a replicate rejects in favour of the treated, 0 where not, NaN if failed.

        Raises
        ------
        RunError
            If all of the first replicates of a value failed.
        """
        return self._run(value, replicates).columns["favoured"][:replicates]

    def wrong_direction(self, value: float, replicates: int) -> Proportion:
        """Return how often the first replicates at a value reject in favour of the control."""
        columns = self._run(value, replicates).columns
        return share_of((columns["rejected"] - columns["favoured"])[:replicates])

    def failures(self, value: float, replicates: int) -> tuple[Failure, ...]:
        """Return which of the first replicates at a value could not be finished, and why."""
        failures = self._run(value, replicates).failures
        return tuple(one for one in failures if one.replicate < replicates)

    def reached_limit(self, value: float, replicates: int) -> int:
        """Return in how many of the first replicates recruitment lasted until its limit."""
        columns = self._run(value, replicates).columns
        first = {name: column[:replicates] for name, column in columns.items()}
        return reaching(limit_that_stops(self._at(value)), first)

    def power(self, value: float, replicates: int) -> Proportion:
        """Return the power at a value over the first replicates, with Wilson's interval."""
        return share_of(self.favoured(value, replicates))

    def candidates(self) -> tuple[Candidate, ...]:
        """Return every value tried with all its replicates, from the lowest."""
        found = []
        for value, done in sorted(self._done.items()):
            favoured = done.columns["favoured"]
            power = share_of(favoured)
            found.append(
                Candidate(
                    value,
                    float(power.estimate),
                    float(power.mcse),
                    replicates=len(favoured),
                    failed=len(done.failures),
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

    def _run(self, value: float, replicates: int) -> Replicates:
        """Return what at least the first replicates at a value give."""
        done = self._done.get(value)
        held = 0 if done is None else len(done.columns["favoured"])
        if done is not None and held >= replicates:
            return done
        began = time.perf_counter()
        more = self._runner.run(self._at(value), range(held, replicates))
        if len(more.failures) == replicates:
            rule = f"all {replicates:,} replicates failed: {more.failures[0].reason}"
            raise RunError(f"with {self.path} {value:g} {rule}")
        self._done[value] = more if done is None else joined([done, more])
        self._seconds[value] = self._seconds.get(value, 0.0) + time.perf_counter() - began
        return self._done[value]

    def _at(self, value: Any) -> Study:
        return with_value(self.scenario, self.path, value)

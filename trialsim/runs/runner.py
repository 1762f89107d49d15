"""How replicates are run, whichever study they are of: seed, workers, engine, batch, progress."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trialsim.errors import Problem
from trialsim.replicates.checks import check_recruitment, chosen_engine
from trialsim.replicates.parallel import Progress, run_in_parallel
from trialsim.replicates.run import BATCH, Replicates
from trialsim.runs.long_run import LongRun
from trialsim.runs.manifest import RunManifest, manifest_here
from trialsim.runs.worlds import WORLD_BLOCK, StudySetDirectory, open_worlds
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Engine


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs replicates of any study under one seed; all but the seed changes no result."""

    seed: int
    n_jobs: int = -1
    engine: Engine = "auto"
    batch: int = BATCH
    progress: Progress | None = None
    kept: StudySetDirectory | None = None
    """Where what is run is kept, and what was run before is found."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is out of range."""
        if not 0 <= self.seed < 2**64:
            yield Problem("seed", "must lie in 0 to 2**64 - 1", str(self.seed))
        if self.n_jobs == 0:
            yield Problem("n_jobs", "must not be 0", "0")
        if self.batch < 1:
            yield Problem("batch", "must be at least 1", str(self.batch))

    def check(self, scenario: Study) -> None:
        """Refuse a study that cannot be run, before any replicate of it is.

        Raises
        ------
        InputError
            If the engine is unknown, or the vector engine is asked to run what couples patients.
        RecruitmentError
            If recruitment can never finish.
        """
        chosen_engine(scenario, self.engine)
        check_recruitment(scenario)

    def run(self, scenario: Study, replicates: range) -> Replicates:
        """Return the results of a range of replicates of a study."""
        if self.kept is not None:
            world = self.kept.run_of(self._manifest(scenario))
            long = LongRun(world, self.n_jobs, self.batch, progress=self.progress)
            return long.run(replicates)
        used = chosen_engine(scenario, self.engine)
        return run_in_parallel(
            scenario, self.seed, replicates, used, self.n_jobs, self.batch, self.progress
        )

    def keeping(
        self, out: str | Path | None, command: str, scenario: Study, inputs: Mapping[str, Any]
    ) -> "Runner":
        """Return a runner that keeps in a directory what a command runs, unless there is none.

        The inputs are what else than the scenario and the seed decides which worlds are run.

        Raises
        ------
        InputError
            If the directory is that of another command, with every path that differs.
        RunError
            If it cannot be made or read.
        """
        if out is None:
            return self
        manifest = self._manifest(scenario)._replace(command=command, inputs=inputs)
        return replace(self, kept=open_worlds(out, manifest))

    def _manifest(self, scenario: Study) -> RunManifest:
        return manifest_here(scenario, self.seed, self.engine, WORLD_BLOCK)


def not_enough(name: str, count: int) -> Iterator[Problem]:
    """Yield the problem of a count of replicates below one.

    >>> [str(problem) for problem in not_enough("replicates", 0)]
    ['replicates: must be at least 1 (got 0)']
    """
    if count < 1:
        yield Problem(name, "must be at least 1", str(count))

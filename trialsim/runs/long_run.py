"""A run in a directory: what is missing is computed, block by block, and kept at once."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trialsim.replicates.checks import check_count, chosen_engine
from trialsim.replicates.parallel import Progress, finished_tasks
from trialsim.replicates.result import PowerResult, summarised
from trialsim.replicates.run import BATCH, Replicates
from trialsim.runs.directory import RunDirectory, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.part_file import from_parquet
from trialsim.runs.precision import Aim, check_precision, until_precise
from trialsim.runs.shards import Shard, note_shard
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Engine


@dataclass(frozen=True, slots=True)
class LongRun:
    """Computes blocks of a run into its directory; only the directory's manifest changes them."""

    directory: RunDirectory
    n_jobs: int = -1
    batch: int = BATCH
    scheduler: str | None = None
    progress: Progress | None = None
    aim: Aim | None = None
    command: str = ""
    """For the log alone."""
    _told: set[int] = field(default_factory=set)

    def run(self, replicates: range) -> Replicates:
        """Return the results of contiguous replicates, after computing what is missing of them."""
        check_count(replicates.stop)
        self._compute(self.directory.blocks_of(replicates))
        return self.directory.results(replicates)

    def power(self, replicates: int) -> PowerResult:
        """Return the result over the first replicates, after computing what is missing of them."""
        return self._summarised(lambda: self._first(replicates))

    def power_to(self, precision: float) -> PowerResult:
        """Return the result over as many replicates as the precision needs."""
        check_precision(precision)
        block = self.directory.manifest.block
        return self._summarised(lambda: until_precise(self._first, precision, block))

    def shard(self, shard: Shard, replicates: int) -> int:
        """Compute the blocks of a shard, and return how many they are."""
        check_count(replicates)
        began = self._begin(shard=str(shard), replicates=replicates)
        blocks = shard.share(self.directory.blocks_of(range(replicates)))
        note_shard(self.directory, shard, replicates)
        self._compute(blocks)
        self._end(began)
        return len(blocks)

    def _summarised(self, run: Callable[[], Replicates]) -> PowerResult:
        began = self._begin()
        manifest = self.directory.manifest
        done = run()
        seconds = time.perf_counter() - began
        result = summarised(manifest.scenario, manifest.seed, manifest.engine, done, seconds)
        self.directory.summarise(result)
        self._end(began)
        return result

    def _first(self, replicates: int) -> Replicates:
        return self.run(range(replicates))

    def _compute(self, blocks: Sequence[int]) -> None:
        """Compute the blocks that are missing, and write each as soon as it is finished."""
        run, manifest = self.directory, self.directory.manifest
        if self.aim is not None:
            self.aim(len(blocks) * manifest.block)
        missing = run.missing(blocks)
        self._tell_of_held(blocks)
        if not missing:
            return
        finished = finished_tasks(
            manifest.scenario,
            manifest.seed,
            [run.replicates_of(block) for block in missing],
            chosen_engine(manifest.scenario, manifest.engine),
            self.n_jobs,
            self.batch,
            self.scheduler,
            in_order=False,
        )
        with closing(finished):
            for task, results in finished:
                block = task.start // manifest.block
                run.add(block, results)
                self._tell(block, results)

    def _tell_of_held(self, blocks: Sequence[int]) -> None:
        """Let the progress begin with what was finished before."""
        if self.progress is not None:
            for block in sorted(self.directory.held.intersection(blocks) - self._told):
                self._tell(block, from_parquet(self.directory.part(block)))

    def _tell(self, block: int, results: Replicates) -> None:
        self._told.add(block)
        if self.progress is not None:
            self.progress(self.directory.manifest.block, results)

    def _begin(self, **told: Any) -> float:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.directory.log(began=now, command=self.command, held=len(self.directory.held), **told)
        return time.perf_counter()

    def _end(self, began: float) -> None:
        seconds = round(time.perf_counter() - began, 1)
        self.directory.log(finished_after_seconds=seconds, held=len(self.directory.held))


def resumable_power(
    out: str | Path,
    scenario: Study,
    replicates: int,
    precision: float | None,
    seed: int,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> PowerResult:
    """Return what `power` returns, of a run in a directory."""
    directory = open_run(out, manifest_here(scenario, seed, engine))
    run = LongRun(directory, n_jobs, batch, scheduler, progress)
    return run.power(replicates) if precision is None else run.power_to(precision)

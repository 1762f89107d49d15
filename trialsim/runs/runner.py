"""How replicates are run, whichever study they are of: every question opens with a runner."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.legible import shows
from trialsim.replicates.checks import check_count, check_recruitment, chosen_engine
from trialsim.replicates.monitoring.recuts import AT_ONCE, Recuts, trials_alike
from trialsim.replicates.parallel import Progress, finished_tasks, tasks_of, workers_here
from trialsim.replicates.run import BATCH, Replicates, Simulation, Summarise, joined
from trialsim.runs.directory import Answer, Notice, RunDirectory, open_run
from trialsim.runs.manifest import BLOCK, ESTIMANDS, POWER, RunManifest, manifest_here
from trialsim.runs.part_file import from_parquet
from trialsim.runs.precision import until_precise
from trialsim.runs.shards import Shard, ShardFinished, blocks_in, note_shard
from trialsim.runs.slow import slow_analysis
from trialsim.runs.study_set import STUDY_BLOCK, StudySetDirectory, open_study_set
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import Engine


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs replicates of any study under one seed; all but the seed changes no result."""

    seed: int
    n_jobs: int = -1
    """Worker processes on this machine; -1 for one on each core, 1 to stay in this process."""
    engine: Engine = "auto"
    batch: int = BATCH
    """Replicates simulated at once."""
    progress: Progress | bool | None = None
    """Called with each finished task; True for a bar in the terminal or the notebook."""
    scheduler: str | None = None
    """The address of a Dask scheduler, on whose workers to run instead."""
    directory: RunDirectory | StudySetDirectory | None = None
    """Where what is run is kept, and what was run before is found."""
    shard: Shard | None = None
    """The share of all blocks that is computed into the directory; None computes all."""
    notice: Notice | None = None
    """Called with a line on what is found damaged in a directory, or of a slow analysis."""
    command: str = ""
    """The command line, for the directory's log alone."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is out of range."""
        numbers = {"seed": self.seed, "n_jobs": self.n_jobs, "batch": self.batch}
        broken = [Problem(name, _WHOLE, str(one)) for name, one in numbers.items() if _broken(one)]
        yield from broken
        if broken:
            return
        if not 0 <= self.seed < 2**64:
            yield Problem("seed", "must lie in 0 to 2**64 - 1", str(self.seed))
        if self.n_jobs == 0:
            yield Problem("n_jobs", "must not be 0", "0")
        if self.batch < 1:
            yield Problem("batch", "must be at least 1", str(self.batch))

    def checked_for(self, replicates: int) -> "Runner":
        """Return this runner, if that many replicates and all its own numbers are in range.

        Raises
        ------
        InputError
            With every number that is not.
        """
        wrong = [*self.problems(), *not_enough("replicates", replicates)]
        if wrong:
            raise InputError(wrong)
        return self

    def check(self, study: Study) -> None:
        """Refuse a study that cannot be run, before any replicate of it is.

        Raises
        ------
        InputError
            If the engine is unknown, or the vector engine is asked to run what couples patients.
        RecruitmentError
            If recruitment can never finish.
        """
        chosen_engine(study, self.engine)
        check_recruitment(study)

    def note_if_slow(self, study: Study) -> None:
        """Give notice, before a run, of a slow analysis and of the time that it will take."""
        if self.notice is None:
            return
        used = chosen_engine(study, self.engine)
        told = slow_analysis(Simulation(study, self.seed, used, self.batch))
        if told is not None:
            self.notice(told)

    def run(
        self, study: Study, replicates: range, summarise: Summarise | None = None
    ) -> Replicates:
        """Return the results of contiguous replicates of a study.

        A directory keeps them, and has only what is missing of them computed; unless something
        else is computed of each replicate, which is saved nowhere.

        Raises
        ------
        InputError
            If there are more replicates than anybody could wait for.
        ShardFinished
            If this is one shard of a run, which has only its share of them.
        """
        check_count(replicates.stop)
        with self._showing(len(replicates)) as runner:
            return runner._run(study, replicates, summarise)

    def _run(self, study: Study, replicates: range, summarise: Summarise | None) -> Replicates:
        if self.directory is None or summarise is not None:
            workers = None if self.scheduler is not None else workers_here(self.n_jobs)
            simulation = Simulation(study, self.seed, self.engine, self.batch, summarise)
            batch = simulation.best_at_once if workers == 1 else self.batch
            tasks = tasks_of(replicates, workers, batch)
            parts = []
            with closing(self._finished(study, tasks, summarise)) as finished:
                for task, part in finished:
                    parts.append(part)
                    self._tell(len(task), part)
            return joined(parts)
        (found,) = self.run_each([(study, replicates)])
        return found

    def run_each(self, work: Sequence[tuple[Study, range]]) -> list[Replicates]:
        """Return the results of replicates of studies, as `run` does of one."""
        for _, replicates in work:
            check_count(replicates.stop)
        with self._showing(sum(len(replicates) for _, replicates in work)) as runner:
            return runner._run_each(work)

    def _run_each(self, work: Sequence[tuple[Study, range]]) -> list[Replicates]:
        if self.directory is None:
            return [self.run(study, replicates) for study, replicates in work]
        if self.shard is not None:
            self._compute_share(work, self.shard)
            raise ShardFinished(self.shard)
        found = []
        for study, replicates in work:
            run = self.run_of(study)
            self.compute(run, run.blocks_of(replicates))
            found.append(run.results(replicates))
        return found

    def _compute_share(self, work: Sequence[tuple[Study, range]], shard: Shard) -> None:
        """Compute every n-th of all blocks, and note of which shard they are."""
        assert self.directory is not None
        asked = [(study.digest, replicates) for study, replicates in work]
        note_shard(self.directory.folder, shard, asked)
        own = shard.share(blocks_in(asked, self.directory.manifest))
        runs = {study.digest: self.run_of(study) for study, _ in work}
        for digest, run in runs.items():
            self.compute(run, [block for study, block in own if study == digest])

    def run_all(self, studies: Sequence[Study], replicates: range) -> list[Replicates]:
        """Return the results of the same replicates of several studies, each study run once.

        Studies that differ in their looks alone are cuts of the same trials, which are simulated
        once for all of them; of these only the columns `RECUT` are returned. In a directory every
        study is a run of its own all the same, with all that is kept of one.
        """
        distinct = {study.digest: study for study in studies}
        with self._showing(len(distinct) * len(replicates)) as runner:
            found = runner._run_all(distinct, replicates)
        return [found[study.digest] for study in studies]

    def _run_all(self, studies: Mapping[str, Study], replicates: range) -> dict[str, Replicates]:
        """Return the results of studies that are not the same, by their digests."""
        if self.shard is not None:  # which ends with its share of the blocks of all of them
            self.run_each([(study, replicates) for study in studies.values()])
        alike: dict[str, list[Study]] = {}
        for study in studies.values():
            alike.setdefault(trials_alike(study) or study.digest, []).append(study)
        found: dict[str, Replicates] = {}
        for members in alike.values():
            alone = len(members) == 1
            cut = [self.run(members[0], replicates)] if alone else self._cut(members, replicates)
            found |= zip((member.digest for member in members), cut, strict=True)
        return found

    def _cut(self, studies: Sequence[Study], replicates: range) -> list[Replicates]:
        """Return the results of studies that differ in their looks alone."""
        plans = [single_trial(study) for study in studies]
        wide = replace(self, batch=max(self.batch, AT_ONCE))
        if self.directory is None:
            recuts = Recuts(tuple(plans))
            done = wide.run(recuts.simulated, replicates, recuts.summarise())
            return list(recuts.split(done))
        runs = [self.run_of(plan) for plan in plans]
        wide.compute_cuts(plans, runs, runs[0].blocks_of(replicates))
        return [run.results(replicates) for run in runs]

    def until(
        self, study: Study, precision: float, summarise: Summarise | None = None
    ) -> Replicates:
        """Return the results of as many replicates as the power's Monte Carlo error needs."""
        block = BLOCK if self.directory is None else self.directory.manifest.block
        with self._showing(None) as runner:
            return until_precise(lambda more: runner.run(study, more, summarise), precision, block)

    def run_of(self, study: Study) -> RunDirectory:
        """Return the run of a study in the directory, which there must be.

        Raises
        ------
        InputError
            If the directory is that of another run.
        """
        assert self.directory is not None
        held = self.directory.manifest
        manifest = self._manifest(study, held.block)
        if held.command == POWER:
            manifest = manifest._replace(inputs=held.inputs)
        elif held.inputs.get(ESTIMANDS) is True:
            manifest = manifest._replace(inputs={ESTIMANDS: True})
        return self.directory.run_of(manifest)

    def compute(self, run: RunDirectory, blocks: Sequence[int]) -> None:
        """Compute the blocks of a run that are missing, and write each as soon as it is done."""
        for block in sorted(run.held.intersection(blocks)):
            self._tell(run.manifest.block, from_parquet(run.part(block)))
        tasks = [run.replicates_of(block) for block in run.missing(blocks)]
        if not tasks:
            return
        study = run.manifest.scenario
        kept = run.manifest.kept if run.manifest.inputs else None
        with closing(self._finished(study, tasks, kept, in_order=False)) as finished:
            for task, part in finished:
                run.add(task.start // run.manifest.block, part)
                self._tell(len(task), part)

    def compute_cuts(
        self, studies: Sequence[Scenario], runs: Sequence[RunDirectory], blocks: Sequence[int]
    ) -> None:
        """Compute the blocks that runs of studies with like trials lack, each simulated once."""
        lacking: dict[tuple[int, ...], list[int]] = {}
        for block in blocks:
            places = tuple(at for at, run in enumerate(runs) if block not in run.held)
            lacking.setdefault(places, []).append(block)
            for run in runs:
                if block in run.held:
                    self._tell(run.manifest.block, from_parquet(run.part(block)))
        for places, missing in lacking.items():
            if places:
                recuts = Recuts(tuple(studies[at] for at in places), kept=None)
                self._cut_into([runs[at] for at in places], recuts, missing)

    def _cut_into(
        self, runs: Sequence[RunDirectory], recuts: Recuts, blocks: Sequence[int]
    ) -> None:
        """Simulate blocks once, and write each to all runs as soon as it is done."""
        tasks = [runs[0].replicates_of(block) for block in blocks]
        asked = recuts.summarise()
        with closing(self._finished(recuts.simulated, tasks, asked, in_order=False)) as finished:
            for task, part in finished:
                for run, own in zip(runs, recuts.split(part), strict=True):
                    run.add(task.start // run.manifest.block, own)
                    self._tell(len(task), own)

    def keeping(
        self,
        out: str | Path | None,
        study: Study,
        command: str = POWER,
        inputs: Mapping[str, Any] | None = None,
    ) -> "Runner":
        """Return a runner that keeps in a directory what a command runs, unless there is none.

        The power is that of one study; other commands run several scenarios, and their inputs are
        what else than the study and the seed decides which.

        Raises
        ------
        InputError
            If the directory is that of another command, with every path that differs.
        RunError
            If it cannot be made or read.
        """
        if out is None:
            return self
        if command == POWER:
            manifest = self._manifest(study, BLOCK)._replace(inputs=inputs or {})
            return replace(self, directory=open_run(out, manifest, self.notice))
        manifest = self._manifest(study, STUDY_BLOCK)
        manifest = manifest._replace(command=command, inputs=inputs or {})
        return replace(self, directory=open_study_set(out, manifest, self.notice))

    @contextmanager
    def logged(self, **told: Any) -> Iterator[None]:
        """Note in the log of the directory, if there is one, when what is done begins and ends."""
        if self.directory is None:
            yield
            return
        now, began = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        which = {} if self.shard is None else {"shard": str(self.shard)}
        self.directory.log(began=now, command=self.command, **which, **told)
        yield
        self.directory.log(finished_after_seconds=round(time.perf_counter() - began, 1))

    def write_summary(self, answer: Answer) -> None:
        """Write what the replicates say to the directory, if there is one."""
        if self.directory is not None:
            self.directory.write_summary(answer)

    def _finished(
        self,
        study: Study,
        tasks: Sequence[range],
        summarise: Summarise | None = None,
        in_order: bool = True,
    ) -> Generator[tuple[range, Replicates], None, None]:
        used = chosen_engine(study, self.engine)
        simulation = Simulation(study, self.seed, used, self.batch, summarise)
        return finished_tasks(simulation, tasks, self.n_jobs, self.scheduler, in_order)

    @contextmanager
    def _showing(self, replicates: int | None) -> Iterator["Runner"]:
        """Give a runner that shows a bar of so many replicates meanwhile, if that is wanted."""
        if self.progress is not True:
            yield self
            return
        with shows().bar(replicates) as bar:
            yield replace(self, progress=bar)

    def _tell(self, count: int, part: Replicates) -> None:
        if callable(self.progress):
            self.progress(count, part)

    def _manifest(self, study: Study, block: int) -> RunManifest:
        return manifest_here(study, self.seed, self.engine, block)


_WHOLE: Final = "must be a whole number"


def _broken(number: Any) -> bool:
    """Return whether what should be a whole number is none; neither is a truth value."""
    return isinstance(number, bool) or not isinstance(number, int | np.integer)


def not_enough(name: str, count: int) -> Iterator[Problem]:
    """Yield the problem of a count of replicates below one.

    >>> [str(problem) for problem in not_enough("replicates", 0)]
    ['replicates: must be at least 1 (got 0)']
    """
    if _broken(count):
        yield Problem(name, _WHOLE, str(count))
    elif count < 1:
        yield Problem(name, "must be at least 1", str(count))

"""Replicates over the cores of a machine; joblib is here alone.

A task is a contiguous range of replicates, and results come back in the order of replicates, so
neither the number of workers nor the size of a task changes anything.
"""

import signal
from collections.abc import Callable, Iterator
from multiprocessing import parent_process
from typing import Final

from trialsim.power.replicates import BATCH, Replicates, joined, run_replicates
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import Engine

LARGEST_TASK: Final = 2048
"""Replicates in one task at most: large enough that sending it costs nothing."""
_TASKS_PER_WORKER: Final = 8

Progress = Callable[[int, Replicates], None]
"""Called after each task with the replicates it finished."""


def run_in_parallel(
    scenario: Scenario,
    seed: int,
    replicates: range,
    engine: Engine,
    n_jobs: int,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Replicates:
    """Simulate and analyse replicates on several workers; `n_jobs=-1` takes every core."""
    tasks = tasks_of(replicates, n_jobs, batch)
    parts: list[Replicates] = []
    for task, part in zip(
        tasks, _results(scenario, seed, tasks, engine, n_jobs, batch), strict=True
    ):
        parts.append(part)
        if progress is not None:
            progress(len(task), part)
    return joined(parts)


def tasks_of(replicates: range, n_jobs: int, batch: int) -> list[range]:
    """Return contiguous ranges that cover the replicates, whole batches but for the last.

    >>> tasks_of(range(300), 1, 128)
    [range(0, 128), range(128, 256), range(256, 300)]
    """
    from joblib import effective_n_jobs

    wanted = len(replicates) / (_TASKS_PER_WORKER * effective_n_jobs(n_jobs))
    size = batch * max(1, min(round(wanted / batch), LARGEST_TASK // batch))
    starts = range(replicates.start, replicates.stop, size)
    return [range(start, min(start + size, replicates.stop)) for start in starts]


def _results(
    scenario: Scenario, seed: int, tasks: list[range], engine: Engine, n_jobs: int, batch: int
) -> Iterator[Replicates]:
    from joblib import Parallel, delayed, effective_n_jobs

    workers = min(effective_n_jobs(n_jobs), len(tasks))
    if workers == 1:
        yield from (run_replicates(scenario, seed, task, engine, batch) for task in tasks)
        return
    calls = (delayed(_run_task)(scenario, seed, task, engine, batch) for task in tasks)
    yield from Parallel(n_jobs=workers, return_as="generator")(calls)


def _run_task(
    scenario: Scenario, seed: int, replicates: range, engine: Engine, batch: int
) -> Replicates:
    """Run a task in a worker, which leaves an interruption from the keyboard to its parent."""
    if parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run_replicates(scenario, seed, replicates, engine, batch)

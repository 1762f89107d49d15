"""Replicates over the cores of a machine; joblib is here alone.

A task is a contiguous range of replicates, and results come back in the order of replicates, so
neither the number of workers nor the size of a task changes anything.
"""

import platform
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from multiprocessing import parent_process
from typing import Final

from trialsim.replicates.checks import check_count
from trialsim.replicates.cluster import connected
from trialsim.replicates.run import BATCH, Replicates, Summarise, joined, run_replicates
from trialsim.replicates.versions import check_versions, versions_here
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Engine

LARGEST_TASK: Final = 2048
"""Replicates in one task at most: large enough that sending it costs nothing."""
_TASKS_PER_WORKER: Final = 8

Progress = Callable[[int, Replicates], None]
"""Called after each task with the replicates it finished."""


def run_in_parallel(
    scenario: Study,
    seed: int,
    replicates: range,
    engine: Engine,
    n_jobs: int,
    batch: int = BATCH,
    progress: Progress | None = None,
    scheduler: str | None = None,
    asked: Summarise | None = None,
) -> Replicates:
    """Simulate and analyse replicates on several workers; `n_jobs=-1` takes every core.

    With the address of a Dask scheduler, on the workers of its cluster.
    """
    tasks = tasks_of(replicates, n_jobs, batch, scheduler)
    parts: list[Replicates] = []
    how = (engine, n_jobs, batch, scheduler)
    for task, part in finished_tasks(scenario, seed, tasks, *how, asked=asked):
        parts.append(part)
        if progress is not None:
            progress(len(task), part)
    return joined(parts)


def finished_tasks(
    scenario: Study,
    seed: int,
    tasks: list[range],
    engine: Engine,
    n_jobs: int,
    batch: int = BATCH,
    scheduler: str | None = None,
    in_order: bool = True,
    asked: Summarise | None = None,
) -> Generator[tuple[range, Replicates], None, None]:
    """Yield each task and its results: in order, or else as soon as it is finished."""
    if scheduler is not None:
        with connected(scheduler):
            yield from _on_workers(
                scenario, seed, tasks, engine, batch, asked, "dask", -1, in_order
            )
        return
    from joblib import effective_n_jobs

    workers = min(effective_n_jobs(n_jobs), len(tasks))
    if workers > 1:
        yield from _on_workers(
            scenario, seed, tasks, engine, batch, asked, "loky", workers, in_order
        )
        return
    for task in tasks:
        yield task, run_replicates(scenario, seed, task, engine, batch, asked)


def tasks_of(
    replicates: range, n_jobs: int, batch: int, scheduler: str | None = None
) -> list[range]:
    """Return contiguous ranges that cover the replicates, whole batches but for the last.

    >>> tasks_of(range(300), 1, 128)
    [range(0, 128), range(128, 256), range(256, 300)]

    Raises
    ------
    InputError
        If there are more replicates than anybody could wait for.
    """
    from joblib import effective_n_jobs

    check_count(replicates.stop - replicates.start)
    wanted = len(replicates) / (_TASKS_PER_WORKER * effective_n_jobs(n_jobs))
    if scheduler is not None:  # whose workers come and go, and whose tasks cost more to send
        wanted = LARGEST_TASK
    size = batch * max(1, min(round(wanted / batch), LARGEST_TASK // batch))
    starts = range(replicates.start, replicates.stop, size)
    return [range(start, min(start + size, replicates.stop)) for start in starts]


def _on_workers(
    scenario: Study,
    seed: int,
    tasks: list[range],
    engine: Engine,
    batch: int,
    asked: Summarise | None,
    backend: str,
    workers: int,
    in_order: bool,
) -> Iterator[tuple[range, Replicates]]:
    from joblib import Parallel, delayed, parallel_config

    here = versions_here()
    calls = (delayed(_run_task)(scenario, seed, task, engine, batch, here, asked) for task in tasks)
    kind = "generator" if in_order else "generator_unordered"
    with parallel_config(backend=backend):  # left before anything is yielded
        pool = Parallel(n_jobs=workers, return_as=kind, batch_size=1)
    finished = pool(calls)
    try:
        for task in finished:  # noqa: UP028 - which would close it out of reach of what follows
            yield task
    finally:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            finished.close()  # joblib warns of tasks that nobody will ask for


def _run_task(
    scenario: Study,
    seed: int,
    replicates: range,
    engine: Engine,
    batch: int,
    versions: Mapping[str, str],
    asked: Summarise | None = None,
) -> tuple[range, Replicates]:
    """Run a task in a worker, which leaves an interruption from the keyboard to its parent.

    A worker of a cluster may have joined late, so each says for itself whether its versions are
    those of the process that asks.
    """
    check_versions(platform.node(), versions_here(), versions)
    if parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return replicates, run_replicates(scenario, seed, replicates, engine, batch, asked)

"""Replicates over the cores of a machine; joblib is here alone.

A task is a contiguous range of replicates, and results come back in the order of replicates, so
neither the number of workers nor the size of a task changes anything. Workers are processes, and
threads where compiled code does nearly all of the work, for it lets others run meanwhile.
"""

import os
import platform
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event
from typing import Final

from trialsim.errors import RunError
from trialsim.replicates.cluster import connected
from trialsim.replicates.run import Replicates, Simulation, batches_of, joined
from trialsim.replicates.versions import check_versions, versions_here
from trialsim.replicates.watch import end_with

LARGEST_TASK: Final = 2048
"""Replicates in one task at most: large enough that sending it costs nothing."""
_TASKS_PER_WORKER: Final = 8
_TASKS_ALONE: Final = 100
"""Of one worker, which is this process: they cost nothing to send, and tell how far it is."""
_CLEANING: Final = "ignore:resource_tracker:UserWarning"
"""What a tracker of loky warns of as it removes what a killed process left."""
OVERSUBSCRIBE: Final = "TRIALSIM_OVERSUBSCRIBE"
"""The environment variable that, set to 1, lets workers be more than the cores."""

Progress = Callable[[int, Replicates], None]
"""Called after each task with the replicates it finished."""


class LostWorkerError(RunError):
    """A worker process was killed from outside."""


def workers_here(n_jobs: int) -> int:
    """Return how many worker processes `n_jobs` stands for on this machine; -1 is one a core.

    More than one a core would only wait for one another, so there are no more unless one insists.
    """
    from joblib import cpu_count, effective_n_jobs

    wanted = int(effective_n_jobs(n_jobs))
    return wanted if os.environ.get(OVERSUBSCRIBE) == "1" else min(wanted, int(cpu_count()))


def tasks_of(replicates: range, workers: int | None, batch: int) -> list[range]:
    """Return contiguous ranges that cover the replicates, whole batches but for the last.

    With no number of workers they are as large as they may be: as for a cluster, whose workers
    come and go, and whose tasks cost more to send.

    >>> tasks_of(range(300), 1, 128)
    [range(0, 128), range(128, 256), range(256, 300)]
    """
    tasks = _TASKS_ALONE if workers == 1 else _TASKS_PER_WORKER * (workers or 0)
    wanted = len(replicates) / tasks if tasks else LARGEST_TASK
    size = batch * max(1, min(round(wanted / batch), LARGEST_TASK // batch))
    starts = range(replicates.start, replicates.stop, size)
    return [range(start, min(start + size, replicates.stop)) for start in starts]


def finished_tasks(
    simulation: Simulation,
    tasks: Sequence[range],
    n_jobs: int = -1,
    scheduler: str | None = None,
    in_order: bool = True,
) -> Generator[tuple[range, Replicates], None, None]:
    """Yield each task and its results: in order, or else as soon as it is finished."""
    if scheduler is not None:
        with connected(scheduler):
            yield from _on_workers(simulation, tasks, "dask", -1, in_order)
        return
    workers = min(workers_here(n_jobs), len(tasks))
    if workers > 1 and simulation.is_compiled:
        yield from _on_threads(simulation, tasks, workers, in_order)
        return
    if workers > 1:
        yield from _on_workers(simulation, tasks, "loky", workers, in_order)
        return
    for task in tasks:
        yield task, simulation.run(task)


def _on_threads(
    simulation: Simulation, tasks: Sequence[range], workers: int, in_order: bool
) -> Iterator[tuple[range, Replicates]]:
    """Run tasks in threads of this process, which start at once and share what it has loaded."""
    pool, nobody_waits = ThreadPoolExecutor(workers), Event()

    def run(task: range) -> Replicates:
        parts = []
        for part in batches_of(task, simulation.counted_at_once):
            if nobody_waits.is_set():
                break
            parts.append(simulation.run(part))
        return joined(parts)

    running = {pool.submit(run, task): task for task in tasks}
    try:
        for finished in running if in_order else as_completed(running):
            yield running[finished], finished.result()
    finally:
        nobody_waits.set()
        pool.shutdown(cancel_futures=True)


def _on_workers(
    simulation: Simulation, tasks: Sequence[range], backend: str, workers: int, in_order: bool
) -> Iterator[tuple[range, Replicates]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    here = versions_here()
    calls = (delayed(_run_task)(simulation, task, here) for task in tasks)
    kind = "generator" if in_order else "generator_unordered"
    watched = {} if backend == "dask" else {"initializer": end_with, "initargs": (os.getpid(),)}
    # all are left before anything is yielded
    with parallel_config(backend=backend), _silent_cleaning(), _no_interruption():
        finished = Parallel(n_jobs=workers, return_as=kind, batch_size=1, **watched)(calls)
    try:
        for task in finished:  # noqa: UP028 - which would close it out of reach of what follows
            yield task
    except TerminatedWorkerError:
        told = "a worker process was killed, most likely for want of memory"
        raise LostWorkerError(told) from None
    finally:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            finished.close()  # joblib warns of tasks that nobody will ask for


@contextmanager
def _silent_cleaning() -> Iterator[None]:
    """Let what cleans up behind this process, should it be killed, do so without warnings."""
    sys.warnoptions.append(_CLEANING)  # which processes that are started here take over
    try:
        yield
    finally:
        sys.warnoptions.remove(_CLEANING)


@contextmanager
def _no_interruption() -> Iterator[None]:
    """Hold an interruption from the keyboard back; processes started here never hear of one.

    A worker that is still loading its packages would otherwise print where it was.
    """
    if os.name != "posix":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which lets signals through, so it comes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_task(
    simulation: Simulation, replicates: range, versions: Mapping[str, str]
) -> tuple[range, Replicates]:
    """Run a task in a worker, after seeing that it computes as this process does.

    A worker of a cluster may have joined late, so each says for itself whether its versions are
    those of the process that asks.
    """
    check_versions(platform.node(), versions_here(), versions)
    return replicates, simulation.run(replicates)

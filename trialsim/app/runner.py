"""A process of its own for each run, which can be ended at any moment and shares nothing.

Processes are forked from a clean one that has loaded what they need, so they begin at once.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from trialsim.app.limits import MOST_MEMORY, MOST_SECONDS
from trialsim.app.requests import Answer, Request
from trialsim.errors import RunError, TrialsimError
from trialsim.replicates.watch import end_with

Show = Callable[[int, int, str], Awaitable[None]]
"""Called with how far a run is; see `Tell`."""
_PAUSE: Final = 0.05
"""Seconds between two looks at what a worker says."""
_FORKS: Final = "forkserver" in multiprocessing.get_all_start_methods()
_PROCESSES: Final[Any] = multiprocessing.get_context("forkserver" if _FORKS else "spawn")


def load_ahead() -> None:
    """Begin to load, in a process beside this one, what every worker needs."""
    if _FORKS:
        from multiprocessing import forkserver

        _PROCESSES.set_forkserver_preload([__name__])
        forkserver.ensure_running()


async def answer_of(request: Request, places: asyncio.Semaphore, show: Show) -> Answer:
    """Return a worker's answer; if this is cancelled, the worker is ended.

    Parameters
    ----------
    places
        How many workers may compute at once, for all who ask.

    Raises
    ------
    InputError
        If the request is refused.
    RunError
        If the run fails, or the worker was killed or takes too long.
    """
    if places.locked():
        await show(0, 0, "waiting for the runs of others")
    async with places:
        receiver, sender = _PROCESSES.Pipe(duplex=False)
        worker = _PROCESSES.Process(target=_work, args=(request, sender), daemon=True)
        try:
            await asyncio.to_thread(worker.start)
            sender.close()
            return await _heard(receiver, worker, show)
        finally:
            if worker.pid is not None:
                worker.kill()
                worker.join()
            receiver.close()


async def _heard(receiver: Connection, worker: Any, show: Show) -> Answer:
    """Pass on what a worker says until it has its answer."""
    until = time.monotonic() + MOST_SECONDS
    while True:
        gone = not worker.is_alive()  # looked at first: what it said last is still in the pipe
        if receiver.poll():
            try:
                said = receiver.recv()
            except EOFError:
                raise RunError("the run was ended, most likely for want of memory") from None
            match said:
                case Answer():
                    return said
                case TrialsimError():
                    raise said
                case done, total, words:
                    await show(done, total, words)
        elif gone:
            raise RunError("the run was ended, most likely for want of memory")
        elif time.monotonic() > until:
            raise RunError(f"the run was ended after {MOST_SECONDS:,} seconds: take fewer trials")
        else:
            await asyncio.sleep(_PAUSE)


def _work(request: Request, sender: Connection) -> None:
    end_with(os.getppid())
    _hold_memory()
    with suppress(BrokenPipeError):
        try:
            sender.send(request.answer(lambda *told: sender.send(told)))
        except TrialsimError as error:
            sender.send(error)
        except MemoryError:
            sender.send(RunError("there is not enough memory: take fewer patients or trials"))


def _hold_memory() -> None:
    """Let this process have so much memory and no more, where the system can do that."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))

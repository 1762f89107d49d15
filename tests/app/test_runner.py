"""A run is a process of its own, which ends with whoever asked for it."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from trialsim.app.requests import Answer, Request, Tell
from trialsim.app.runner import answer_of, load_ahead
from trialsim.errors import InputError, Problem, RunError


@dataclass
class Asking:
    """A request that says its process and then does what a test wants of it."""

    then: Callable[[], Answer]

    def answer(self, tell: Tell) -> Answer:
        """Say which process this is."""
        tell(os.getpid(), 0, "")
        return self.then()


@pytest.fixture(scope="module", autouse=True)
def loaded_ahead() -> None:
    """Have what every run needs loaded once."""
    load_ahead()


def answered() -> Answer:
    return Answer({"power": "found"})


def wait() -> Answer:
    time.sleep(600)
    return Answer()


def refuse() -> Answer:
    raise InputError([Problem("design.patients", "must be there", None, "a.yaml", 3, 1)])


def die() -> Answer:
    os.kill(os.getpid(), signal.SIGKILL)
    return Answer()


def fill_the_memory() -> Answer:
    return Answer({"power": str(len(bytearray(2**34)))})


@dataclass
class Heard:
    """What was said of a run, and the process that said it."""

    said: list[tuple[int, int, str]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, done: int, total: int, words: str) -> None:
        """Take note."""
        self.said.append((done, total, words))
        if done:
            self.begun.set()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def asked(then: Callable[[], Answer], heard: Heard, places: asyncio.Semaphore) -> Awaitable[Answer]:
    request: Request = Asking(then)  # type: ignore[assignment]
    return answer_of(request, places, heard)


def test_an_answer_comes_from_another_process_which_is_gone() -> None:
    async def run() -> None:
        heard = Heard()
        assert (await asked(answered, heard, asyncio.Semaphore(1))).pieces == {"power": "found"}
        ((process, *_),) = heard.said
        assert process != os.getpid()
        assert not is_running(process)

    asyncio.run(run())


def test_what_is_stopped_leaves_no_process_and_gives_its_place_back() -> None:
    async def run() -> None:
        heard, places = Heard(), asyncio.Semaphore(1)
        stopped = asyncio.ensure_future(asked(wait, heard, places))
        await asyncio.wait_for(heard.begun.wait(), 60)
        other = Heard()
        waiting = asyncio.ensure_future(asked(answered, other, places))
        await asyncio.sleep(0.2)
        assert other.said == [(0, 0, "waiting for the runs of others")]
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        assert not is_running(heard.said[0][0])
        assert (await waiting).pieces == {"power": "found"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("then", "error", "told"),
    [
        (refuse, InputError, "a.yaml:3:1: design.patients: must be there"),
        (die, RunError, "the run was ended, most likely for want of memory"),
        (fill_the_memory, RunError, "there is not enough memory"),
    ],
)
def test_what_goes_wrong_in_a_run_is_told_here(
    then: Callable[[], Answer], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        asyncio.run(asked(then, Heard(), asyncio.Semaphore(1)))  # type: ignore[arg-type]

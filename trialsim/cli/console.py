"""What every command says in the same way: its JSON, its exit status, what was interrupted."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trialsim.legible import legible

if TYPE_CHECKING:
    from trialsim.runs.directory import RunDirectory
    from trialsim.runs.runner import Runner

DONE: Final = 0
RUN_FAILED: Final = 1
INPUT_WRONG: Final = 2
INTERRUPTED: Final = 130


class Interrupted(Exception):  # noqa: N818 - not an error
    """The person at the keyboard stopped a run that can continue."""


def say(text: object) -> None:
    """Print a text on standard output, with no character in it that is not seen."""
    print(legible(str(text)))


def warn(text: object) -> None:
    """Print a text on standard error, in the same way."""
    print(legible(str(text)), file=sys.stderr)


def put(content: bytes) -> None:
    """Write what is no text for a person, such as a picture, to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def print_json(content: Any) -> None:
    """Print plain values as one JSON object."""
    from trialsim.runs.plain_json import as_json

    say(as_json(content))


def command_line() -> str:
    """Return the command as one would type it again; bytes that are no text are escaped."""
    return legible(shlex.join(["trialsim", *sys.argv[1:]]))


def warn_of_damaged_parts(run: "RunDirectory") -> None:
    """Say on standard error what was found damaged in a run."""
    for name in run.damaged:
        warn(f"trialsim: {name} was damaged, and is set aside in {run.folder}")


@contextmanager
def keeping_run(runner: "Runner") -> Iterator[None]:
    """Say what the directory of one study's run holds damaged, and if interrupted what it keeps."""
    from trialsim.runs.directory import RunDirectory

    run = runner.directory
    if not isinstance(run, RunDirectory):
        yield
        return
    warn_of_damaged_parts(run)
    try:
        yield
    except KeyboardInterrupt:
        raise stopped(f"{len(run.held)} finished blocks", run.folder) from None


@contextmanager
def keeping_worlds(out: Path | None) -> Iterator[None]:
    """Say what a directory of worlds holds damaged, and if interrupted what it keeps."""
    from trialsim.runs.worlds import worlds_in

    if out is None:
        yield
        return
    for run in worlds_in(out):
        warn_of_damaged_parts(run)
    try:
        yield
    except KeyboardInterrupt:
        worlds = worlds_in(out)
        finished = sum(len(run.held) for run in worlds)
        raise stopped(f"{finished} finished blocks of {len(worlds)} worlds", out) from None


def stopped(kept: str, folder: Path) -> Interrupted:
    """Return how an interruption is told: what is kept, and how to continue."""
    return Interrupted(f"interrupted; {kept} are kept in {folder}, and the same command continues")

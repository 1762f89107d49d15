"""What every command says in the same way: its JSON, its exit status, what was interrupted."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from trialsim.errors import RunError
from trialsim.legible import legible

if TYPE_CHECKING:
    from trialsim.runs.directory import RunDirectory

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


def answer(content: Any, as_json: bool, text: Callable[[], str]) -> None:
    """Print a result: its content as one JSON object, or in words."""
    if as_json:
        print_json(content)
    else:
        say(text())


def command_line() -> str:
    """Return the command as one would type it again; bytes that are no text are escaped."""
    return legible(shlex.join(["trialsim", *sys.argv[1:]]))


def notice(line: str) -> None:
    """Say something beside the result."""
    warn(f"trialsim: {line}")


def warn_of_damaged_parts(run: "RunDirectory") -> None:
    """Say on standard error what was found damaged in a run that is only read."""
    for name in run.damaged:
        warn(f"trialsim: {name} in {run.folder} is damaged, misnamed or of another block: left out")


@contextmanager
def keeping(out: Path | None) -> Iterator[None]:
    """Say of what is stopped before its end what its directory keeps, and how it is resumed."""
    from trialsim.replicates.parallel import LostWorkerError
    from trialsim.runs.shards import ShardFinished
    from trialsim.runs.study_set import what_is_kept

    try:
        yield
    except KeyboardInterrupt:
        if out is None:
            raise
        raise Interrupted(f"interrupted; {what_is_kept(out)}") from None
    except ShardFinished as finished:
        say(f"{finished} in {out}; trialsim merge merges the shards")
        raise typer.Exit(DONE) from None
    except LostWorkerError as error:
        if out is None:
            raise
        raise RunError(f"{error}; {what_is_kept(out)}") from None

"""The program: its groups of commands, and how each way of ending is reported."""

import errno
import os
import signal
import sys
from functools import cache
from io import TextIOWrapper
from typing import Annotated, Any, Final

import typer

from trialsim import __version__
from trialsim.cli import (
    comparisons,
    data,
    figures,
    programmes,
    reports,
    reproduction,
    runs,
    studies,
)
from trialsim.cli.console import DONE, INPUT_WRONG, INTERRUPTED, RUN_FAILED, Interrupted, say, warn
from trialsim.errors import InputError, RunError

_WRONG_NAMES: Final = (errno.ENAMETOOLONG, errno.EACCES, errno.ENOTDIR, errno.ELOOP, errno.EISDIR)
"""What can only be wrong with a name that was given."""

app = typer.Typer(
    name="trialsim",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Simulate randomised trials patient by patient, and estimate a design's operating "
    "characteristics. "
    "All cohorts are simulated; nothing printed is evidence about any drug.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from trialsim.compiled.library import build_name

        say(f"trialsim {__version__}, computed by {build_name()}")
        raise typer.Exit(DONE)


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and the build that computes.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
    oversubscribe: Annotated[
        bool,
        typer.Option(
            "--oversubscribe", help="Start as many workers as --jobs says, even more than cores."
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""
    if oversubscribe:
        from trialsim.replicates.parallel import OVERSUBSCRIBE

        os.environ[OVERSUBSCRIBE] = "1"


for group in (studies, runs, data, comparisons, programmes, reproduction, figures, reports):
    app.add_typer(group.commands)


def main() -> None:
    """Run the command line and leave with its exit status.

    Once that is known an interruption has nothing left to stop, and only workers are waited for.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a character that it cannot hold is escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        warn("trialsim: interrupted")
        status = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if status == INTERRUPTED:  # perhaps inside a library's `exec`: if it was the last one,
        exec("")  # Python would take the interruption for unhandled, and leave by SIGINT
    sys.exit(status)


@cache
def program() -> Any:
    """Return the program with all of its commands, which take a while to make."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status: 0 done, 1 run failed, 2 input wrong."""
    try:
        program()(arguments, prog_name="trialsim")
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else DONE
        if status == INTERRUPTED:
            warn("trialsim: interrupted")
        return status
    except Interrupted as error:
        warn(f"trialsim: {error}")
        return INTERRUPTED
    except InputError as error:
        warn(error)
        return INPUT_WRONG
    except RunError as error:
        warn(f"trialsim: {error}")
        return RUN_FAILED
    except MemoryError:
        warn("trialsim: there is not enough memory")
        return RUN_FAILED
    except OSError as error:
        named = error.filename is not None and error.errno in _WRONG_NAMES
        place = f"{error.filename}: " if named else ""
        warn(f"trialsim: {place}{error.strerror or error}")
        return INPUT_WRONG if named else RUN_FAILED
    return DONE

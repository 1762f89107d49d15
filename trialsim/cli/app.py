"""The program: its groups of commands, and how each way of ending is told."""

import sys
from typing import Annotated

import typer

from trialsim import __version__
from trialsim.cli import (
    comparisons,
    figures,
    programmes,
    reports,
    reproduction,
    runs,
    studies,
)
from trialsim.cli.console import DONE, INPUT_WRONG, INTERRUPTED, RUN_FAILED, Interrupted
from trialsim.errors import InputError, RunError

app = typer.Typer(
    name="trialsim",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Simulate randomised trials patient by patient, and estimate what a design achieves. "
    "All cohorts are simulated; nothing printed is evidence about any drug.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"trialsim {__version__}")
        raise typer.Exit(DONE)


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


for group in (studies, runs, comparisons, programmes, reproduction, figures, reports):
    app.add_typer(group.commands)


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status: 0 done, 1 run failed, 2 input wrong."""
    try:
        app(arguments, prog_name="trialsim")
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else DONE
        if status == INTERRUPTED:
            print("trialsim: interrupted", file=sys.stderr)
        return status
    except Interrupted as error:
        print(f"trialsim: {error}", file=sys.stderr)
        return INTERRUPTED
    except InputError as error:
        print(error, file=sys.stderr)
        return INPUT_WRONG
    except (RunError, OSError) as error:
        print(f"trialsim: {error}", file=sys.stderr)
        return RUN_FAILED
    return DONE

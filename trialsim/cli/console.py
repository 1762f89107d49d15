"""What every command says in the same way: its JSON, its exit status, what was interrupted."""

import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trialsim.power.run_directory import RunDirectory

DONE: Final = 0
RUN_FAILED: Final = 1
INPUT_WRONG: Final = 2
INTERRUPTED: Final = 130


class Interrupted(Exception):  # noqa: N818 - not an error
    """The person at the keyboard stopped a run that can continue."""


def print_json(content: Any) -> None:
    """Print plain values as one JSON object."""
    from trialsim.power.plain_json import as_json

    print(as_json(content))


def command_line() -> str:
    """Return the command as one would type it again."""
    return shlex.join(["trialsim", *sys.argv[1:]])


def tell_of_damage(run: "RunDirectory") -> None:
    """Say on standard error what was found damaged in a run."""
    for name in run.damaged:
        print(f"trialsim: {name} was damaged, and is set aside in {run.folder}", file=sys.stderr)

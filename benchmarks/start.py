"""How long one waits before anything happens."""

import subprocess
import sys
from collections.abc import Callable

from benchmarks.measure import Effort, Row, Table, Target, by_the_clock, in_turns

_PROGRAM = "from trialsim.__main__ import main; main()"
PROGRAMS: dict[str, tuple[list[str], Target | None]] = {
    "python -c pass": (["pass"], None),
    "import numpy": (["import numpy"], None),
    "import trialsim": (["import trialsim"], Target("at most", 0.1, "s")),
    "trialsim.load": (["import trialsim; trialsim.load"], Target("at most", 0.8, "s")),
    "trialsim --help": ([_PROGRAM, "--help"], Target("at most", 0.5, "s")),
    "trialsim list": ([_PROGRAM, "list"], Target("at most", 0.5, "s")),
}


def measure(effort: Effort) -> Table:
    """Time fresh interpreters; the least of several is what the machine needs."""
    works = {name: by_the_clock(_fresh(code), 1) for name, (code, _) in PROGRAMS.items()}
    seconds = {name: 1 / rates for name, rates in in_turns(works, 2 * effort.repeats).items()}
    rows = [
        Row(
            what=name,
            unit="s",
            ours=float(seconds[name].min()),
            spread=(float(seconds[name].min()), float(seconds[name].max())),
            target=target,
        )
        for name, (_, target) in PROGRAMS.items()
    ]
    return Table("seconds from nothing, in an interpreter of its own", rows)


def _fresh(code: list[str]) -> Callable[[], object]:
    program = [sys.executable, "-c", *code]
    return lambda: subprocess.run(program, check=True, capture_output=True)

"""Choose the parts, run them, print their tables."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from benchmarks.measure import FULL, SHORT, SMOKE, Effort, Table
from benchmarks.printing import as_plain, as_text, machine

TIMED = ("streams", "engines", "power", "statistics", "start", "looks", "peers")
PARTS = (*TIMED, "agreement", "type_one_error", "small_samples")
GROUPS = {"speed": TIMED, "all": PARTS}
NAMES = (*GROUPS, *PARTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for."""
    asked = _parser().parse_args(arguments)
    effort = SMOKE if asked.smoke else SHORT if asked.short else FULL
    began, here = time.perf_counter(), machine()
    if not asked.json:
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        print(f"{effort.name} run; ratio is ours over theirs, spread its range over repeats")
    tables = {}
    for part in _parts(asked.parts):
        tables[part] = table = measured(part, effort)
        if not asked.json:
            print(f"\n{as_text(part, table)}", flush=True)
    seconds = time.perf_counter() - began
    if asked.json:
        plain = {part: as_plain(table) for part, table in tables.items()}
        told = {"machine": here, "effort": effort.name, "parts": plain, "seconds": seconds}
        print(json.dumps(told, indent=2))
    else:
        print(f"\n{seconds:.0f} s")
    return 0


def measured(part: str, effort: Effort) -> Table:
    """Return the table of a part; where it is only seen to run, nothing is judged."""
    table: Table = import_module(f"benchmarks.{part}").measure(effort)
    if effort == SMOKE:
        table = table._replace(rows=[row._replace(judged=False) for row in table.rows])
    return table


def _parts(names: list[str]) -> list[str]:
    """Return the parts that names stand for, each once, in their order."""
    wanted = {part for name in names or ["speed"] for part in GROUPS.get(name, (name,))}
    return [part for part in PARTS if part in wanted]


def _known(name: str) -> str:
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(NAMES)} (got {name!r})")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        type=_known,
        metavar="part",
        help=f"some of {', '.join(NAMES)}; speed unless any is named",
    )
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--short", action="store_true", help="end within two minutes")
    how_long.add_argument("--smoke", action="store_true", help="only see that everything runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())

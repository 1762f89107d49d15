"""Stop every command that keeps, in every way, at random moments, and let it go on.

    python -m tests.runs.interruptions --count 200 --folder FOLDER

Each command is stopped a few times over in one folder and then finished: it must end with the bytes
of one that nothing disturbed. Everything is written inside FOLDER.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.runs.test_directory import bytes_of
from trialsim.cli.console import DONE, INTERRUPTED

PROGRAM: Final = [sys.executable, "-m", "trialsim"]
_LINE: Final = re.compile("trialsim: interrupted($|; .* the same command continues$)")
SECONDS_LEFT: Final = 5
"""How long a process may outlive the command that started it."""
LONGEST: Final = 60
Start = Callable[[list[str], Path, Path], tuple[int, Callable[[float], int]]]
"""Starts a command in a folder, its words kept in a file: the process, and what waits for it."""
STARTED: Final = 0.05
"""Seconds after which Python itself has started and what stops is the program."""
_STUDY: Final = ["stroke_nihss", "--set", "design.patients=12", "--seed", "7", "--jobs", "2"]
_POWER: Final = ["power", *_STUDY, "--out", "run"]
_TWO: Final = [*_POWER, "--replicates", "2048", "--shard"]
_ASK: Final = [*_STUDY, "--replicates", "256", "--out", "run"]
_WHAT_IF: Final = ["what-if", *_ASK, "--set", "design.block_size=2,4"]
_TIPPED: Final = [
    *("tipping-point", *_STUDY, "--out", "run"),
    *("--set", "analysis.missing=multiple_imputation", "--set", "analysis.imputations=2"),
]
_PAGE: Final = ["report", "run", "-o", "page.html", "--overwrite", "--keep", "kept", "--jobs", "2"]
_FEW: Final = ["--null-replicates", "256", "--sensitivity-replicates", "4"]
COMMANDS: Final = {
    "power": [*_POWER, "--replicates", "3000"],
    "events": [*_POWER, "--replicates", "1024", "--engine", "events"],
    "precision": [*_POWER, "--precision", "0.012"],
    "shard": [*_TWO, "1/2"],
    "merge": ["merge", "run", "one", "two"],
    "what-if": _WHAT_IF,
    "shard of studies": [*_WHAT_IF, "--shard", "1/2"],
    "merge of studies": ["merge", "run", "one", "two"],
    "size": ["size", *_ASK, "--power", "0.5"],
    "tipping point": [*_TIPPED, "--replicates", "2048", "--deltas", "0,-9"],
    "assurance": ["assurance", *_ASK, "--prior", "cars_pooled", "--strata", "4"],
    "report": [*_PAGE, *_FEW, "--published-replicates", "0"],
}
BEFORE: Final = {
    "merge": [[*_TWO, f"{number}/2"] for number in (1, 2)],
    "merge of studies": [[*_WHAT_IF, "--shard", f"{number}/2"] for number in (1, 2)],
    "report": [[*_POWER, "--replicates", "1000"]],
}
"""What is run once, undisturbed, before a command can be."""


class Way(NamedTuple):
    """How a command is stopped."""

    signal: signal.Signals
    group: bool

    def stop(self, process: int) -> None:
        """Send the signal to the command alone, or to its workers too."""
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(process, self.signal) if self.group else os.kill(process, self.signal)

    @property
    def statuses(self) -> set[int]:
        """With which status a command ends that is stopped so; 0 if it was finished before."""
        return {DONE, INTERRUPTED if self.signal is signal.SIGINT else -self.signal}


WAYS: Final = tuple(
    Way(one, group)
    for one in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    for group in (False, True)
)


@dataclass
class Found:
    """What the interruptions showed."""

    interruptions: int = 0
    """Those that came before the command had ended."""
    late: int = 0
    compared: int = 0
    different: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """Tracebacks, and whatever else is not the one line of an interruption."""
    statuses: list[str] = field(default_factory=list)
    by_command: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> list[str]:
        """Return all that must not be."""
        return self.different + self.left + self.words + self.statuses


def processes_of(session: int) -> set[int]:
    """Return the living processes of a session but its first one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found - {session}


def prepared(folder: Path, name: str, start: Start) -> Path:
    """Return a folder in which a command can be run, with what it needs."""
    folder.mkdir(parents=True)
    for arguments in BEFORE.get(name, []):
        finish(arguments, folder, start)
        if name.startswith("merge"):
            (folder / "run").rename(folder / ("two" if (folder / "one").exists() else "one"))
    return folder


def started(arguments: list[str], folder: Path, words: Path) -> tuple[int, Callable[[float], int]]:
    """Start the program itself, in a session of its own."""
    with words.open("wb") as file:
        child = subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    return child.pid, child.wait


def finish(arguments: list[str], folder: Path, start: Start) -> float:
    """Run a command to its end in a folder, and return the seconds it took."""
    began, words = time.perf_counter(), folder.with_name("words.txt")
    assert start(arguments, folder, words)[1](600) == DONE, words.read_text()
    return time.perf_counter() - began


def interrupt(
    arguments: list[str], folder: Path, after: float, way: Way, found: Found, start: Start
) -> None:
    """Stop a command after some seconds and note what is wrong with how it ends."""
    case = f"{arguments[0]} after {after:.2f} s by {way.signal.name} group={way.group}"
    words = folder.with_name("words.txt")
    process, wait = start(arguments, folder, words)
    try:
        status = wait(after)
    except subprocess.TimeoutExpired:
        way.stop(process)
        found.interruptions += 1
        status = wait(LONGEST)
    else:
        found.late += 1
    deadline = time.monotonic() + SECONDS_LEFT
    while (left := processes_of(process)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in left:
        found.left.append(f"{case}: {Path(f'/proc/{one}/cmdline').read_bytes()!r}")
        os.kill(one, signal.SIGKILL)
    said = words.read_text().splitlines()
    if len(said) != (status == INTERRUPTED) or not all(map(_LINE.match, said)):
        found.words.append(f"{case}: {said}")
    if status not in way.statuses:
        found.statuses.append(f"{case}: {status}")


def campaign(
    folder: Path,
    count: int,
    names: list[str],
    seed: int,
    times: int = 8,
    start: Start = started,
) -> Iterator[Found]:
    """Stop commands in turn until there are enough interruptions; yield what is found so far."""
    moments, found = Random(seed), Found()
    truth, seconds = {}, {}
    for name in names:
        place = prepared(folder / name / "before", name, start)
        whole = shutil.copytree(place, folder / name / "whole")
        seconds[name] = finish(COMMANDS[name], whole, start)
        truth[name] = bytes_of(whole)
    for turn, name in enumerate(cycle(names)):
        if found.interruptions >= count:
            break
        place = shutil.copytree(folder / name / "before", folder / name / f"stopped{turn}")
        for _ in range(min(times, count - found.interruptions)):
            after = moments.uniform(STARTED, seconds[name])
            way = WAYS[found.interruptions % len(WAYS)]  # another once this has stopped one
            interrupt(COMMANDS[name], place, after, way, found, start)
            found.by_command[name] += 1
        seconds[name] = min(seconds[name], finish(COMMANDS[name], place, start))
        found.compared += 1
        if bytes_of(place) != truth[name]:
            found.different.append(f"{name} in {place}")
        else:
            shutil.rmtree(place)
        yield found


def main() -> None:
    """Run the campaign and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2016)
    parser.add_argument("--commands", default=",".join(COMMANDS))
    parser.add_argument(
        "--times", type=int, default=8, help="Interruptions before one is finished."
    )
    asked = parser.parse_args()
    names = asked.commands.split(",")
    for found in campaign(asked.folder.resolve(), asked.count, names, asked.seed, asked.times):
        sys.stdout.write(f"{json.dumps(vars(found))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""A command that runs several worlds, in a directory that loses nothing of any of them.

Each world under each seed is a run of its own, which can be replayed, extended and repaired like
any other. What the worlds say together is written at the end, and follows from them.

    manifest.json, scenario.yaml   the command, its base, and what else decides every number
    worlds/DIGEST-SEED/            the run of one world
    COMMAND.json, COMMAND.csv      what they say together
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trialsim.runs.atomic_file import write_whole
from trialsim.runs.directory import Answer, RunDirectory, add_line, find_run, open_run
from trialsim.runs.manifest import RunManifest
from trialsim.runs.manifest_file import SCENARIO, claim, writing_to
from trialsim.runs.plain_json import as_json

WORLDS: Final = "worlds"
WORLD_BLOCK: Final = 256
"""Replicates in one part of a world, of which a command may need only a few."""
_SECONDS: Final = "seconds"
"""What is another's on another day, and therefore not written."""


@dataclass(frozen=True, slots=True)
class StudySetDirectory:
    """A folder of runs, one for each world and seed, and of what they say together."""

    folder: Path
    manifest: RunManifest

    def run_of(self, manifest: RunManifest) -> RunDirectory:
        """Return the run of a world, with what it holds already."""
        name = f"{manifest.scenario.digest}-{manifest.seed}"
        return open_run(self.folder / WORLDS / name, manifest)

    def write_summary(self, answer: Answer) -> None:
        """Write what the worlds say together, as JSON and as a table."""
        from trialsim.runs.plain_csv import as_csv

        name = self.manifest.command.replace("-", "_")
        rows = answer.to_frame().drop(columns=_SECONDS, errors="ignore")
        told = _without_timings(answer.to_dict())
        with writing_to(self.folder):
            write_whole(self.folder / f"{name}.json", f"{as_json(told)}\n".encode())
            write_whole(self.folder / f"{name}.csv", as_csv(rows).encode())

    def log(self, **told: Any) -> None:
        """Add a line to the log."""
        add_line(self.folder, **told)


def open_worlds(folder: str | Path, manifest: RunManifest) -> StudySetDirectory:
    """Return the directory of a command that runs several worlds, made if need be.

    Raises
    ------
    InputError
        If it is that of another command, with every path that differs, or of something else.
    RunError
        If it cannot be made or read.
    """
    folder = Path(folder)
    return StudySetDirectory(folder, claim(folder, manifest, WORLDS))


def worlds_in(folder: str | Path) -> list[RunDirectory]:
    """Return the runs of worlds that a directory holds, their damaged parts set aside."""
    begun = sorted((Path(folder) / WORLDS).glob(f"*/{SCENARIO}"))  # which is written last
    return [find_run(scenario.parent) for scenario in begun]


def _without_timings(told: Any) -> Any:
    """Return plain values without the seconds that they took."""
    if isinstance(told, Mapping):
        return {name: _without_timings(part) for name, part in told.items() if name != _SECONDS}
    return [_without_timings(part) for part in told] if isinstance(told, list) else told

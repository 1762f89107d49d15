"""A command that runs several scenarios, in a directory that loses nothing of any of them.

Each scenario under each seed is a run of its own, which can be replayed, extended and repaired like
any other. Their joint summary is written at the end, and follows from them.

    manifest.json, scenario.yaml   the command, its base, and what else decides every number
    studies/DIGEST-SEED/            the run of one scenario
    COMMAND.json, COMMAND.csv      what they say together
    dictionary.csv                 what each column of that table is
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trialsim.runs.directory import (
    DICTIONARY,
    PARTS,
    Answer,
    Notice,
    RunDirectory,
    add_line,
    entries,
    find_run,
    open_run,
    write_anew,
)
from trialsim.runs.manifest import RunManifest
from trialsim.runs.manifest_file import SCENARIO, claim, writing_to
from trialsim.runs.part_file import SUFFIX
from trialsim.runs.sealed import refuse_links, sealed

STUDIES: Final = "studies"
STUDY_BLOCK: Final = 256
"""Replicates in one part of a scenario's run, of which a command may need only a few."""
_SECONDS: Final = "seconds"
"""What is another's on another day, and therefore not written."""


@dataclass(frozen=True, slots=True)
class StudySetDirectory:
    """A folder of runs, one for each scenario and seed, and of their joint summary."""

    folder: Path
    manifest: RunManifest
    notice: Notice | None = None
    _opened: dict[str, RunDirectory] = field(default_factory=dict)

    def run_of(self, manifest: RunManifest) -> RunDirectory:
        """Return the run of a scenario, with what it holds already."""
        name = f"{manifest.scenario.digest}-{manifest.seed}"
        if name not in self._opened:
            folder = self.folder / STUDIES / name
            self._opened[name] = open_run(folder, manifest, self.notice)
        return self._opened[name].run_of(manifest)

    def write_summary(self, answer: Answer) -> None:
        """Write the joint summary, as JSON and as a table with its dictionary."""
        from trialsim.dictionary.answers import dictionary_of_answer
        from trialsim.runs.plain_csv import as_csv

        name = self.manifest.command.replace("-", "_")
        rows = answer.to_frame().drop(columns=_SECONDS, errors="ignore")
        write_anew(self.folder / f"{name}.json", sealed(_without_timings(answer.to_dict())))
        write_anew(self.folder / f"{name}.csv", as_csv(rows).encode())
        write_anew(self.folder / DICTIONARY, as_csv(dictionary_of_answer(name, rows)).encode())

    def log(self, **told: Any) -> None:
        """Add a line to the log."""
        add_line(self.folder, **told)


def open_study_set(
    folder: str | Path, manifest: RunManifest, notice: Notice | None = None
) -> StudySetDirectory:
    """Return the directory of a command that runs several scenarios, made if need be.

    Raises
    ------
    InputError
        If it is that of another command, with every path that differs, or of something else.
    RunError
        If it cannot be made or read.
    """
    folder = Path(folder)
    studies = StudySetDirectory(folder, claim(folder, manifest, STUDIES), notice)
    with writing_to(folder):
        refuse_links(folder / STUDIES)
    return studies


def runs_in(folder: str | Path) -> list[RunDirectory]:
    """Return the runs that a directory holds, to be read.

    Raises
    ------
    InputError
        If there is a link among them.
    RunError
        If one cannot be read.
    """
    places = entries(Path(folder) / STUDIES)
    return [find_run(place) for place in places if (place / SCENARIO).exists()]  # written last


def what_is_kept(folder: Path) -> str:
    """Return what a run that was stopped has kept, and how it continues."""
    studies = list((folder / STUDIES).glob("*"))
    parts = [*folder.glob(f"{PARTS}/*{SUFFIX}"), *folder.glob(f"{STUDIES}/*/{PARTS}/*{SUFFIX}")]
    of_studies = f" of {len(studies)} scenarios" if studies else ""
    return (
        f"{len(parts)} finished blocks{of_studies} are kept in {folder}, and the same command "
        "continues"
    )


def _without_timings(told: Any) -> Any:
    """Return plain values without the seconds that they took."""
    if isinstance(told, Mapping):
        return {name: _without_timings(part) for name, part in told.items() if name != _SECONDS}
    return [_without_timings(part) for part in told] if isinstance(told, list) else told

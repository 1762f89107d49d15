"""Results as a folder of files, whole or not at all, with where they came from beside them.

Every file is first written in full under another name in the same folder; only when all are
written do they take their names, the manifest last.
"""

import json
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pandas import DataFrame

from trialsim.analysis.analyse import Analysis
from trialsim.datasets import TABLES
from trialsim.dictionary.column import NAME as DICTIONARY
from trialsim.dictionary.trials import dictionary
from trialsim.errors import InputError, Problem, RunError
from trialsim.questions.monitoring.board import analysis_told
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.package import (
    FOLDERS,
    File,
    cdisc_files,
    check_installed,
    file_names,
)
from trialsim.reporting.consort.account import account_of
from trialsim.reporting.table_format import USUAL_START, TableFormat
from trialsim.runs.plain_csv import as_csv
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.trial.trial import Trial

MANIFEST: Final = "manifest.json"
SCENARIO: Final = "scenario.yaml"
ACCOUNT: Final = "consort.json"
ANALYSIS: Final = "analysis.json"
PART: Final = ".part"
PACKAGES: Final = ("trialsim", "numpy", "scipy", "simpy", "pandas")

Writer = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where files came from: enough to make them again."""

    scenario: Scenario
    seed: int
    replicates: tuple[int, ...]
    """The numbers of the replicates in the files."""
    failures: Mapping[int, str]
    """Why each replicate failed that is not in them."""
    engine: str
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values, for JSON."""
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "digest": self.scenario.digest,
            "seed": self.seed,
            "replicates": list(self.replicates),
            "failures": {str(number): reason for number, reason in self.failures.items()},
            "engine": self.engine,
            "command": self.command,
            "versions": {
                **{package: version(package) for package in PACKAGES},
                "python": platform.python_version(),
            },
            "note": SIMULATED,
        }


def manifest_of(trial: Trial, command: str) -> Manifest:
    """Return the manifest of a trial that a command made."""
    return Manifest(
        scenario=trial.scenario,
        seed=trial.seed,
        replicates=tuple(trial.replicates.tolist()),
        failures=trial.failures,
        engine=trial.engine,
        command=command,
    )


def check_format(format: TableFormat, study_start: str) -> None:
    """Refuse a format that cannot be written, before anything is simulated.

    Raises
    ------
    InputError
        If it is unknown, if what writes it is not installed, or if the date is none or no Monday.
    """
    if format == "cdisc":
        check_installed()
        calendar_from(study_start)


def write_analysed(
    folder: str | Path,
    trial: SimulatedTrial,
    result: Analysis,
    command: str = "",
    format: TableFormat = "csv",
    study_start: str = USUAL_START,
) -> None:
    """Write a trial and its analysis to a folder, as `write_trial` does, or as CDISC datasets.

    The analysis of a trial that looks begins with its own result and with what its board saw.
    """
    manifest, account = manifest_of(trial.batch, command), account_of(trial, result)
    analysis = analysis_told(trial, result)
    if format != "cdisc":
        write_trial(folder, trial.tables(), account, analysis, manifest, format)
        return
    _write_folder(
        Path(folder), cdisc_files(trial, result, study_start), account, analysis, manifest
    )


def write_trial(
    folder: str | Path,
    tables: Mapping[str, DataFrame],
    consort: Mapping[str, Any],
    analysis: Mapping[str, Any],
    manifest: Manifest,
    format: TableFormat = "csv",
) -> None:
    """Write tables, their dictionary, CONSORT account, analysis, scenario and manifest to a folder.

    The folder is made if need be. A trial that was written to it before is replaced.

    Raises
    ------
    InputError
        If the format is unknown, or the folder holds something else than results.
    RunError
        If a file cannot be written; what was there before is then still there.
    """
    if format not in _TABLE:
        raise InputError([Problem("format", f"must be {' or '.join(_TABLE)}", format)])
    told = {**tables, DICTIONARY: dictionary(manifest.scenario, tables)}
    files = {
        f"{name}.{format}": File(partial(_TABLE[format], table), len(table))
        for name, table in told.items()
    }
    _write_folder(Path(folder), files, consort, analysis, manifest)


def open_folder(folder: str | Path) -> None:
    """Make a folder for results, or see that nothing but earlier results would be overwritten.

    Raises
    ------
    InputError
        If the folder is a file, or holds something else than results, such as a run.
    RunError
        If the folder cannot be made.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem("--out", "must be a folder, not a file", str(folder))])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        left = any(not _of_killed_write(path) for path in folder.rglob("*"))
    except OSError as error:
        raise _unwritable(folder, error) from None
    if left and _held_manifest(folder) is None:
        rule = "must be new, empty, or hold results written before; this one holds other files"
        raise InputError([Problem("--out", rule, str(folder))])


def _write_folder(
    folder: Path,
    files: Mapping[str, File],
    consort: Mapping[str, Any],
    analysis: Mapping[str, Any],
    manifest: Manifest,
) -> None:
    """Write files and what goes with them, then remove those that were there in another format."""
    rows = {name: file.rows for name, file in files.items() if file.rows is not None}
    writers: dict[str, Writer] = {
        **{name: file.write for name, file in files.items()},
        ACCOUNT: partial(_write_json, consort),
        ANALYSIS: partial(_write_json, analysis),
        SCENARIO: partial(_write_text, to_yaml(manifest.scenario)),
        MANIFEST: partial(_write_json, {**manifest.to_dict(), "files": rows}),
    }
    open_folder(folder)
    try:
        _write_all(folder, writers)
        for other in _names_of_files() - writers.keys():
            (folder / other).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    for part in FOLDERS:
        with suppress(OSError):  # it is not empty, or not there
            (folder / part).rmdir()


def _names_of_files() -> set[str]:
    """Return every name that a table or dataset of a trial may have, in whatever format."""
    return {f"{name}.{one}" for name in (*TABLES, DICTIONARY) for one in _TABLE} | file_names()


def _of_killed_write(path: Path) -> bool:
    """Return whether a killed write has left this behind, or made the folder for it."""
    return path.suffix == PART or (path.name in FOLDERS and path.is_dir())


def _unwritable(folder: Path, error: OSError) -> RunError:
    return RunError(f"cannot write to {folder}: {error.strerror or error}")


def _held_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of the results in a folder; that of a run lists no files."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        of_results = "trialsim" in content["versions"] and {"digest", "files"} <= content.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content if of_results else None


def _write_all(folder: Path, writers: Mapping[str, Writer]) -> None:
    """Write every file in full, then let all of them take their names, in order."""
    parts = {}
    for name in writers:
        path = folder / name
        parts[name] = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        for name, write in writers.items():
            parts[name].parent.mkdir(exist_ok=True)
            write(parts[name])
        for name, part in parts.items():
            part.replace(folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _write_csv(table: DataFrame, path: Path) -> None:
    _write_text(as_csv(table), path)


def _write_parquet(table: DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False, engine="pyarrow")


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    _write_text(as_json(content) + "\n", path)


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


_TABLE: Final[Mapping[TableFormat, Callable[[DataFrame, Path], None]]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
}

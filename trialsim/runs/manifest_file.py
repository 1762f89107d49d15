"""A folder says what decides the numbers in it, and takes no others.

Of two processes that begin different runs in one folder, one gets its manifest there and the other
is refused. The manifest is written before anything else, the whole scenario beside it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from trialsim.errors import InputError, Problem, RunError
from trialsim.runs.atomic_file import HALF_WRITTEN, sweep, write_first, write_whole
from trialsim.runs.manifest import RunManifest, run_differences
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.trial.trial import Engine

MANIFEST: Final = "manifest.json"
SCENARIO: Final = "scenario.yaml"


def claim(folder: Path, manifest: RunManifest, holds: str) -> RunManifest:
    """Make a folder that of a run, and return the manifest that it then has.

    What it `holds` is a folder in it, and is made too. What killed writers left is removed.

    Raises
    ------
    InputError
        If it holds another run, with every path that differs, or something else.
    RunError
        If it cannot be made or read.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem("--out", "must be a folder, not a file", str(folder))])
    with writing_to(folder):
        _begin(folder, manifest, holds)
        _complete(folder, manifest)
    held = read_manifest(folder)  # of whoever was first
    problems = list(run_differences(held, manifest, str(folder)))
    if problems:
        raise InputError(problems)
    with writing_to(folder):
        for place in (folder, folder / holds):
            sweep(place)
    return held


def read_manifest(folder: Path) -> RunManifest:
    """Return the manifest of a run, with the scenario beside it.

    Raises
    ------
    InputError
        If either is not there or not whole, or they are not of one study.
    """
    told = _told(folder)
    scenario = load_study(folder / SCENARIO)
    if scenario.digest != told.digest:
        rule = f"must have the digest of the manifest, {told.digest}: it was changed"
        raise InputError([Problem("", rule, scenario.digest, str(folder / SCENARIO))])
    return RunManifest(scenario, *told[1:])


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in one line that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror or error}") from None


class _Told(NamedTuple):
    """What a manifest file says; the scenario is beside it."""

    digest: str
    seed: int
    engine: Engine
    versions: dict[str, str]
    block: int
    command: str
    inputs: dict[str, Any]


def _told(folder: Path) -> _Told:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return _Told(
            told["digest"],
            int(told["seed"]),
            cast(Engine, told["engine"]),
            dict(told["versions"]),
            int(told["block"]),
            told["command"],
            dict(told["inputs"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        rule = f"must be the directory of a run, with its {MANIFEST}"
        raise InputError([Problem("run", rule, str(folder))]) from None


def _begin(folder: Path, manifest: RunManifest, holds: str) -> None:
    """Make what is not there yet; the first manifest stays, and no other scenario is written."""
    folder.mkdir(parents=True, exist_ok=True)
    # listed before looking for the manifest, which is there before whatever else a run writes
    others = {path.name for path in folder.iterdir() if path.suffix != HALF_WRITTEN}
    if not (folder / MANIFEST).exists():
        if others - {SCENARIO, holds}:  # which a run killed at its start leaves
            rule = "must be new, empty, or the directory of this run; it holds other files"
            raise InputError([Problem("--out", rule, str(folder))])
        (folder / holds).mkdir(exist_ok=True)
        if write_first(folder / MANIFEST, f"{as_json(manifest.to_dict())}\n".encode()):
            write_whole(folder / SCENARIO, to_yaml(manifest.scenario).encode())


def _complete(folder: Path, manifest: RunManifest) -> None:
    """Write the scenario if a process stopped, or still is, between the manifest and it."""
    if (folder / SCENARIO).exists():
        return
    digest = _told(folder).digest
    if digest != manifest.scenario.digest:
        rule = f"must have the digest {digest}, as in {folder}"
        raise InputError([Problem("scenario", rule, manifest.scenario.digest)])
    write_first(folder / SCENARIO, to_yaml(manifest.scenario).encode())

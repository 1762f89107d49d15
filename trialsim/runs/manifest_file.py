"""A folder says what decides the numbers in it, and takes no others.

Of two processes that begin different runs in one folder, one gets its manifest there and the other
is refused. The manifest is written before anything else, the whole scenario beside it.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from trialsim.errors import InputError, Problem, RunError
from trialsim.runs.atomic_file import HALF_WRITTEN, sweep, write_first, write_whole
from trialsim.runs.manifest import RunManifest, run_differences
from trialsim.runs.sealed import checksum, read_regular, refuse_links, sealed, unsealed
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import to_yaml
from trialsim.scenario.programme import Study

MANIFEST: Final = "manifest.json"
SCENARIO: Final = "scenario.yaml"
_CHANGED: Final = "must be as it was written, and is not: bring the file back from a copy"


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
    held = read_manifest(folder, manifest.scenario)  # of whoever was first
    problems = list(run_differences(held, manifest, str(folder)))
    if problems:
        raise InputError(problems)
    with writing_to(folder):
        for place in (folder, folder / holds):
            sweep(place)
    return held


def read_manifest(folder: Path, known: Study | None = None) -> RunManifest:
    """Return the manifest of a run, with the scenario beside it, which is read unless it is known.

    Raises
    ------
    InputError
        If either is not there or not as it was written, or the folder holds a link.
    """
    told = _stored(folder)
    if checksum(_scenario(folder)) != told.scenario_file:
        raise InputError([Problem("", _CHANGED, file=str(folder / SCENARIO))])
    if known is None or known.digest != told.digest:
        known = load_study(folder / SCENARIO)
    if known.digest != told.digest:
        rule = f"must have the digest of the manifest, {told.digest}"
        raise InputError([Problem("", rule, known.digest, str(folder / SCENARIO))])
    return told.beside(known)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in one line that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror or error}") from None


class _Stored(BaseModel):
    """What a manifest file says; the scenario is beside it."""

    model_config = ConfigDict(strict=True, frozen=True)

    digest: str
    seed: int = Field(ge=0, lt=2**64)
    engine: Literal["events", "vector"]
    versions: dict[str, str]
    block: int = Field(ge=1, le=2**32)
    command: str
    inputs: dict[str, Any]
    processor: str
    scenario_file: str
    """The checksum of the file with the scenario."""

    def beside(self, scenario: Study) -> RunManifest:
        """Return the manifest with its scenario."""
        return RunManifest(scenario, **self.model_dump(exclude={"digest", "scenario_file"}))


def _stored(folder: Path) -> _Stored:
    file = folder / MANIFEST
    try:
        refuse_links(folder)
        return _Stored.model_validate(unsealed(file))
    except InputError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        rule = f"must be the directory of a run, with its {MANIFEST}"
        raise InputError([Problem("run", rule, str(folder))]) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # only the name that was given can be wrong
            rule = f"must be the directory of a run: {error.strerror}"
            raise InputError([Problem("run", rule, str(folder))]) from None
        raise RunError(f"cannot read {file}: {error.strerror or error}") from None
    except ValueError:  # pydantic's among them
        raise InputError([Problem("", _CHANGED, file=str(file))]) from None


def _scenario(folder: Path) -> bytes:
    file = folder / SCENARIO
    try:
        return read_regular(file)
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror or error}") from None


def _begin(folder: Path, manifest: RunManifest, holds: str) -> None:
    """Make what is not there yet; the first manifest stays, and no other scenario is written."""
    folder.mkdir(parents=True, exist_ok=True)
    refuse_links(folder)
    # listed before looking for the manifest, which is there before whatever else a run writes
    others = {path.name for path in folder.iterdir() if path.suffix != HALF_WRITTEN}
    if not (folder / MANIFEST).exists():
        if others - {SCENARIO, holds}:  # which a run killed at its start leaves
            rule = "must be new, empty, or the directory of this run; it holds other files"
            raise InputError([Problem("--out", rule, str(folder))])
        scenario = to_yaml(manifest.scenario).encode()
        told = {**manifest.to_dict(), "scenario_file": checksum(scenario)}
        if write_first(folder / MANIFEST, sealed(told)):
            write_whole(folder / SCENARIO, scenario)
    (folder / holds).mkdir(exist_ok=True)


def _complete(folder: Path, manifest: RunManifest) -> None:
    """Write the scenario if a process stopped, or still is, between the manifest and it."""
    if (folder / SCENARIO).exists():
        return
    digest = _stored(folder).digest
    if digest != manifest.scenario.digest:
        rule = f"must have the digest {digest}, as in {folder}"
        raise InputError([Problem("scenario", rule, manifest.scenario.digest)])
    write_first(folder / SCENARIO, to_yaml(manifest.scenario).encode())

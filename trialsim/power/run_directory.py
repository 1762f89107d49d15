"""A run on disk that can be killed at any moment and loses at most the blocks under way.

The grid of blocks is fixed: block b holds replicates b * block to (b + 1) * block - 1, always whole
ones, and a summary over N replicates takes the first N. So a longer run adds parts and changes
none. A part is written whole or not at all, under a name that holds its checksum; its bytes follow
from its address. Two processes in one directory therefore need no lock, which a killed one could
leave behind: both would write the same bytes under the same name. Of two that begin different runs
in it, one gets its manifest there and the other is refused.

    manifest.json, scenario.yaml   what decides every number
    parts/NNNNNNNN-CHECKSUM.parquet
    summary.json                   the operating characteristics of the first N replicates
    log.jsonl                      commands and times; they decide nothing
    *.damaged                      parts whose checksum was wrong, set aside
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from trialsim.errors import InputError, Problem, RunError
from trialsim.power.atomic_file import HALF_WRITTEN, sweep, write_first, write_whole
from trialsim.power.part_file import (
    SUFFIX,
    PartName,
    checksum,
    from_parquet,
    origin_of,
    parsed_name,
    to_parquet,
)
from trialsim.power.plain_json import as_json
from trialsim.power.power import PowerResult
from trialsim.power.replicates import Replicates, joined
from trialsim.power.run_manifest import RunManifest, run_differences
from trialsim.scenario.files import load, to_yaml
from trialsim.trial.trial import Engine

MANIFEST: Final = "manifest.json"
SCENARIO: Final = "scenario.yaml"
SUMMARY: Final = "summary.json"
PARTS: Final = "parts"
LOG: Final = "log.jsonl"
DAMAGED: Final = ".damaged"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A folder that holds a run, open for reading and adding."""

    folder: Path
    manifest: RunManifest
    damaged: tuple[str, ...] = ()
    """Parts that were set aside when it was opened."""
    _names: dict[int, str] = field(default_factory=dict)
    """The file of each block that is held."""

    @property
    def held(self) -> set[int]:
        """The blocks that are finished."""
        return set(self._names)

    def replicates_of(self, block: int) -> range:
        """Return the numbers of the replicates in a block."""
        return range(block * self.manifest.block, (block + 1) * self.manifest.block)

    def blocks_of(self, replicates: int) -> range:
        """Return the blocks that hold the first replicates."""
        return range(-(-replicates // self.manifest.block))

    def missing(self, blocks: Iterable[int]) -> list[int]:
        """Return which of the blocks are not finished, in order."""
        return [block for block in blocks if block not in self._names]

    def add(self, block: int, results: Replicates) -> None:
        """Write the results of a block."""
        content = to_parquet(self.replicates_of(block), results, self.manifest.origin())
        self.add_part(block, content)

    def add_part(self, block: int, content: bytes) -> None:
        """Write the part of a block as it is.

        Raises
        ------
        RunError
            If the block is held with other bytes, which one machine cannot make.
        """
        name = str(PartName(block, checksum(content)))
        if self._names.get(block, name) != name:
            raise _torn(self.folder, block)
        with writing_to(self.folder):
            write_whole(self.folder / PARTS / name, content)
        self._names[block] = name

    def part(self, block: int) -> bytes:
        """Return the bytes of a block that is held."""
        return (self.folder / PARTS / self._names[block]).read_bytes()

    def first(self, replicates: int) -> Replicates:
        """Return the results of the first replicates, all of whose blocks are held."""
        parts = [from_parquet(self.part(block)) for block in self.blocks_of(replicates)]
        return first_of(joined(parts), replicates)

    def summarise(self, result: PowerResult) -> None:
        """Write the summary, without the seconds, which are another's on another day."""
        told = {name: value for name, value in result.to_dict().items() if name != "seconds"}
        with writing_to(self.folder):
            write_whole(self.folder / SUMMARY, f"{as_json(told)}\n".encode())

    def log(self, **told: Any) -> None:
        """Add a line to the log."""
        with writing_to(self.folder), (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")


def open_run(folder: str | Path, manifest: RunManifest) -> RunDirectory:
    """Return the directory of a run, made if need be, with what it holds already.

    A part whose checksum is wrong is set aside and not held.

    Raises
    ------
    InputError
        If it holds another run, with every path that differs, or something else.
    RunError
        If it cannot be made or read.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem("--out", "must be a folder, not a file", str(folder))])
    with writing_to(folder):
        _begin(folder, manifest)
        _complete(folder, manifest)
    held = read_manifest(folder)  # of whoever was first
    problems = list(run_differences(held, manifest, str(folder)))
    if problems:
        raise InputError(problems)
    with writing_to(folder):
        for place in (folder, folder / PARTS):
            sweep(place)
    return _opened(folder, held)


def find_run(folder: str | Path) -> RunDirectory:
    """Return the directory of a run that exists.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    with writing_to(folder):
        return _opened(folder, manifest)


def read_manifest(folder: Path) -> RunManifest:
    """Return the manifest of a run, with the scenario beside it.

    Raises
    ------
    InputError
        If either is not there or not whole, or they are not of one study.
    """
    told = _told(folder)
    scenario = load(folder / SCENARIO)
    if scenario.digest != told.digest:
        rule = f"must have the digest of the manifest, {told.digest}: it was changed"
        raise InputError([Problem("", rule, scenario.digest, str(folder / SCENARIO))])
    return RunManifest(scenario, told.seed, told.engine, told.versions, told.block)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in one line that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror or error}") from None


def first_of(results: Replicates, count: int) -> Replicates:
    """Return the results of the first replicates among those that start at 0."""
    columns = {name: values[:count] for name, values in results.columns.items()}
    failures = tuple(one for one in results.failures if one.replicate < count)
    return Replicates(columns, failures)


class _Told(NamedTuple):
    """What a manifest file says; the scenario is beside it."""

    digest: str
    seed: int
    engine: Engine
    versions: dict[str, str]
    block: int


def _told(folder: Path) -> _Told:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        digest, seed, engine = told["digest"], int(told["seed"]), cast(Engine, told["engine"])
        return _Told(digest, seed, engine, dict(told["versions"]), int(told["block"]))
    except (OSError, ValueError, KeyError, TypeError):
        rule = f"must be the directory of a run, with its {MANIFEST}"
        raise InputError([Problem("run", rule, str(folder))]) from None


def _begin(folder: Path, manifest: RunManifest) -> None:
    """Make what is not there yet; the first manifest stays, and no other scenario is written."""
    folder.mkdir(parents=True, exist_ok=True)
    # listed before looking for the manifest, which is there before whatever else a run writes
    others = {path.name for path in folder.iterdir() if path.suffix != HALF_WRITTEN}
    if not (folder / MANIFEST).exists():
        if others - {SCENARIO, PARTS}:  # which a run killed at its start leaves
            rule = "must be new, empty, or the directory of this run; it holds other files"
            raise InputError([Problem("--out", rule, str(folder))])
        (folder / PARTS).mkdir(exist_ok=True)
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


def _opened(folder: Path, manifest: RunManifest) -> RunDirectory:
    """Check every part against its checksum, and set the damaged ones aside."""
    names: dict[int, str] = {}
    damaged: list[str] = []
    for path in sorted((folder / PARTS).glob(f"*{SUFFIX}")):
        name = parsed_name(path.name)
        if name is None:
            continue
        if not _is_sound(path.read_bytes(), name, manifest):
            with suppress(FileNotFoundError):  # another process was first
                path.replace(folder / f"{path.name}{DAMAGED}")
            damaged.append(path.name)
        elif names.setdefault(name.block, path.name) != path.name:
            raise _torn(folder, name.block)
    return RunDirectory(folder, manifest, tuple(damaged), names)


def _is_sound(content: bytes, name: PartName, manifest: RunManifest) -> bool:
    """Return whether a part is as it was written, and of this run."""
    if checksum(content) != name.checksum:
        return False
    return manifest.origin().items() <= origin_of(content).items()


def _torn(folder: Path, block: int) -> RunError:
    return RunError(
        f"{folder} holds two different results of block {block}: they were computed on machines "
        "whose arithmetic differs, and must not be mixed"
    )

"""A run on disk that can be killed at any moment and loses at most the blocks under way.

The grid of blocks is fixed: block b holds replicates b * block to (b + 1) * block - 1, always whole
ones, and a summary over N replicates takes the first N. So a longer run adds parts and changes
none. A part is written whole or not at all, under a name that holds its checksum; its bytes follow
from its address. Two processes in one directory therefore need no lock, which a killed one could
leave behind: both would write the same bytes under the same name.

    manifest.json, scenario.yaml   what decides every number
    parts/NNNNNNNN-CHECKSUM.parquet
    summary.json                   the operating characteristics of the first N replicates
    log.jsonl                      commands and times; they decide nothing
    *.damaged                      parts whose checksum was wrong, set aside
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.run import Replicates, joined
from trialsim.runs.atomic_file import write_whole
from trialsim.runs.manifest import POWER, RunManifest, run_differences
from trialsim.runs.manifest_file import claim, read_manifest, writing_to
from trialsim.runs.part_file import (
    SUFFIX,
    PartName,
    checksum,
    from_parquet,
    origin_of,
    parsed_name,
    to_parquet,
)
from trialsim.runs.plain_json import as_json

if TYPE_CHECKING:
    from pandas import DataFrame

SUMMARY: Final = "summary.json"
PARTS: Final = "parts"
LOG: Final = "log.jsonl"
DAMAGED: Final = ".damaged"


class Answer(Protocol):
    """What replicates say together."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        ...

    def to_frame(self) -> "DataFrame":
        """Return it as a table."""
        ...


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

    def blocks_of(self, replicates: range) -> range:
        """Return the blocks that hold contiguous replicates."""
        block = self.manifest.block
        return range(replicates.start // block, -(-replicates.stop // block))

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
            raise _conflicting_blocks(self.folder, block)
        with writing_to(self.folder):
            write_whole(self.folder / PARTS / name, content)
        self._names[block] = name

    def part(self, block: int) -> bytes:
        """Return the bytes of a block that is held."""
        return (self.folder / PARTS / self._names[block]).read_bytes()

    def results(self, replicates: range) -> Replicates:
        """Return the results of contiguous replicates, all of whose blocks are held."""
        blocks = self.blocks_of(replicates)
        whole = joined([from_parquet(self.part(block)) for block in blocks])
        return _cut(whole, replicates, blocks.start * self.manifest.block)

    def run_of(self, manifest: RunManifest) -> "RunDirectory":
        """Return this run, if it is the one of a manifest.

        Raises
        ------
        InputError
            If it is another, with every path that differs.
        """
        problems = list(run_differences(self.manifest, manifest, str(self.folder)))
        if problems:
            raise InputError(problems)
        return self

    def write_summary(self, answer: Answer) -> None:
        """Write the summary, without the seconds, which are another's on another day."""
        told = {name: value for name, value in answer.to_dict().items() if name != "seconds"}
        with writing_to(self.folder):
            write_whole(self.folder / SUMMARY, f"{as_json(told)}\n".encode())

    def log(self, **told: Any) -> None:
        """Add a line to the log."""
        add_line(self.folder, **told)


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
    held = claim(folder, manifest, PARTS)
    with writing_to(folder):
        return _opened(folder, held)


def find_run(folder: str | Path) -> RunDirectory:
    """Return the directory of a run that exists.

    Raises
    ------
    InputError
        If there is none, or one of several studies.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.command != POWER:
        rule = f"must be the directory of one study's run, such as those in a {manifest.command}"
        raise InputError([Problem("run", rule, str(folder))])
    with writing_to(folder):
        return _opened(folder, manifest)


def add_line(folder: Path, **told: Any) -> None:
    """Add a line to the log of a folder, if it can be written: the log decides nothing."""
    with suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def _cut(whole: Replicates, replicates: range, start: int) -> Replicates:
    """Return the results of some replicates among those that follow from `start` on."""
    part = slice(replicates.start - start, replicates.stop - start)
    columns = {name: values[part] for name, values in whole.columns.items()}
    failures = tuple(one for one in whole.failures if one.replicate in replicates)
    return Replicates(columns, failures)


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
            raise _conflicting_blocks(folder, name.block)
    return RunDirectory(folder, manifest, tuple(damaged), names)


def _is_sound(content: bytes, name: PartName, manifest: RunManifest) -> bool:
    """Return whether a part is as it was written, and of this run."""
    if checksum(content) != name.checksum:
        return False
    return manifest.origin().items() <= origin_of(content).items()


def _conflicting_blocks(folder: Path, block: int) -> RunError:
    return RunError(
        f"{folder} holds two different results of block {block}: they were computed on machines "
        "whose arithmetic differs, and must not be mixed"
    )

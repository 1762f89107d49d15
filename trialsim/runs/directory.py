"""A run on disk that can be killed at any moment and loses at most the blocks under way.

The grid of blocks is fixed: block b holds replicates b * block to (b + 1) * block - 1, always whole
ones, and a summary over N replicates takes the first N. So a longer run adds parts and changes
none. A part is written whole or not at all, under a name that holds its checksum; its bytes follow
from its address. Two processes in one directory therefore need no lock, which a killed one could
leave behind: both would write the same bytes under the same name.

    manifest.json, scenario.yaml   what decides every number
    parts/NNNNNNNN-CHECKSUM.parquet
    dictionary.csv                 what each column of the parts is
    summary.json                   the operating characteristics of the first N replicates
    log.jsonl                      commands and times; they decide nothing
    *.damaged                      parts that were damaged, misnamed or of another block
"""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.run import Replicates, joined
from trialsim.runs.atomic_file import write_whole
from trialsim.runs.manifest import POWER, RunManifest, run_differences
from trialsim.runs.manifest_file import claim, read_manifest, writing_to
from trialsim.runs.part_file import (
    SUFFIX,
    PartName,
    from_parquet,
    origin_of,
    parsed_name,
    to_parquet,
)
from trialsim.runs.sealed import NEITHER_LINK_NOR_WAIT, checksum, read_regular, refuse_links, sealed

if TYPE_CHECKING:
    from pandas import DataFrame

SUMMARY: Final = "summary.json"
DICTIONARY: Final = "dictionary.csv"
PARTS: Final = "parts"
LOG: Final = "log.jsonl"
DAMAGED: Final = ".damaged"


Notice: TypeAlias = Callable[[str], None]
"""Called with a line on what was found damaged and set aside."""


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
    """Parts that were damaged, misnamed or of another block when it was opened."""
    _names: dict[int, str] = field(default_factory=dict)
    """The file of each block that is held."""

    @property
    def held(self) -> set[int]:
        """The blocks that are finished."""
        return set(self._names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The numbers that are kept of each replicate."""
        return self.manifest.kept.names

    def replicates_of(self, block: int) -> range:
        """Return the numbers of the replicates in a block."""
        return range(block * self.manifest.block, (block + 1) * self.manifest.block)

    def blocks_of(self, replicates: range) -> range:
        """Return the blocks that hold contiguous replicates."""
        return self.manifest.blocks_of(replicates)

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
        return read_regular(self.folder / PARTS / self._names[block])

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
        write_anew(self.folder / SUMMARY, sealed(told))

    def log(self, **told: Any) -> None:
        """Add a line to the log."""
        add_line(self.folder, **told)


def open_run(
    folder: str | Path, manifest: RunManifest, notice: Notice | None = None
) -> RunDirectory:
    """Return the directory of a run, made if need be, with what it holds already.

    A part that is damaged, misnamed or of another block is set aside and not held.

    Raises
    ------
    InputError
        If it holds another run, with every path that differs, or something else.
    RunError
        If it cannot be made or read.
    """
    folder = Path(folder)
    held = claim(folder, manifest, PARTS)
    if notice is not None and held.processor != manifest.processor:
        notice(
            f"{folder} was begun on another processor ({held.processor}, here "
            f"{manifest.processor}), which may give a number another last bit"
        )
    run = _opened(folder, held)
    _describe_parts(run)
    with writing_to(folder):
        for name in run.damaged:
            with suppress(FileNotFoundError):  # another process was first
                (folder / PARTS / name).replace(folder / f"{name}{DAMAGED}")
            if notice is not None:
                notice(f"{name} was damaged, misnamed or of another block: set aside in {folder}")
    return run


def _describe_parts(run: RunDirectory) -> None:
    """Write what each column of the parts is."""
    from trialsim.dictionary.replicates import dictionary_of_parts
    from trialsim.runs.plain_csv import as_csv

    told = dictionary_of_parts(run.manifest.scenario, run.columns)
    write_anew(run.folder / DICTIONARY, as_csv(told).encode())


def find_run(folder: str | Path) -> RunDirectory:
    """Return the directory of a run that exists, to be read: nothing in it is changed.

    Raises
    ------
    InputError
        If there is none, or one of several studies.
    RunError
        If it cannot be read, or its parts are of another run than its manifest.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.command != POWER:
        rule = (
            f"must be the directory of one study's run; {manifest.command} keeps several, one for "
            "each scenario"
        )
        raise InputError([Problem("run", rule, str(folder))])
    return _opened(folder, manifest)


def add_line(folder: Path, **told: Any) -> None:
    """Add a line to the log of a folder, if it can be written: the log decides nothing."""
    with suppress(OSError):
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NEITHER_LINK_NOR_WAIT
        log = os.open(folder / LOG, how, 0o666)
        with os.fdopen(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")


def write_anew(file: Path, content: bytes) -> None:
    """Write a file unless it holds the same already, as in a finished run that is read-only.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    with suppress(OSError):
        if read_regular(file) == content:
            return
    with writing_to(file.parent):
        write_whole(file, content)


def _cut(whole: Replicates, replicates: range, start: int) -> Replicates:
    """Return the results of some replicates among those that follow from `start` on."""
    part = slice(replicates.start - start, replicates.stop - start)
    columns = {name: values[part] for name, values in whole.columns.items()}
    failures = tuple(one for one in whole.failures if one.replicate in replicates)
    return Replicates(columns, failures)


def _opened(folder: Path, manifest: RunManifest) -> RunDirectory:
    """Look at every part, whether it is as it was written and of its block of this run."""
    names: dict[int, str] = {}
    damaged: list[str] = []
    foreign = 0
    run = RunDirectory(folder, manifest)
    columns = run.columns
    for path in entries(folder / PARTS):
        name = parsed_name(path.name)
        if name is None:
            if path.suffix == SUFFIX:  # a copy of a part, say, which is of no block
                damaged.append(path.name)
            continue
        content, origin = _content(path, name), None
        if content is not None:
            origin = origin_of(content, run.replicates_of(name.block), columns)
        if origin != manifest.origin():
            damaged.append(path.name)
            foreign += origin is not None
        elif names.setdefault(name.block, path.name) != path.name:
            raise _conflicting_blocks(folder, name.block)
    if foreign and not names:
        raise RunError(
            f"no part in {folder} is of the run of its manifest: one of the two is that "
            "of another run; nothing was changed"
        )
    return replace(run, damaged=tuple(damaged), _names=names)


def entries(folder: Path) -> list[Path]:
    """Return what stands in a folder; one that is not there is empty.

    Raises
    ------
    InputError
        If there is a link in it.
    RunError
        If it cannot be read.
    """
    try:
        refuse_links(folder)
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot read {folder}: {error.strerror or error}") from None


def _content(path: Path, name: PartName) -> bytes | None:
    """Return the bytes of a part, None if they are not those that were written."""
    try:
        content = read_regular(path)
    except PermissionError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None
    except OSError:  # a link, a pipe, a bad sector, or gone since
        return None
    return content if checksum(content) == name.checksum else None


def _conflicting_blocks(folder: Path, block: int) -> RunError:
    return RunError(
        f"{folder} holds two different results of block {block}: they were computed on machines "
        "whose arithmetic differs, and must not be mixed"
    )

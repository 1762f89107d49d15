"""One run as several that know nothing of one another, and their parts merged.

Shard i of n computes every n-th block of all that a command runs, from the i-th on. Merging copies
parts, so it ends with the bytes of a run on one machine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeVar

from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.result import PowerResult, summarised
from trialsim.runs.directory import RunDirectory, find_run, open_run, write_anew
from trialsim.runs.manifest import RunManifest, run_differences
from trialsim.runs.manifest_file import read_manifest
from trialsim.runs.sealed import sealed, unsealed
from trialsim.runs.study_set import open_study_set, runs_in

SHARD: Final = "shard.json"
Block = TypeVar("Block")


class Shard(NamedTuple):
    """One of several runs that share the blocks; the first is 1."""

    number: int
    of: int

    def __str__(self) -> str:
        """Say which shard it is, as one writes it."""
        return f"{self.number}/{self.of}"

    def share(self, blocks: Sequence[Block]) -> list[Block]:
        """Return those of all blocks that are this shard's.

        >>> Shard(2, 3).share(range(8)), Shard(3, 3).share(range(8))
        ([2, 5], [0, 3, 6])
        """
        return list(blocks[self.number % self.of :: self.of])


def parsed_shard(text: str) -> Shard:
    """Return the shard that i/n means.

    >>> parsed_shard("2/4")
    Shard(number=2, of=4)

    Raises
    ------
    InputError
        If it is not two whole numbers, the first from 1 to the second.
    """
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise InputError([Problem("--shard", "must be i/n, with i from 1 to n", text)])


class ShardFinished(Exception):  # noqa: N818 - not an error
    """A shard has computed its share; what was asked is answered when all are merged."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(f"shard {shard} is finished")


Work: TypeAlias = Sequence[tuple[str, range]]
"""The digests of studies, each with replicates that are run of it."""


class _Note(NamedTuple):
    """What a directory says of the shard that it is."""

    shard: Shard
    work: Work
    """What all shards run together."""


def blocks_in(work: Work, manifest: RunManifest) -> list[tuple[str, int]]:
    """Return the blocks that shards share, each once, with the digest of its study."""
    blocks = (
        (digest, block) for digest, replicates in work for block in manifest.blocks_of(replicates)
    )
    return list(dict.fromkeys(blocks))


def note_shard(folder: Path, shard: Shard, work: Work) -> None:
    """Write beside what is kept of which shard it is, and what all shards run.

    Raises
    ------
    InputError
        If it is the directory of another shard.
    """
    held = _note(folder)
    if held is not None and held.shard != shard:
        rule = f"must be {held.shard}, which {folder} is the directory of"
        raise InputError([Problem("--shard", rule, str(shard))])
    told = [[digest, part.start, part.stop] for digest, part in work]
    write_anew(folder / SHARD, sealed({"shard": str(shard), "work": told}))


def merge(out: str | Path, folders: Sequence[str | Path]) -> PowerResult:
    """Lay the parts of shards of one study together in one directory, and summarise them.

    Parts that are damaged are left out. Shards may be merged a few at a time;
    what is there is kept.

    Raises
    ------
    InputError
        If the shards are not of one run, with every path that differs.
    RunError
        If blocks are missing, with the shards that have to be run again.
    """
    runs = [find_run(folder) for folder in folders]
    _refuse_others([(run.folder, run.manifest) for run in runs])
    noted = _longest([_noted(run.folder) for run in runs])
    whole = open_run(out, runs[0].manifest)
    for run in runs:
        _copy(run, whole)
    _refuse_incomplete(noted, [whole], whole.manifest)
    manifest, done = whole.manifest, whole.results(range(noted.work[-1][1].stop))
    result = summarised(manifest.scenario, manifest.seed, manifest.engine, done, 0.0)
    whole.write_summary(result)
    return result


def merge_study_sets(out: str | Path, folders: Sequence[str | Path]) -> int:
    """Lay the parts of shards of several studies together, and return how many blocks those are.

    The command that made the shards, in that directory and for all blocks, then answers from them.

    Raises
    ------
    InputError
        If the shards are not of one command, with every path that differs.
    RunError
        If blocks are missing, with the shards that have to be run again.
    """
    manifests = [(Path(folder), read_manifest(Path(folder))) for folder in folders]
    _refuse_others(manifests)
    noted = _longest([_noted(folder) for folder, _ in manifests])
    whole = open_study_set(out, manifests[0][1])
    for folder, _ in manifests:
        for run in runs_in(folder):
            _copy(run, whole.run_of(run.manifest))
    merged = runs_in(out)
    _refuse_incomplete(noted, merged, whole.manifest)
    return sum(len(run.held) for run in merged)


def _refuse_others(manifests: Sequence[tuple[Path, RunManifest]]) -> None:
    """Refuse, all at once, what is not of the run that the first is of."""
    where, first = manifests[0]
    problems = [
        problem
        for _, other in manifests[1:]
        for problem in run_differences(first, other, str(where))
    ]
    if problems:
        raise InputError(problems)


def _copy(run: RunDirectory, whole: RunDirectory) -> None:
    for block in sorted(run.held):
        whole.add_part(block, run.part(block))


def _note(folder: Path) -> _Note | None:
    """Return what a directory says of its shard, None if it says nothing that is whole."""
    try:
        told = unsealed(folder / SHARD)
        work = [(str(digest), range(start, stop)) for digest, start, stop in told["work"]]
        return _Note(parsed_shard(told["shard"]), work)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _noted(folder: Path) -> _Note:
    note = _note(folder)
    if note is None or not note.work:
        rule = "must be the directory of a run with --shard"
        raise InputError([Problem("shard", rule, str(folder))])
    return note


def _longest(notes: Sequence[_Note]) -> _Note:
    """Return the note of most replicates, which a shard that was extended has."""
    return max(notes, key=lambda note: sum(len(replicates) for _, replicates in note.work))


def _refuse_incomplete(note: _Note, runs: Sequence[RunDirectory], manifest: RunManifest) -> None:
    """Refuse what lacks blocks, with the shards whose they are."""
    held = {(run.manifest.scenario.digest, block) for run in runs for block in run.held}
    blocks, of = blocks_in(note.work, manifest), note.shard.of
    missing = [place for place, block in enumerate(blocks) if block not in held]
    if missing:
        names = ", ".join(str(Shard(one, of)) for one in sorted({at % of or of for at in missing}))
        raise RunError(
            f"{len(missing)} of {len(blocks)} blocks are missing: start shard {names} again, then "
            "merge"
        )

"""One run as several that know nothing of one another, and their parts merged.

Shard i of n computes every n-th block, from the i-th on. Merging copies parts, so it ends with the
bytes of a run on one machine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from trialsim.errors import InputError, Problem, RunError
from trialsim.replicates.checks import check_count
from trialsim.replicates.result import PowerResult, summarised
from trialsim.runs.directory import RunDirectory, find_run, open_run, write_anew
from trialsim.runs.manifest import run_differences
from trialsim.runs.runner import Runner
from trialsim.runs.sealed import sealed, unsealed
from trialsim.scenario.programme import Study

SHARD: Final = "shard.json"


class Shard(NamedTuple):
    """One of several runs that share the blocks; the first is 1."""

    number: int
    of: int

    def __str__(self) -> str:
        """Say which shard it is, as one writes it."""
        return f"{self.number}/{self.of}"

    def share(self, blocks: Sequence[int]) -> list[int]:
        """Return the blocks that are this shard's.

        >>> Shard(2, 3).share(range(8)), Shard(3, 3).share(range(8))
        ([2, 5], [0, 3, 6])
        """
        return [block for block in blocks if block % self.of == self.number % self.of]


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


def run_shard(runner: Runner, study: Study, shard: Shard, replicates: int) -> int:
    """Compute the blocks of a shard into the runner's directory, and return how many they are.

    Which shard it is, and of how many replicates, is written beside the parts.
    """
    check_count(replicates)
    run = runner.run_of(study)
    blocks = shard.share(run.blocks_of(range(replicates)))
    with runner.logged(shard=str(shard), replicates=replicates):
        write_anew(run.folder / SHARD, sealed({"shard": str(shard), "replicates": replicates}))
        runner.compute(run, blocks)
    return len(blocks)


def merge(out: str | Path, folders: Sequence[str | Path]) -> PowerResult:
    """Lay the parts of shards together in one directory, and summarise them.

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
    where = str(runs[0].folder)
    problems = [
        problem
        for run in runs[1:]
        for problem in run_differences(runs[0].manifest, run.manifest, where)
    ]
    if problems:
        raise InputError(problems)
    shards = [_noted(run) for run in runs]
    replicates = max(count for _, count in shards)
    whole = open_run(out, runs[0].manifest)
    for run in runs:
        for block in sorted(run.held):
            whole.add_part(block, run.part(block))
    blocks = whole.blocks_of(range(replicates))
    missing = whole.missing(blocks)
    if missing:
        raise RunError(_what_is_missing(missing, len(blocks), shards[0][0].of))
    manifest, done = whole.manifest, whole.results(range(replicates))
    result = summarised(manifest.scenario, manifest.seed, manifest.engine, done, 0.0)
    whole.write_summary(result)
    return result


def _noted(run: RunDirectory) -> tuple[Shard, int]:
    try:
        told = unsealed(run.folder / SHARD)
        return parsed_shard(told["shard"]), int(told["replicates"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        rule = "must be the directory of a run with --shard"
        raise InputError([Problem("shard", rule, str(run.folder))]) from None


def _what_is_missing(missing: Sequence[int], blocks: int, of: int) -> str:
    shards = sorted({block % of or of for block in missing})
    names = ", ".join(str(Shard(number, of)) for number in shards)
    return f"{len(missing)} of {blocks} blocks are missing: start shard {names} again, then merge"

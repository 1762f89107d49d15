"""The result of a run that is finished, read back from its directory."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialsim.errors import InputError, Problem
from trialsim.questions.estimands.result import Estimands
from trialsim.replicates.checks import check_count
from trialsim.replicates.result import PowerResult, summarised
from trialsim.runs.directory import LOG, SUMMARY, RunDirectory
from trialsim.runs.manifest import ESTIMANDS, RunManifest
from trialsim.runs.manifest_file import MANIFEST
from trialsim.runs.sealed import read_regular, unsealed
from trialsim.scenario.programme import single_trial


def finished(run: RunDirectory) -> PowerResult:
    """Return the result over as many replicates as the run's summary covers.

    Raises
    ------
    InputError
        If the run has no summary of its own, or blocks of it are missing or damaged.
    RunError
        If every replicate failed.
    """
    manifest = run.manifest
    count = _summarised_replicates(run)
    check_count(count)
    missing = run.missing(run.blocks_of(range(count)))
    if missing:
        rule = (
            f"must hold its first {count:,} replicates; {_blocks(missing)} missing or damaged, and "
            "the command that made the run computes what is missing"
        )
        raise InputError([Problem("run", rule, str(run.folder))])
    return summarised(
        manifest.scenario, manifest.seed, manifest.engine, run.results(range(count)), 0.0
    )


def estimands_kept(run: RunDirectory, result: PowerResult) -> Estimands | None:
    """Return what a run says of its estimands; None where it was not run for them."""
    manifest = run.manifest
    if manifest.inputs.get(ESTIMANDS) is not True:
        return None
    study = single_trial(manifest.scenario)
    return Estimands(study, manifest.seed, result.failures, manifest.engine, result.columns, 0.0)


def commands_of(run: RunDirectory) -> tuple[str, ...]:
    """Return the commands that in the run's log, each once, in order."""
    try:
        lines = read_regular(run.folder / LOG).decode().splitlines()
        told = [json.loads(line).get("command") for line in lines if line.strip()]
    except (OSError, ValueError, AttributeError, RecursionError):  # it decides nothing
        return ()
    return tuple(dict.fromkeys(one for one in told if isinstance(one, str) and one))


def _summarised_replicates(run: RunDirectory) -> int:
    """Return how many replicates a summary covers, if it is one of the run beside it."""
    try:
        told = unsealed(run.folder / SUMMARY)
        count = told["replicates"]
        whole = type(count) is int and count > 0
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        rule = (
            f"must be finished, with its {SUMMARY} as it was written; the command that made the "
            "run writes it"
        )
        raise InputError([Problem("run", rule, str(run.folder))])
    check_own(told, run.manifest, run.folder / SUMMARY)
    return int(count)


def check_own(told: Mapping[str, Any], manifest: RunManifest, file: Path) -> None:
    """Refuse a summary that is not of the run in whose folder it is.

    Raises
    ------
    InputError
        If its study, seed or engine is that of another run, with each that differs.
    """
    own = {"digest": manifest.scenario.digest, "seed": manifest.seed, "engine": manifest.engine}
    problems = [
        Problem(name, f"must be {value}, as in the {MANIFEST} beside it", str(found), str(file))
        for name, value in own.items()
        if (found := told.get(name, value)) != value
    ]
    if problems:
        raise InputError(problems)


def _blocks(missing: list[int]) -> str:
    """Return how missing blocks are reported.

    >>> _blocks([3]), _blocks([3, 4])
    ('block 3 is', 'blocks 3, 4 are')
    """
    first = ", ".join(map(str, missing[:5])) + (" and others" if len(missing) > 5 else "")
    return f"block {first} is" if len(missing) == 1 else f"blocks {first} are"

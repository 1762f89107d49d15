"""The sensitivity analysis that stands in a report: a what-if that is given, or one made for it.

It has a seed of its own.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, Problem
from trialsim.questions.sensitivity import sensitivity_by, variants_of
from trialsim.reporting.evidence.finished_run import check_own
from trialsim.reporting.evidence.kept_file import kept
from trialsim.runs.directory import RunDirectory
from trialsim.runs.manifest_file import MANIFEST, read_manifest
from trialsim.runs.runner import Runner
from trialsim.runs.sealed import unsealed
from trialsim.streams import derived_seed

GIVEN: Final = "what_if.json"
"""The file, in the folder of a what-if, that says what it found."""
KEPT: Final = "sensitivity.json"
"""The file that holds the what-if made for a report, where it is kept."""
_PURPOSE: Final = "sensitivity"


def load_what_if(run: RunDirectory, folder: Path) -> dict[str, Any]:
    """Return the what-if that a folder holds, as plain values.

    Raises
    ------
    InputError
        If it holds none, one of another study, or one that is not of the command beside it.
    """
    told = _held(folder / GIVEN)
    if told is None:
        rule = f"must be the folder of a what-if, with its {GIVEN}"
        raise InputError([Problem("--what-if", rule, str(folder))])
    digest = run.manifest.scenario.digest
    if told["digest"] != digest:
        rule = f"must be a what-if of the run's study, whose digest is {digest}"
        raise InputError([Problem("--what-if", rule, str(told["digest"]))])
    manifest = read_manifest(folder)
    check_own(told, manifest, folder / GIVEN)
    rows = [f"{row.get('name')} ({row.get('digest')})" for row in told["rows"][1:]]
    if rows != list(manifest.inputs.get("variants", {}).values()):
        rule = f"must have the variants of the {MANIFEST} beside it: start its command again"
        raise InputError([Problem("rows", rule, file=str(folder / GIVEN))])
    return told


def run_sensitivity(
    run: RunDirectory, replicates: int, runner: Runner, keep: Path | None = None
) -> dict[str, Any]:
    """Return a what-if of every number that is not published.

    It is read from a folder that keeps it, or else written there.

    Raises
    ------
    RunError
        If every replicate of the base failed, or it cannot be kept.
    """
    variants = variants_of(run.manifest.scenario)
    runner = replace(runner, seed=derived_seed(runner.seed, _PURPOSE))
    digests = {variant.name: variant.scenario.digest for variant in variants}
    asked = {"seed": runner.seed, "replicates": replicates, "variants": digests}

    def compute() -> dict[str, Any]:
        told = sensitivity_by(runner, variants, replicates).to_dict()
        del told["seconds"]
        return told

    return kept(keep and keep / KEPT, asked, compute)


def _held(file: Path) -> dict[str, Any] | None:
    """Return the what-if in a file, None where there is none that is whole."""
    try:
        told = unsealed(file)
        whole = {"digest", "seed", "replicates"} <= told.keys() and bool(told["rows"][0]["digest"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return told if whole else None

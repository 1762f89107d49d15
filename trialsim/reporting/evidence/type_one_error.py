"""The type I error that stands in a report: that of a run which is given, or of one made for it.

It has a seed of its own, so that it says nothing of the trials whose power stands beside it.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.questions.nuisance import nuisance_by, nuisance_variants
from trialsim.questions.power import power_by
from trialsim.questions.type_one_error import TypeOneError, at_null, own_seed, without_effect
from trialsim.replicates.run import Simulation
from trialsim.reporting.evidence.finished_run import finished
from trialsim.reporting.evidence.kept_file import kept
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import differences, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import chosen_engine

KEPT_NUISANCE: Final = "nuisance.json"
KEPT: Final = "without_effect"
"""The folder of a run made for a report, where it is kept."""
_BLOCK: Final = 256
"""Few trials, which may be slow: small blocks, so that every core has some of them."""
_FEW: Final = range(8)
_NEAR: Final = 4.0
"""Monte Carlo errors within which a true effect is at a margin."""
_PATHS_TOLD: Final = 5
_MAY_DIFFER: Final = re.compile(r"outcomes\.|design\.arms\.|operations\.\w+\.arms")


def load_null_run(run: RunDirectory, folder: Path) -> TypeOneError:
    """Return the run without effect that a folder holds.

    Raises
    ------
    InputError
        If it is no finished run, not of the same design, or its drug does something.
    """
    other = find_run(folder)
    result = finished(other)
    scenario = single_trial(other.manifest.scenario)
    changes = differences(run.manifest.scenario, scenario)
    wrong = [path for path in changes if not _MAY_DIFFER.match(path)]
    if wrong:
        told = ", ".join(wrong[:_PATHS_TOLD])
        more = f" and {len(wrong) - _PATHS_TOLD} more" if len(wrong) > _PATHS_TOLD else ""
        rule = (
            f"must be a run of the same design without effect, and has other values at {told}{more}"
        )
        raise InputError([Problem("--null", rule, str(folder))])
    if scenario.analysis.margin is not None:
        borders = (scenario.analysis.margin, scenario.analysis.upper_margin or np.nan)
        if not np.nanmin(np.abs(result.truth.estimate - borders)) < _NEAR * result.truth.mcse:
            rule = "must be a run of a study whose true effect is at the margin"
            raise InputError([Problem("--null", rule, str(folder))])
    elif not _does_nothing(scenario, other.manifest.seed):
        rule = "must be a run of a study whose drug does nothing"
        raise InputError([Problem("--null", rule, str(folder))])
    return TypeOneError(result, scenario.analysis.alpha, changes)


def run_null(
    run: RunDirectory, replicates: int, runner: Runner, keep: Path | None = None
) -> TypeOneError:
    """Run the design without drug, as many replicates as requested; a folder may keep them.

    Raises
    ------
    InputError
        If the folder holds something else.
    RunError
        If every replicate failed, or nothing can be written there.
    """
    manifest = run.manifest
    scenario = single_trial(manifest.scenario)
    own = own_seed(manifest.seed)
    runner = replace(runner, seed=own)
    without = single_trial(at_null(runner, scenario, replicates))
    if keep is not None:
        here = manifest_here(without, own, manifest.engine, _BLOCK)
        runner = replace(runner, directory=open_run(keep / KEPT, here, runner.notice))
    result = power_by(runner, without, replicates)
    return TypeOneError(result, scenario.analysis.alpha, differences(scenario, without))


def run_nuisance(
    run: RunDirectory, replicates: int, runner: Runner, keep: Path | None = None
) -> dict[str, Any]:
    """Return the type I error over nuisance values, as its JSON has it; a folder may keep it.

    Raises
    ------
    RunError
        If every replicate of a row failed, or it cannot be kept.
    """
    variants = nuisance_variants(single_trial(run.manifest.scenario))
    digests = {name: variant.digest for name, variant in variants.items()}
    asked = {"seed": runner.seed, "replicates": replicates, "variants": digests}

    def compute() -> dict[str, Any]:
        told = nuisance_by(runner, variants, replicates).to_dict()
        for row in told["rows"]:
            del row["seconds"]
        return told

    return kept(keep and keep / KEPT_NUISANCE, asked, compute)


def _does_nothing(scenario: Scenario, seed: int) -> bool:
    """Return whether the primary analysis of a few trials says the same when no drug is given."""
    one, other = (
        Simulation(each, seed, chosen_engine(each, "auto")).run(_FEW).columns
        for each in (scenario, single_trial(without_effect(scenario)))
    )
    return all(
        np.array_equal(one[name], other[name], equal_nan=True)
        for name in ("estimate", "truth_over", "truth_under", "p_value")
    )

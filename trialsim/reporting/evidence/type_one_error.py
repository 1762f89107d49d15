"""How often the design rejects when the drug does nothing: a second run, of the same trials.

A drug does nothing in a study if the primary analysis says the same when no arm is given any of it
and all arms carry the same risks. Under the seed of the run the second run has the same patients
with the same luck.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.questions.power import power_by
from trialsim.replicates.result import PowerResult
from trialsim.replicates.run import Simulation
from trialsim.reporting.evidence.finished_run import finished
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import differences, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.trial.trial import chosen_engine

KEPT: Final = "without_effect"
"""The folder, in that of the run, that holds a run made for its report."""
_BLOCK: Final = 256
"""Few trials, which may be slow: small blocks, so that every core has some of them."""
_FEW: Final = range(8)
_PATHS_TOLD: Final = 5
_MAY_DIFFER: Final = re.compile(r"outcomes\.|design\.arms\.|operations\.\w+\.arms")


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """The run of the same design with a drug that does nothing."""

    result: PowerResult
    changes: Mapping[str, Any]
    """Path and value of what it has otherwise than the run."""


def without_drug(scenario: Scenario) -> Scenario:
    """Return the same study with no study drug in any infusion, and the same risks in all arms.

    >>> from trialsim.scenario.files.yaml_file import load
    >>> [arm.doses for arm in without_drug(load("cars1")).design.arms.values()]
    [(0.0,), (0.0,)]
    """
    content = scenario.model_dump()
    doses = {
        f"design.arms.{arm}.{name}": [0.0] * len(value) if isinstance(value, tuple) else 0.0
        for arm, fields in content["design"]["arms"].items()
        for name, value in fields.items()
        if name.startswith("dose_") and value is not None
    }
    risks: dict[str, Any] = {
        f"operations.{name}.arms": {}
        for name, part in content["operations"].items()
        if isinstance(part, dict) and part.get("arms")
    }
    return scenario.replace({**doses, **risks})


def given(run: RunDirectory, folder: Path) -> WithoutEffect:
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
    if not _does_nothing(scenario, other.manifest.seed):
        rule = "must be a run of a study whose drug does nothing"
        raise InputError([Problem("--null", rule, str(folder))])
    return WithoutEffect(result, changes)


def computed(run: RunDirectory, replicates: int, runner: Runner) -> WithoutEffect:
    """Run the design without drug, as many replicates as asked, and keep them in the run's folder.

    Raises
    ------
    InputError
        If the folder holds something else.
    RunError
        If every replicate failed, or nothing can be written there.
    """
    manifest = run.manifest
    scenario = without_drug(single_trial(manifest.scenario))
    here = manifest_here(scenario, manifest.seed, manifest.engine, _BLOCK)
    kept = replace(runner, directory=open_run(run.folder / KEPT, here))
    result = power_by(kept, scenario, replicates)
    return WithoutEffect(result, differences(manifest.scenario, scenario))


def _does_nothing(scenario: Scenario, seed: int) -> bool:
    """Return whether the primary analysis of a few trials says the same when no drug is given."""
    one, other = (
        Simulation(each, seed, chosen_engine(each, "auto")).run(_FEW).columns
        for each in (scenario, without_drug(scenario))
    )
    return all(
        np.array_equal(one[name], other[name], equal_nan=True)
        for name in ("estimate", "truth_over", "truth_under", "p_value")
    )

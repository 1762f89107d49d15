"""The scenarios that a report names: those of a file or of its study, simulated beside the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trialsim.questions.named_scenarios import scenarios_by
from trialsim.reporting.evidence.kept_file import kept
from trialsim.runs.runner import Runner
from trialsim.scenario.report import NamedScenario
from trialsim.scenario.scenario import Scenario

KEPT: Final = "scenarios.json"


def run_scenarios(
    named: Mapping[str, tuple[NamedScenario, Scenario]],
    replicates: int,
    runner: Runner,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Return what the scenarios give, as their JSON has it; a folder may keep it.

    Raises
    ------
    RunError
        If every replicate of a scenario failed, or it cannot be kept.
    """
    told = {name: [one.model_dump(), study.digest] for name, (one, study) in named.items()}
    asked = {"seed": runner.seed, "replicates": replicates, "scenarios": told}
    return kept(keep and keep / KEPT, asked, lambda: scenarios_by(runner, named, replicates))

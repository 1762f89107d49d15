"""Scenarios that a simulation report names, each with the reason why it is among them.

FDA (2019, Adaptive Designs for Clinical Trials, section VI) asks why the scenarios under which
operating characteristics are given suffice, and for trials of their own for each. A scenario is
the study with other values, with its effect or without any; those without give type I errors,
whose largest has a bound that holds for all of them together.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from trialsim.errors import InputError
from trialsim.questions.nuisance import Nuisance
from trialsim.questions.power import power_by
from trialsim.questions.type_one_error import TypeOneError, at_null
from trialsim.replicates.result import SIMULATED, PowerResult
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import draft_of, load_as
from trialsim.scenario.programme import single_trial
from trialsim.scenario.report import NamedScenario
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.refusal import CheckedModel, Name
from trialsim.streams import derived_seed

NO_EFFECT: Final = "no_effect"
_MEANS: Final = ("estimate", "truth", "bias", "duration_days", "screened")


class NamedScenarios(CheckedModel):
    """A file of scenarios."""

    scenarios: Annotated[dict[Name, NamedScenario], Field(min_length=1, max_length=50)]
    """By name, in the order of the report."""


def load_scenarios(path: Path, study: Scenario) -> dict[str, tuple[NamedScenario, Scenario]]:
    """Return the scenarios of a file, each with the study that it makes of another.

    Raises
    ------
    InputError
        With every problem of the file, and of what its changes make of the study.
    """
    named = load_as(NamedScenarios, path).scenarios
    try:
        return scenarios_of(study, named)
    except InputError as error:
        raise InputError(draft_of(path).sorted(error.problems)) from error


def scenarios_of(
    study: Scenario, named: Mapping[str, NamedScenario]
) -> dict[str, tuple[NamedScenario, Scenario]]:
    """Return scenarios, each with the study that it makes of another.

    Raises
    ------
    InputError
        With every problem of what the changes make of the study.
    """
    studies = study.changed_by({name: one.changes for name, one in named.items()}, "scenarios")
    return {name: (one, studies[name]) for name, one in named.items()}


def scenarios_by(
    runner: Runner, named: Mapping[str, tuple[NamedScenario, Scenario]], replicates: int
) -> dict[str, Any]:
    """Return the operating characteristics of each scenario, by trials on a seed of its own.

    Plain values, for JSON: `rows`, each with `name`, `kind`, `because`, `changes`, `seed`, `share`
    (power or type I error), `mcse`, `ci`, `failed` and means; of those without effect `worst` and
    `simultaneous_bound`, both None where there is none.

    Raises
    ------
    RunError
        If every replicate of a scenario failed.
    """
    rows, nulls = [], {}
    for name, (one, study) in named.items():
        own = replace(runner, seed=derived_seed(runner.seed, f"scenario {name}"))
        is_null = one.kind == NO_EFFECT
        simulated = single_trial(at_null(own, study, replicates)) if is_null else study
        result = power_by(own, simulated, replicates)
        rows.append({"name": name, **one.model_dump(), **_told(result, is_null)})
        if is_null:
            nulls[name] = TypeOneError(result, study.analysis.alpha, one.changes)
    worst = Nuisance(nulls) if nulls else None
    return {
        "replicates": replicates,
        "rows": rows,
        "worst": worst and worst.worst,
        "simultaneous_bound": worst and worst.bound,
        "note": SIMULATED,
    }


def _told(result: PowerResult, is_null: bool) -> dict[str, Any]:
    """Return what one scenario gives, as plain values."""
    share = result.rejections if is_null else result.favoured
    content = result.to_dict()
    return {
        "digest": result.digest,
        "seed": result.seed,
        "failed": result.failed,
        "share": float(share.estimate),
        "mcse": float(share.mcse),
        "ci": [float(share.low), float(share.high)],
        **{name: content[name] for name in _MEANS if name in content},
    }

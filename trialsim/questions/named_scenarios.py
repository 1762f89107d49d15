"""Scenarios that a simulation report names, each with the reason why it is among them.

FDA (2019, Adaptive Designs for Clinical Trials, section VI) asks why the scenarios under which
operating characteristics are given suffice, and for trials of their own for each. A scenario is
the study with other values, with its effect or without any; those without give type I errors,
whose largest has a bound that holds for all of them together.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from trialsim.errors import InputError
from trialsim.questions.nuisance import Nuisance
from trialsim.questions.power import power_by
from trialsim.questions.type_one_error import TypeOneError, at_null
from trialsim.replicates.result import SIMULATED, PowerResult
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import draft_of, load_as
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.refusal import CheckedModel, Name
from trialsim.streams import derived_seed

NO_EFFECT: Final = "no_effect"
_MEANS: Final = ("estimate", "truth", "bias", "duration_days", "screened")


class NamedScenario(CheckedModel):
    """A study with other values, and why it is looked at."""

    kind: Literal["effect", "no_effect"]
    """`effect` gives power, `no_effect` the type I error: no arm then has any effect, or of a plan
    that tests a margin the effect is at it."""
    because: Annotated[str, Field(min_length=1)]
    """Why it is among the scenarios, as the report prints it."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """Path and value of what differs from the study, such as `design.patients: 240`."""


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
    found, problems = {}, []
    for name, one in named.items():
        try:
            found[name] = one, study.replace(dict(one.changes))
        except InputError as error:
            above = f"scenarios.{name}.changes"
            problems += [replace(each, path=f"{above}.{each.path}") for each in error.problems]
    if problems:
        raise InputError(draft_of(path).sorted(problems))
    return found


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

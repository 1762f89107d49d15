"""How much the answer depends on each parameter that is not published.

Every such number of the primary endpoint's course and effect, of the operations and the treatment,
is made a fifth smaller and a fifth larger, one at a time, on the same simulated trials; an effect
is moved towards and away from no effect. What would not make a valid study is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, RecruitmentError
from trialsim.questions.what_if.variants import BASE, Variant
from trialsim.questions.what_if.what_if import WhatIf, compared
from trialsim.replicates.parallel import Progress
from trialsim.replicates.run import BATCH
from trialsim.runs.runner import Runner
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.outcomes.outcome import NO_EFFECT
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.paths import below
from trialsim.scenario.validation.sources import source_of
from trialsim.trial.trial import Engine, candidates_needed

SWING: Final = 0.2
_NEAR_ONE: Final = 0.99
"""A power above which no change of it can be seen."""


def sensitivity(
    scenario: Study | str | Path,
    replicates: int = 1_000,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    out: str | Path | None = None,
    scheduler: str | None = None,
) -> WhatIf:
    """Vary each number of a study that is not published, and compare the studies with it.

    Parameters
    ----------
    out
        A directory that keeps what is run, from which the same call continues.

    Raises
    ------
    InputError
        If the study is a programme, or a number is out of range.
    RunError
        If every replicate of the study itself failed.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    return sensitivity_by(runner, variants_of(scenario), replicates, out)


def sensitivity_by(
    runner: Runner, variants: tuple[Variant, ...], replicates: int, out: str | Path | None = None
) -> WhatIf:
    """Return the comparison of the variants of a sensitivity analysis, as a runner gives it."""
    paths = tuple(dict.fromkeys(path for variant in variants for path in variant.changes))
    return compared(variants, paths, replicates, runner, out)


def variants_of(study: Study) -> tuple[Variant, ...]:
    """Return the study itself, and each that has one number otherwise."""
    scenario = single_trial(study)
    return (Variant(BASE, {}, scenario), *swings(scenario))


def what_is_seen(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the changes of power show: which are too small to be seen, or that none is.

    `rows` are those of the JSON of a what-if, the base first.
    """
    errors = sorted(row["difference_mcse"] for row in rows[1:] if row["difference_mcse"])
    if rows[0]["power"] > _NEAR_ONE:
        return (
            f"The power is {rows[0]['power']:.4f} to begin with, so its changes are uninformative: "
            "read those of the estimate instead."
        )
    if not errors:
        return "No change of power is seen in so few trials."
    return (
        "A change of power is distinguishable from none where its 95% interval excludes 0; two "
        f"Monte Carlo errors are {2 * errors[0]:.3f} to {2 * errors[-1]:.3f}, by the change."
    )


def is_seen(row: Mapping[str, Any], measure: str) -> bool:
    """Return whether a row of the JSON of a what-if is off by more than two Monte Carlo errors."""
    change, mcse = (float(row[name] or 0.0) for name in (measure, f"{measure}_mcse"))
    return abs(change) > 2 * mcse


def swings(scenario: Scenario) -> Iterator[Variant]:
    """Yield the variants in which one parameter that is not published is smaller or larger."""
    content = scenario.model_dump(mode="json")
    endpoint = scenario.analysis.endpoint
    operations = {name: part for name, part in content["operations"].items() if name != "sites"}
    outcome = content["outcomes"][endpoint]
    parts = {
        f"outcomes.{endpoint}.course": outcome["course"],
        f"outcomes.{endpoint}.effect": outcome["effect"],
        "operations": operations,
        "treatment": content["treatment"],
    }
    for top, part in parts.items():
        for path, value, null in _numbers(part, top):
            if source_of(path, scenario.sources).status != "published":
                yield from _moved(scenario, path, value, null)


def _moved(scenario: Scenario, path: str, value: float, null: float) -> Iterator[Variant]:
    """Yield the valid variants with a parameter moved by a fifth of its distance from `null`."""
    for factor in (1 - SWING, 1 + SWING):
        moved: float = float(f"{null + (value - null) * factor:.6g}")
        if isinstance(value, int):
            moved = round(moved)
        if moved == value:
            continue
        try:
            variant = scenario.replace({path: moved})
            candidates_needed(variant)
        except (InputError, RecruitmentError):
            continue
        yield Variant(f"{path}={moved:.6g}", {path: moved}, variant)


def _numbers(part: Any, path: str, null: float = 0.0) -> Iterator[tuple[str, float, float]]:
    """Yield path and value of every number, and the value at which it says that nothing happens."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            anchored = name == "value" and "anchor" in part
            at = NO_EFFECT[part["anchor"]] if anchored else 0.0
            yield from _numbers(inner, below(path, name), at)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield path, part, null

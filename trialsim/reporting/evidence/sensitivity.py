"""How much the answer hangs on each number that nobody has published.

Every such number of the primary endpoint's course and effect, of the operations and the treatment,
is made a fifth smaller and a fifth larger, one at a time, on the same simulated trials; an effect
is moved towards and away from no effect. What would not make a valid study is left out.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, Problem, RecruitmentError
from trialsim.questions.what_if.variants import BASE, Variant
from trialsim.questions.what_if.what_if import compared
from trialsim.reporting.evidence.kept_file import read_kept, write_kept
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.paths import below
from trialsim.scenario.validation.sources import source_of
from trialsim.trial.trial import candidates_needed

GIVEN: Final = "what_if.json"
"""The file, in the folder of a what-if, that says what it found."""
KEPT: Final = "sensitivity.json"
"""The file, in the folder of a run, that holds the what-if made for its report."""
SWING: Final = 0.2
_NO_EFFECT: Final = {"theta": 0.5, "odds_ratio": 1.0}
"""The value of an effect's anchor at which the drug does nothing; 0 on the other scales."""


def given(run: RunDirectory, folder: Path) -> dict[str, Any]:
    """Return the what-if that a folder holds, as plain values.

    Raises
    ------
    InputError
        If it holds none, or one of another study.
    """
    told = _held(folder / GIVEN)
    if told is None:
        rule = f"must be the folder of a what-if, with its {GIVEN}"
        raise InputError([Problem("--what-if", rule, str(folder))])
    digest = run.manifest.scenario.digest
    if told["digest"] != digest:
        rule = f"must be a what-if of the run's study, whose digest is {digest}"
        raise InputError([Problem("--what-if", rule, str(told["digest"]))])
    return told


def computed(run: RunDirectory, replicates: int, runner: Runner) -> dict[str, Any]:
    """Return a what-if of every number that is not published; it is kept in the run's folder.

    Raises
    ------
    RunError
        If every replicate of the base failed, or the file cannot be written.
    """
    scenario = single_trial(run.manifest.scenario)
    worlds = (Variant(BASE, {}, scenario), *swings(scenario))
    digests = {world.name: world.scenario.digest for world in worlds}
    asked = {"seed": runner.seed, "replicates": replicates, "worlds": digests}
    held = read_kept(run.folder / KEPT, asked)
    if held is not None:
        return held
    paths = tuple(dict.fromkeys(path for world in worlds for path in world.changes))
    told = compared(worlds, paths, replicates, runner).to_dict()
    del told["seconds"]
    return write_kept(run.folder / KEPT, asked, told)


def swings(scenario: Scenario) -> Iterator[Variant]:
    """Yield the worlds in which one number that is not published is smaller or larger."""
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
                yield from _worlds(scenario, path, value, null)


def _worlds(scenario: Scenario, path: str, value: float, null: float) -> Iterator[Variant]:
    """Yield the valid worlds with a number moved by a fifth of its distance from `null`."""
    for factor in (1 - SWING, 1 + SWING):
        moved: float = float(f"{null + (value - null) * factor:.6g}")
        if isinstance(value, int):
            moved = round(moved)
        if moved == value:
            continue
        try:
            world = scenario.replace({path: moved})
            candidates_needed(world)
        except (InputError, RecruitmentError):
            continue
        yield Variant(f"{path}={moved:.6g}", {path: moved}, world)


def _numbers(part: Any, path: str, null: float = 0.0) -> Iterator[tuple[str, float, float]]:
    """Yield path and value of every number, and the value at which it says that nothing happens."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            anchored = name == "value" and "anchor" in part
            at = _NO_EFFECT.get(part["anchor"], 0.0) if anchored else 0.0
            yield from _numbers(inner, below(path, name), at)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield path, part, null


def _held(file: Path) -> dict[str, Any] | None:
    """Return the what-if in a file, None where there is none that is whole."""
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        whole = {"digest", "seed", "replicates"} <= told.keys() and bool(told["rows"][0]["digest"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return told if whole else None

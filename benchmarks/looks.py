"""What looks at the data cost a run, and what many plans of looks cost over trials run once."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

import trialsim
from benchmarks.measure import (
    FULL,
    Effort,
    Row,
    Table,
    Target,
    compared,
    in_turns,
    on_one_core,
)
from trialsim.arrays import Floats
from trialsim.compiled.library import NUMPY, build_name, computed_by
from trialsim.replicates.run import BATCH
from trialsim.scenario.files.yaml_file import load

SEED: Final = 2016
REPLICATES: Final = 10_000
BY_NUMPY: Final = 4_000
"""Replicates where NumPy alone computes, a third as fast: they take as long."""
PLANS: Final = 50
LOOK: Final[dict[str, Any]] = {"when": {"known": 0.7}, "decided_after_days": 28.0}
PATH: Final = "monitoring.looks.first.when.known"


def measure(effort: Effort) -> Table:
    """Time the power of cars1 with and without a look, and a grid of look times, by each build."""
    base = load("cars1").replace(
        {"design.patients": 240, "outcomes.arat.effect.value": 0.62, "monitoring": None}
    )
    plan = {"looks": {"first": LOOK}, "efficacy": "obrien_fleming"}
    looked = base.replace({"monitoring": plan})
    times = np.linspace(0.3, 0.9, PLANS if effort == FULL else 3).round(4).tolist()
    rows = []
    for build in dict.fromkeys((build_name(), NUMPY)):
        count = effort.of(BY_NUMPY if build == NUMPY else REPLICATES, least=BATCH)
        runs: dict[str, Callable[[], object]] = {
            "without": partial(trialsim.power, base, count, SEED, n_jobs=1),
            "one look": partial(trialsim.power, looked, count, SEED, n_jobs=1),
            "grid": partial(trialsim.what_if, looked, {PATH: times}, replicates=count, n_jobs=1),
        }
        works = {name: on_one_core(run, count) for name, run in runs.items()}
        with computed_by(build):
            rates = in_turns(works, effort.repeats)
        seconds = {name: count / rate for name, rate in rates.items()}
        rows += _rows(build, seconds, count, len(times), judged=effort == FULL)
    return Table("looks at the data, cars1 with 240 patients", rows)


def _rows(
    build: str, seconds: Mapping[str, Floats], count: int, plans: int, judged: bool
) -> list[Row]:
    """Return what a look costs a run, and many plans cost beside one, with one build."""
    run, looked, grid = seconds["without"], seconds["one look"], seconds["grid"]
    why = "C counts both and hands back each patient; NumPy looks"
    if build == NUMPY:
        why = "a look takes some 20 us of a trial's 300, to count who is known"
    each = float(np.median(grid - looked)) / plans
    what = f"one look against none, {count:,} replicates, {build}"
    many = f"{plans} look times against one run, {build}"
    of_plans = f"{each:.3f} s a plan, a fifth of it to make the study"
    return [
        compared(what, "s", looked, run, Target("at most", 1.1), judged, why),
        compared(many, "s", grid, looked, Target("at most", 2.0), judged, of_plans),
    ]

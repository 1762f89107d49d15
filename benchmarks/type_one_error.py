"""The one-sided type I error of trials that look, by trials under no effect on their own seeds.

    python -m benchmarks.type_one_error [arat] [mrs] [battery] [sizes] [--trials 100000] [--jobs 2]

All plans of one part are cuts of the same trials.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.measure import FULL, SHORT, Effort, Row, Table, Target
from benchmarks.printing import as_text
from trialsim.replicates.monitoring.recuts import AT_ONCE, Recuts
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import derived_seed

SEED: Final = 2016
LEVEL: Final = 0.025
TRIALS: Final = 100_000
RULES: Final[dict[str, Any]] = {
    "O'Brien-Fleming": "obrien_fleming",
    "Pocock": "pocock",
    "Hwang-Shih-DeCani -4": {"rule": "hwang_shih_decani", "gamma": -4.0},
}
INFLATED: Final = "enlarged below conditional power .9, conventional test"
"""What no test of this size should be: shown, not held to the level."""


CONSERVATIVE: Final = "promising zone, conventional test"
"""Where the critical value that more patients ask for is below the planned one: under the level."""


class Plan(NamedTuple):
    """A plan of looks, and what it is called."""

    name: str
    study: Scenario


def measure(effort: Effort) -> Table:
    """Simulate trials under no effect; the whole tables are a command of this file."""
    rows: list[Row] = []
    for part in ("arat", "sizes"):
        rows += rows_of(part, effort.of(20_000, least=64), 1, judged=effort in (FULL, SHORT))
    return Table(_TITLE, rows, "errors")


_TITLE: Final = "one-sided type I error of trials that look, and its distance from .025"


def rows_of(part: str, trials: int, jobs: int, judged: bool = True) -> list[Row]:
    """Return a row for each plan of a part."""
    plans = list(PARTS[part]())
    recuts = Recuts(tuple(plan.study for plan in plans), kept=("favoured",))
    runner = Runner(derived_seed(SEED, f"type I error {part}"), n_jobs=jobs, batch=AT_ONCE)
    done = runner.run(recuts.simulated, range(trials), recuts.summarise())
    rows = []
    for plan, found in zip(plans, recuts.split(done), strict=True):
        error = float(np.nanmean(found.columns["favoured"]))
        mcse = float(np.sqrt(LEVEL * (1 - LEVEL) / trials))
        target = None if plan.name == INFLATED else Target("within", 3)
        if plan.name == CONSERVATIVE:
            target = Target("at most", 3)
        rows.append(
            Row(
                what=f"{part}: {plan.name}",
                unit="probability",
                ours=error,
                theirs=LEVEL,
                figure=(error - LEVEL) / mcse,
                target=target,
                judged=judged,
                note=f"{trials:,} trials, MC error {mcse:.5f}",
            )
        )
    return rows


def _without_effect(changes: dict[str, Any]) -> Scenario:
    study = load("cars1")
    none = {
        f"outcomes.{name}.effect.value": 0.5 if outcome.effect.anchor == "theta" else 0.0
        for name, outcome in study.outcomes.items()
    }
    return study.replace({**none, **changes})


def _sequential(study: Scenario) -> Iterator[Plan]:
    """Yield a fixed design, and 2 to 4 analyses at equal shares by each rule."""
    fixed = {"looks": {"at_1": {"when": {"known": 0.5}}}, "efficacy": "none"}
    yield Plan("1 analysis", study.replace({"monitoring": fixed}))
    for name, rule in RULES.items():
        for analyses in (2, 3, 4):
            looks = {
                f"at_{look}": {"when": {"known": round(look / analyses, 6)}}
                for look in range(1, analyses)
            }
            plan = {"looks": looks, "efficacy": rule}
            yield Plan(f"{analyses} analyses, {name}", study.replace({"monitoring": plan}))


def _arat() -> Iterator[Plan]:
    yield from _sequential(_without_effect({"design.patients": 240}))


def _mrs() -> Iterator[Plan]:
    yield from _sequential(_without_effect({"design.patients": 240, "analysis.endpoint": "mrs"}))


def _battery() -> Iterator[Plan]:
    """Yield the twelve scales, by the null variance: that of the placements rejects too often."""
    whole = _without_effect({"design.patients": 240}).with_analysis("global_status")
    yield from _sequential(whole.replace({"analysis.test.variance": "null_variance"}))


def _sizes() -> Iterator[Plan]:
    """Yield sizes set again at half of 208 patients, at most doubled."""
    study = _without_effect({"design.patients": 208})
    tests = {
        "blinded for theta .62, conventional test": ("blinded", "conventional"),
        "promising zone, Cui-Hung-Wang": ("promising_zone", "cui_hung_wang"),
        "promising zone, Fisher": ("promising_zone", "fisher"),
        CONSERVATIVE: ("promising_zone", "conventional"),
        INFLATED: ("conditional_power", "conventional"),
    }
    for name, (by, test) in tests.items():
        sizes = {"at": "first", "by": by, "power": 0.9, "at_least": 208, "at_most": 416}
        effect = {"effect": 0.62} if by == "blinded" else {}
        plan = {
            "looks": {"first": {"when": {"known": 0.5}}},
            "efficacy": "none",
            "re_estimation": sizes | effect,
            "final": {"test": test, "because": "its level is what is measured"},
        }
        yield Plan(name, study.replace({"monitoring": plan}))


PARTS: Final = {"arat": _arat, "mrs": _mrs, "battery": _battery, "sizes": _sizes}


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the parts that were asked for, and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[*PARTS])
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=-1)
    asked = parser.parse_args(arguments)
    for part in asked.parts:
        rows = rows_of(part, asked.trials, asked.jobs)
        print(as_text(part, Table(_TITLE, rows, "errors")), flush=True)


if __name__ == "__main__":
    main()

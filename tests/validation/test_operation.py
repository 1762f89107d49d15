"""Known answers are met, ways to compute agree, and either fails where it does not."""

from contextlib import nullcontext
from typing import Any

import pytest

from trialsim.compiled.library import builds_here
from trialsim.questions.power import power
from trialsim.scenario.scenario import Scenario
from trialsim.validation import operation
from trialsim.validation.operation import known_answers, operation_checks


def test_this_package_gives_the_known_answers_in_every_way() -> None:
    checks = list(operation_checks())
    assert [check for check in checks if check.outcome == "fail"] == []
    names = {"word", "cars1", "engines", "builds", "batches", "workers", "workers_events"}
    assert {check.name for check in checks} == names
    built = [check.outcome for check in checks if check.name == "builds"]
    several = len(builds_here()) > 1
    assert built == (["pass"] * len(builds_here()) if several else ["not checked"])


def test_another_word_power_or_bit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, Any] = known_answers()
    known["words"][1]["word"] = "0x2fab5832"
    known["powers"] = [known["powers"][0] | {"replicates": 40, "rejections": 41}]
    monkeypatch.setattr(operation, "known_answers", lambda: known)
    seeds = iter(range(99))

    def drifting(study: Scenario, replicates: int, *_: int, **ways: Any) -> Any:
        return power(study, replicates, next(seeds), **{**ways, "n_jobs": 1})

    monkeypatch.setattr(operation, "power", drifting)
    monkeypatch.setattr(operation, "builds_here", lambda: ("avx", "numpy"))
    monkeypatch.setattr(operation, "computed_by", lambda _: nullcontext())
    failed = [check.name for check in operation_checks() if check.outcome == "fail"]
    ways = ["engines", "builds", "builds", "batches", "workers", "workers_events"]
    assert failed == ["word", "cars1", *ways]

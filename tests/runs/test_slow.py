"""A slow analysis is told before the run, with a time; nothing else is timed."""

import pytest

from trialsim.replicates.run import Simulation
from trialsim.runs import slow
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

EXACT = {"analysis.test": "exact_mann_whitney", "design.patients": 60}


def exact() -> Scenario:
    return load("cars1").replace(EXACT)


def test_an_exact_analysis_is_told_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "_NOTED", 0.0)
    told = slow.slow_analysis(Simulation(exact(), 2016))
    assert told is not None
    assert told.startswith("exact_mann_whitney is slow: 1,000 trials take about ")


def test_imputations_are_told_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "_NOTED", 0.0)
    changes = {"analysis.missing": "multiple_imputation", "analysis.imputations": 3}
    told = slow.slow_analysis(Simulation(load("cars1").replace(changes), 2016))
    assert told is not None
    assert told.startswith("mann_whitney of 3 imputations is slow")


def test_what_only_the_first_trial_takes_is_not_taken_for_the_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    ran: list[range] = []

    def run(_: Simulation, replicates: range) -> None:
        clock[0] += 1.0 if not ran else 0.001
        ran.append(replicates)

    monkeypatch.setattr(Simulation, "run", run)
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    assert slow.slow_analysis(Simulation(exact(), 2016)) is None


def test_a_fast_analysis_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Simulation, "run", refuse)
    assert slow.slow_analysis(Simulation(load("cars1"), 2016)) is None


def test_a_runner_gives_notice_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "_NOTED", 0.0)
    told: list[str] = []
    Runner(2016, n_jobs=1, notice=told.append).note_if_slow(exact())
    assert len(told) == 1
    Runner(2016, n_jobs=1, notice=told.append).note_if_slow(load("cars1"))
    assert len(told) == 1

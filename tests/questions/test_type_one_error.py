"""Without effect nothing sets one arm apart, and a design rejects as often as its level says."""

import json

import numpy as np
import pytest

import trialsim as ts
from trialsim.cli.app import run
from trialsim.questions.power import power
from trialsim.questions.type_one_error import own_seed, without_effect
from trialsim.reporting.text.robustness import type_one_error_text
from trialsim.runs.plain_json import as_json
from trialsim.scenario.files.yaml_file import load

COURSE = {
    "model": "exponential",
    "start_mean": -4.0,
    "start_sd": 22.0,
    "start_baseline_correlation": 0.95,
    "end_day": 90.0,
    "end_mean": 45.0,
    "end_sd": 25.0,
    "end_baseline_correlation": 0.65,
    "time_constant_days": 20.0,
    "within_patient_correlation": 0.85,
}


def test_no_drug_is_no_effect() -> None:
    """The oracle is the built-in study whose effect is none."""
    null = power(load("cars1_null"), 64, n_jobs=1)
    without = power(without_effect(load("cars1")), 64, n_jobs=1)
    for name, values in null.columns.items():
        assert np.array_equal(values, without.columns[name], equal_nan=True), name


def test_no_drug_carries_no_risk_of_its_own() -> None:
    cars1 = load("cars1")
    risky = cars1.replace({"operations.death.arms": {"cerebrolysin": {"odds_ratio": 9.0}}})
    assert risky.digest != cars1.digest
    assert without_effect(risky).digest == without_effect(cars1).digest


def test_no_arm_keeps_a_course_of_its_own() -> None:
    """The treated end four points higher, drug or no drug; alpha is 5%, seen to 1.4%."""
    study = load("cars1").replace(
        {
            "design.patients": 60,
            "outcomes.arat.effect.value": 0.5,
            "outcomes.arat.course_by_arm": {"cerebrolysin": COURSE},
        }
    )
    found = ts.type_one_error(study, replicates=250, seed=7, n_jobs=1)
    assert found.error.estimate == pytest.approx(0.05, abs=4 * 0.0138)
    assert found.changes["outcomes.arat.course_by_arm"] is None
    assert power(study, 100, 7, n_jobs=1).power > 0.3


def test_a_programme_has_no_effect_in_any_of_its_trials() -> None:
    without = without_effect(ts.load("cars_pooled"))
    assert isinstance(without, ts.Programme)
    for trial in without.trials.values():
        assert not any(any(arm.doses) for arm in trial.design.arms.values())


def test_the_verdict_says_what_the_replicates_do_not_rule_out() -> None:
    found = ts.type_one_error(load("cars1"), replicates=200, seed=7, n_jobs=1)
    assert found.verdict.startswith("not distinguishable from 0.05: 95% interval ")
    told = json.loads(as_json(found.to_dict()))
    assert told["type_one_error"] == pytest.approx(told["favoured"] + told["wrong_direction"])
    assert told["ci"] == [float(found.error.low), float(found.error.high)]
    assert found.verdict in type_one_error_text("x", found)


def test_the_command_prints_what_the_function_finds(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["type-one-error", "cars1", "--replicates", "32", "--seed", "7", "--jobs", "1"]
    assert run([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = ts.type_one_error(load("cars1"), replicates=32, seed=7, n_jobs=1)
    assert told["type_one_error"] == float(found.error.estimate)
    assert run(asked) == 0
    assert "without effect" in capsys.readouterr().out


def test_trials_without_effect_have_a_seed_of_their_own() -> None:
    """Under one seed the study itself and the one without effect share no random number."""
    study = load("cars1").replace({"design.patients": 40})
    found = ts.type_one_error(study, replicates=32, seed=7, n_jobs=1)
    assert found.result.seed == own_seed(7) != 7
    again = ts.power(without_effect(study), 32, own_seed(7), n_jobs=1)
    assert again.columns["estimate"].tobytes() == found.result.columns["estimate"].tobytes()
    same = ts.power(without_effect(study), 32, 7, n_jobs=1)
    assert not (same.columns["screened"] == found.result.columns["screened"]).all()


def test_the_type_i_error_of_a_study_with_looks_counts_what_any_look_rejects() -> None:
    study = load("cars_sequential").replace({"design.patients": 60})
    found = ts.type_one_error(study, replicates=400, seed=7, n_jobs=1)
    assert found.result.looks is not None
    columns = found.result.columns
    stopped = columns["stopped_for_efficacy"] + columns["stopped_for_harm"]
    assert (columns["rejected"] >= stopped).all()
    assert stopped.sum() > 0
    assert abs(found.error.estimate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)

"""What is written of reference patients stands beside what the recruited have."""

import json

import pytest

from trialsim.cli import DONE, run
from trialsim.questions.obtained import Beside, obtained
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import parsed_value
from trialsim.scenario.scenario import Scenario, validated

DEATH = "proportion who died"
MEAN = "control, mean score"


def bolus(**operations: object) -> Scenario:
    content = parsed_value(new_study("bolus", "two_arm_ordinal"))
    content["operations"] |= {"withdrawal": {"probability": 0.0}, **operations}
    content["design"]["patients"] = 400
    return validated(content)


def table(study: Scenario) -> dict[str, Beside]:
    return {one.label: one for one in obtained(study)}


def test_without_eligibility_the_recruited_are_the_reference_patients() -> None:
    """Oracle: the file itself, within four Monte Carlo standard errors."""
    study = bolus(death={"probability": 0.1}).replace({"eligibility.inclusion": {}})
    for label, one in table(study).items():
        assert abs(one.obtained.estimate - one.written) <= 4 * one.obtained.mcse + 1e-12, label
    assert sum("proportion with a score" in label for label in table(study)) == 7


def test_eligibility_moves_the_control_arm() -> None:
    moved = table(bolus())[MEAN]
    assert moved.written == pytest.approx(2.84)
    assert moved.obtained.estimate - moved.written > 10 * moved.obtained.mcse


def test_a_probability_with_risk_factors_is_not_the_proportion() -> None:
    """Oracle: with the reference at the least value, nobody has a risk below the one written."""
    factor = {"log_odds_per_unit": 0.15, "reference": 5}
    died = table(bolus(death={"probability": 0.08, "covariates": {"nihss": factor}}))[DEATH]
    assert died.written == 0.08
    assert died.obtained.estimate > 0.15
    assert 0 < died.obtained.mcse < 0.01


def test_check_prints_the_table_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "cars1", "--obtained", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)["obtained"]["cars1"]
    assert {one["label"] for one in told} >= {MEAN, DEATH}
    assert run(["check", "cars1", "--obtained"]) == DONE
    assert MEAN in capsys.readouterr().out

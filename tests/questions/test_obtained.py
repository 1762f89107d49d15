"""What is written of reference patients stands beside what the recruited have."""

import json
import math

import pytest

from trialsim.cli import DONE, run
from trialsim.questions.obtained import Beside, obtained, obtained_of
from trialsim.questions.power import power
from trialsim.reporting.text.obtained import obtained_text
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import parsed_value
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


@pytest.mark.parametrize(
    "command", [("check",), ("show",), ("power", "--replicates", "8", "--jobs", "1")]
)
def test_written_and_obtained_stand_side_by_side_wherever_one_looks(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Oracle: the written mean of CARS-1, 26.5; a fresh user saw it nowhere beside the obtained."""
    assert run([*command, "cars1", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)["obtained"]["cars1"]
    assert {one["label"] for one in told} >= {MEAN, DEATH}
    assert run([*command, "cars1"]) == DONE
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(MEAN))
    written, obtained, mcse = (float(number) for number in row.removeprefix(MEAN).split())
    assert written == pytest.approx(26.5, abs=0.01)
    assert abs(obtained - written) < 10 * mcse


def test_a_check_goes_without_simulation_where_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "cars1", "--no-obtained"]) == DONE
    assert "obtained" not in capsys.readouterr().out
    assert run(["check", "cars1", "--no-obtained", "--json"]) == DONE
    assert "obtained" not in json.loads(capsys.readouterr().out)


def test_a_study_that_nobody_can_enter_is_shown_with_the_reason() -> None:
    """Nobody is both below and above a score: the table gives way to the reason."""
    study = bolus().replace({"operations.first_infusion_after_onset.latest_hours": 1e-4})
    found = obtained_of(study)["bolus"]
    assert isinstance(found, str)
    assert found.startswith("recruitment can never finish")
    assert found in obtained_text({"bolus": found})


RISKY = {"log_odds_per_unit": 0.15, "reference": 5}


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("discontinuation", "proportion who discontinued the infusions"),
        ("withdrawal", "proportion who withdrew"),
        ("death", DEATH),
    ],
)
def test_every_risk_with_factors_has_the_simulated_share_beside_it(kind: str, label: str) -> None:
    """Oracle: the means that `power` counts of the same kind of patients, on other numbers."""
    study = load("cars1").replace(
        {f"operations.{kind}.probability": 0.08, f"operations.{kind}.covariates": {"nihss": RISKY}}
    )
    found = table(study)[label]
    assert found.written == 0.08
    columns = {"discontinuation": "discontinued", "withdrawal": "withdrawn", "death": "died"}
    counted = power(study, 200, 7, n_jobs=1).mean_of(columns[kind])
    error = math.hypot(float(found.obtained.mcse), float(counted.mcse) / study.design.patients)
    assert found.obtained.estimate == pytest.approx(
        counted.estimate / study.design.patients, abs=4 * error
    )
    assert found.obtained.estimate - 0.08 > 4 * found.obtained.mcse


def test_refusals_and_missed_visits_are_realised_as_specified() -> None:
    """Oracle: the file itself; neither has risk factors. The mean of a uniform chance is 0.2."""
    chance = {"distribution": "uniform", "low": 0.1, "high": 0.3}
    changes = {
        "design.patients": 60,
        "operations.refusal_probability": chance,
        "operations.visit_missed_probability": 0.07,
        "operations.withdrawal.probability": 0.3,
        "operations.infusion_chairs_per_site": 1,
    }
    rows = table(load("cars1").replace(changes))
    refused = rows["proportion of later infusions refused"]
    missed = rows["proportion of later visits missed"]
    assert refused.written == pytest.approx(0.2)
    assert missed.written == 0.07
    for one in (refused, missed):
        assert 0 < one.obtained.mcse < 0.005
        assert one.obtained.estimate == pytest.approx(one.written, abs=4 * float(one.obtained.mcse))
    assert "proportion of later infusions refused" not in table(bolus())

"""The cells of an endpoint, the power that they give, and what the ends of the scale hide."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from trialsim.cli import run
from trialsim.questions.count_power import CountPower, count_power_of
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.text.cells import cells_dict, cells_text, ends_of, shift_table
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.scenario import validated
from trialsim.stats.planning.scale_effects import proportional_odds_cells

SMALL = ["--replicates", "2000", "--cohort", "32"]


@pytest.fixture(scope="module")
def result() -> CountPower:
    study = load("cars1").replace({"outcomes.arat.effect.value": 0.62})
    return count_power_of(study, replicates=2000, seed=5, cohort=64)


def test_the_effects_are_those_of_the_cells(result: CountPower) -> None:
    effects, cost = ends_of(result, 0.05, 2)
    assert effects.theta == pytest.approx(result.cells.effect)
    assert effects.treated_ceiling == result.cells.treated[-1]
    assert cost.shift_power == pytest.approx(result.happ, abs=0.02)


def test_a_ceiling_that_hides_power_is_told(result: CountPower) -> None:
    """With most controls near the best cell, a shift does little that can be seen."""
    steep = np.linspace(0, 1, len(result.cells.control)) ** 8
    control = steep / steep.sum() * 0.3
    control[-1] += 0.7
    treated = control.copy()
    treated[:-1] *= 0.5
    treated[-1] += 1 - treated.sum()
    cells = result.cells._replace(treated=treated, control=control)
    crowded = dataclasses.replace(result, cells=cells)
    assert cells_dict(crowded, 0.05, 2)["ceiling"]["hides"]
    assert "ignores what floor and ceiling cost" in cells_text("title", crowded, 0.05, 2)


def test_the_command_prints_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["endpoint", "cars1", *SMALL]) == 0
    told = capsys.readouterr().out
    assert SIMULATED in told
    assert run(["endpoint", "cars1", *SMALL, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert f"{content['power']:.4f}" in told
    assert sum(content["cells"]["treated"]) == pytest.approx(1)


def test_a_plan_that_counts_cannot_follow_is_wrong_input(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["endpoint", "cars1", *SMALL, "--set", "analysis.strata=site"]) == 2
    assert "analysis.strata" in capsys.readouterr().err


def test_the_shift_table_of_an_ordinal_scale_has_every_grade_and_cut() -> None:
    """Oracle: cells by hand, best grade first; of an odds ratio at each cut, 2 throughout."""
    study = validated(parsed_value(new_study("bolus", "two_arm_ordinal")))
    counted = count_power_of(study, replicates=1000, seed=5, cohort=8)
    control = np.array([0.1, 0.05, 0.1, 0.15, 0.2, 0.2, 0.1, 0.1])  # dead, then grades 6 to 0
    treated = proportional_odds_cells(control, 2.0)
    cells = counted.cells._replace(treated=treated, control=control)
    plan, outcome = study.analysis, study.outcomes["mrs"]
    rows = shift_table(dataclasses.replace(counted, cells=cells), outcome, plan)
    assert [row.grade for row in rows] == [*"0123456", "died or ranked worst"]
    assert [row.control for row in rows] == control[::-1].tolist()
    assert [row.odds_ratio for row in rows[:-1]] == pytest.approx([2.0] * 7)
    assert rows[-1].odds_ratio is None
    assert rows[-1].treated_or_better == pytest.approx(1)


def test_only_a_short_scale_has_a_shift_table(
    result: CountPower, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    study = load("cars1")
    assert shift_table(result, study.outcomes["arat"], study.analysis) == []
    file = tmp_path / "bolus.yaml"
    file.write_text(new_study("bolus", "two_arm_ordinal"))
    assert run(["endpoint", str(file), *SMALL]) == 0
    assert "shift table" in capsys.readouterr().out
    assert run(["endpoint", str(file), *SMALL, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["shift_table"]) == 8


def test_cells_of_a_harmful_effect_are_warned_of_and_those_of_none_are_not() -> None:
    for value, warned in ((0.35, True), (0.5, False), (0.62, False)):
        study = load("cars1").replace({"outcomes.arat.effect.value": value})
        found = count_power_of(study, replicates=1000, seed=5, cohort=32)
        assert ("WARNING" in cells_text("t", found, 0.05, 2)) == warned

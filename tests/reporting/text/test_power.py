"""What stands beside an estimate is called what it is."""

import numpy as np
import pytest

from trialsim.questions.count_power import count_power_of
from trialsim.questions.power import power
from trialsim.reporting.text.cells import cells_text
from trialsim.reporting.text.power import power_text
from trialsim.scenario.files.yaml_file import load

PLAN = {"analysis.continuity_correction": False, "analysis.secondary": {}}


def test_of_responders_the_proportions_are_told_whose_difference_is_the_estimate() -> None:
    plan = {"analysis.test": {"method": "responders", "threshold": 30}}
    result = power(load("cars1").replace({**PLAN, **plan}), replicates=16, seed=3)
    treated, control = result.columns["treated_mean"], result.columns["control_mean"]
    np.testing.assert_allclose(treated - control, result.columns["estimate"], atol=1e-12)
    assert "responders, treated" in power_text("t", result)
    assert "mean score" not in power_text("t", result)


def test_a_mean_change_is_not_called_a_score() -> None:
    plan = {"analysis.measure": "change", "analysis.test": "welch", "analysis.death": "as_missing"}
    result = power(load("cars1").replace({**PLAN, **plan}), replicates=16, seed=3)
    treated, control = result.columns["treated_mean"], result.columns["control_mean"]
    np.testing.assert_allclose(treated - control, result.columns["estimate"], atol=1e-9)
    text = power_text("t", result)
    assert "mean change, treated" in text
    assert "mean score, " not in text


def test_floor_ceiling_and_the_dead_are_told_apart() -> None:
    """Oracle: with deaths as missing nobody ranks below all, and the floor of ARAT stays."""
    study = load("cars1").replace({"analysis.death": "as_missing"})
    result = count_power_of(study, replicates=100, seed=5, cohort=32)
    lines = {
        line[:34].strip(): line[34:].split()
        for line in cells_text("t", result, 0.05, 2).splitlines()
    }
    assert lines["died or ranked worst"] == ["0.0000", "0.0000"]
    assert float(lines["worst score (floor)"][1]) == pytest.approx(0.2, abs=0.04)
    assert float(lines["best score (ceiling)"][0]) == pytest.approx(
        result.cells.treated[-1], abs=1e-4
    )

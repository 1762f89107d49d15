"""A closed form stands beside a simulation only where it is of the same comparison."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.questions.count_power import count_power_of, patients_by_cells
from trialsim.reporting.figures.of_designs.closed_form import closed_form_power
from trialsim.scenario.programme import single_trial

SMALL = {"outcomes.arat.effect.value": 0.62}


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis.alternative": "less", "analysis.alpha": 0.025},
        {"analysis.visit": "day_21"},
        {"analysis.measure": "change"},
        {"analysis.strata": "site"},
        {"design.arms.placebo.dose_ml": 30.0},
        {"outcomes.arat.effect.value": 0.4},
    ],
)
def test_no_closed_form_stands_beside_another_comparison(changes: dict[str, Any]) -> None:
    cars1 = ts.load("cars1").replace(SMALL)
    assert 0.5 < closed_form_power(cars1) < 1
    assert np.isnan(closed_form_power(cars1.replace(changes)))


def test_formulas_count_no_rejection_in_favour_of_the_control() -> None:
    harmful = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.35})
    found = count_power_of(harmful, 500, 7, cohort=64)
    assert found.power < 0.01
    assert np.isnan([found.noether, found.zhao, found.happ]).all()
    assert patients_by_cells(single_trial(harmful), 0.9, cohort=64) is None


def test_an_arm_of_nobody_is_said_and_no_formula_divides_by_it() -> None:
    """Hardly any patient of a small trial is nearly in a coma."""
    rare = {"label": "Nearly coma", "covariate": "glasgow_coma_scale", "less_than": 9}
    study = ts.load("cars1").replace({"design.patients": 30, "analysis.subgroup": rare})
    with pytest.raises(ts.RunError, match=r"no patient to analyse|fewer than one patient"):
        count_power_of(study, 100, 7, cohort=64)

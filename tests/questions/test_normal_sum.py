"""The normal sum of effects, against Lachin's known powers and the simulated power of a study."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import trialsim as ts
from trialsim.questions.normal_sum import (
    expected_sum,
    patients_by_normal_sum,
    power_by_normal_sum,
)
from trialsim.reporting.text.comparison import size_text
from trialsim.stats.planning.sample_size import normal_sum


@pytest.mark.parametrize(
    ("distances", "correlation", "patients", "alpha", "power"),
    [
        ([0.3, 0.3], 0.5, 100, 0.025, 0.687765238491508),
        ([0.4, 0.2, 0.1], 0.3, 80, 0.025, 0.524225606134107),
        ([0.5, 0.0], 0.7, 60, 0.05, 0.436585361843809),
    ],
)
def test_the_power_of_means_with_known_variance(
    distances: list[float], correlation: float, patients: int, alpha: float, power: float
) -> None:
    """Oracle: Z is normal about the sum over the root of 2 / n 1'R1, computed in R 4.2.2."""
    known = np.eye(len(distances)) * (1 - correlation) + correlation
    covariance = 4 * known  # of two arms of half the patients, times all of them
    planned = normal_sum(np.array(distances), covariance, covariance, np.ones(len(distances)))
    assert_allclose(planned.power(2 * patients, alpha, 1), power, atol=1e-8)
    assert_allclose(planned.patients(power, alpha, 1), 2 * patients, rtol=1e-8)


def study(**changes: object) -> ts.Scenario:
    test = {"method": "wei_lachin", "outcomes": ["arat", "nihss"], "visits": ["day_42", "day_90"]}
    return ts.load("cars1").replace(
        {
            "design.patients": 120,
            "outcomes.arat.effect.value": 0.62,
            "analysis.secondary": {},
            "analysis.test": test,
            **changes,
        }
    )


def test_it_agrees_with_the_simulated_power() -> None:
    """Within 4 Monte Carlo standard errors of both, and 1% for the normal approximation."""
    found = power_by_normal_sum(study(), 256)
    assert found is not None
    simulated = ts.power(study(), 1000, n_jobs=1)
    assert abs(found[0] - simulated.power) < 0.01 + 4 * np.hypot(found[1], simulated.mcse)
    assert 0.5 < found[0] < 0.99
    asked = patients_by_normal_sum(study(), found[0], 256)
    assert asked is not None
    assert_allclose(asked.patients, 120, rtol=1e-6)
    in_strata = power_by_normal_sum(study(**{"analysis.strata": "site"}), 64)
    assert in_strata is not None
    assert abs(in_strata[0] - found[0]) < 0.15


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis.test": "mann_whitney"},
        {"analysis.missing": "multiple_imputation"},
        {"analysis.alternative": "less"},
        {"outcomes.arat.effect.value": 0.3, "outcomes.nihss.effect.value": 0.3},
    ],
)
def test_it_is_not_given_where_it_does_not_apply(changes: dict[str, object]) -> None:
    assert expected_sum(study(**changes), 8) is None


def test_a_size_says_by_which_formula() -> None:
    found = ts.sample_size(study(), power=0.8, low=80, high=160, replicates=200, n_jobs=1)
    assert found.closed_form is not None
    assert found.closed_form.formula == "normal sum"
    assert "normal sum " in size_text("title", found)

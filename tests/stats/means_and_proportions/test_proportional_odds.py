"""The common odds ratio against R and its own laws."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.means_and_proportions.proportional_odds import proportional_odds
from trialsim.stats.planning.scale_effects import cells_of_censored_normal, shifted_cells

ORACLES = reference("proportional_odds")


def spread(counts: list[int]) -> Floats:
    """Patients of so many in each cell, the first cell the best."""
    return -np.repeat(np.arange(float(len(counts))), counts)


@pytest.mark.parametrize("case", ORACLES["cases"], ids=[case["id"] for case in ORACLES["cases"]])
def test_odds_ratio_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: ordinal::clm, whose positive coefficient is a worse (higher) score on alteplase."""
    treated = spread(case["inputs"]["counts_alteplase_mRS0to6"])
    control = spread(case["inputs"]["counts_placebo_mRS0to6"])
    found, expected = proportional_odds(treated, control), case["expected"]
    assert_allclose(found.log_odds_ratio, -expected["log_or_clm"], rtol=1e-4, atol=1e-6)
    assert_allclose(found.standard_error, expected["se_clm"], rtol=1e-4)
    assert_allclose(found.odds_ratio, expected["common_or_better"], rtol=1e-4)
    assert found.low < found.odds_ratio < found.high


def test_two_cells_have_the_odds_ratio_of_the_table() -> None:
    """Oracle: the cross product of a two-by-two table and Woolf's standard error."""
    found = proportional_odds(spread([30, 20]), spread([18, 27]), confidence=0.9)
    assert_allclose(found.odds_ratio, 30 * 27 / (20 * 18), rtol=1e-4)
    assert_allclose(found.standard_error, np.sqrt(1 / 30 + 1 / 20 + 1 / 18 + 1 / 27), rtol=1e-4)
    half = 1.6448536 * found.standard_error
    assert_allclose(np.log(found.high), found.log_odds_ratio + half, rtol=1e-6)
    assert_allclose(np.log(found.low), found.log_odds_ratio - half, rtol=1e-6)


def test_swapping_the_arms_inverts_the_ratio_and_a_missing_value_is_left_out() -> None:
    generator = np.random.default_rng(1)
    cells = cells_of_censored_normal(30, 20, 0, 57)
    treated = generator.choice(58, 60, p=shifted_cells(cells, 0.4)).astype(float)
    control = generator.choice(58, 60, p=cells).astype(float)
    one = proportional_odds(np.append(treated, np.nan), control)
    other = proportional_odds(control, treated)
    assert_allclose(one.log_odds_ratio, -other.log_odds_ratio, rtol=1e-3)
    assert_allclose(one.p_value, other.p_value, rtol=1e-3)
    assert one.log_odds_ratio > 0


@pytest.mark.parametrize(
    ("treated", "control", "ratio"),
    [
        ([57.0, 57.0], [57.0, 57.0], np.nan),
        ([], [1.0, 2.0], np.nan),
        ([np.nan], [1.0, 2.0], np.nan),
        ([3.0, 4.0], [1.0, 2.0], np.inf),
        ([2.0, 2.0], [1.0, 2.0], np.inf),  # separate but for ties
        ([0.0], [1.0], 0.0),
    ],
)
def test_ratios_that_are_not_known_are_no_evidence(
    treated: list[float], control: list[float], ratio: float
) -> None:
    found = proportional_odds(np.array(treated), np.array(control))
    assert_array_equal(found.odds_ratio, ratio)
    assert_array_equal((found.low, found.high, found.z, found.p_value), (0, np.inf, 0, 1))


def test_confidence_beyond_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 2\.0\)"):
        proportional_odds(np.array([1.0]), np.array([2.0]), confidence=2.0)

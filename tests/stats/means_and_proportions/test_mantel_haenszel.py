"""Shares within strata against R and statsmodels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr
from statsmodels.stats.contingency_tables import StratifiedTable

from tests.stats.reference import reference
from trialsim.stats.means_and_proportions.mantel_haenszel import mantel_haenszel
from trialsim.stats.means_and_proportions.two_shares import distance_of_shares

(CASE,) = reference("stratified_shares")["cases"]
TABLES = np.array(
    [[one[name] for name in ("x1", "n1", "x2", "n2")] for one in CASE["inputs"]["strata"]]
).T


def test_test_difference_and_its_variance_agree_with_r() -> None:
    """Oracle: R's mantelhaen.test, and the variance of Greenland and Robins."""
    found, expected = mantel_haenszel(*TABLES), CASE["expected"]
    assert_allclose(found.z**2, expected["chi2_no_cc"], rtol=1e-9)
    assert_allclose(2 * ndtr(-abs(found.z)), expected["p_no_cc"], rtol=1e-9)
    assert_allclose(found.estimate, expected["rd_mh"], rtol=1e-9)
    assert_allclose(found.standard_error, expected["rd_mh_se"], rtol=1e-9)


def test_the_test_is_that_of_statsmodels_in_random_tables() -> None:
    """Oracle: statsmodels' StratifiedTable, of Robins, Breslow and Greenland's variance too."""
    generator = np.random.default_rng(4)
    sizes = generator.integers(3, 30, (2, 5))
    x, y = (generator.binomial(one, 0.4) for one in sizes)
    tables = [
        np.array([[a, n - a], [b, m - b]])
        for a, n, b, m in zip(x, sizes[0], y, sizes[1], strict=True)
    ]
    oracle = StratifiedTable(tables)
    found = mantel_haenszel(x, sizes[0], y, sizes[1], "odds_ratio")
    assert_allclose(found.z**2, oracle.test_null_odds(correction=False).statistic)
    assert_allclose(found.estimate, oracle.oddsratio_pooled)
    assert_allclose(found.standard_error, oracle.logodds_pooled_se)


def test_one_stratum_is_two_samples() -> None:
    """The difference and the ratio are those of two shares, and the test the score test of none."""
    found = mantel_haenszel([56], [104], [33], [101])
    ratio = mantel_haenszel([56], [104], [33], [101], "risk_ratio")
    t, c = 56 / 104, 33 / 101
    score = distance_of_shares(56, 104, 33, 101, 0.0, interval="miettinen-nurminen")
    assert found.z == pytest.approx(score.statistic.item(), rel=1e-12)
    assert found.estimate == pytest.approx(t - c)
    assert found.standard_error == pytest.approx(np.sqrt(t * (1 - t) / 104 + c * (1 - c) / 101))
    assert ratio.estimate == pytest.approx(t / c)
    assert ratio.standard_error == pytest.approx(np.sqrt(1 / 56 - 1 / 104 + 1 / 33 - 1 / 101))
    odds = mantel_haenszel([56], [104], [33], [101], "odds_ratio")
    assert odds.estimate == pytest.approx(56 * 68 / (33 * 48))
    assert odds.standard_error == pytest.approx(np.sqrt(1 / 56 + 1 / 48 + 1 / 33 + 1 / 68))  # Woolf


def test_a_stratum_with_one_arm_has_no_weight_and_no_stratum_leaves_no_estimate() -> None:
    alone = mantel_haenszel([12, 5], [20, 9], [5, 0], [20, 0])
    assert_array_equal(alone, mantel_haenszel([12], [20], [5], [20]))
    nobody = mantel_haenszel([3], [5], [0], [0])
    assert np.isnan(nobody.estimate)
    assert nobody.z == 0
    for measure in ("risk_ratio", "odds_ratio"):
        assert np.isposinf(mantel_haenszel([3], [5], [0], [5], measure).estimate)

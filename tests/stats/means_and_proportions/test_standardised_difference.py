"""Hedges' g, against statsmodels and the noncentral t distribution."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd

from trialsim.stats.means_and_proportions.standardised_difference import hedges_g


def test_hedges_g_agrees_with_statsmodels_up_to_its_approximate_correction() -> None:
    """Oracle: effectsize_smd, which takes J = 1 - 3 / (4 N - 9); a difference below 1e-4 of g."""
    random = np.random.default_rng(1)
    treated, control = random.normal(0.5, 1, 30), random.normal(0, 1.3, 25)
    g, _ = effectsize_smd(
        treated.mean(), treated.std(ddof=1), 30, control.mean(), control.std(ddof=1), 25
    )
    found = hedges_g(treated, control)
    assert_allclose(found.estimate, g, rtol=1e-4)
    assert_allclose(found.variance, 1 / 30 + 1 / 25 + found.estimate**2 / 110, rtol=1e-14)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (5, 4), (104, 101)])
def test_correction_makes_hedges_g_unbiased(m: int, n: int) -> None:
    """Oracle: the mean of the noncentral t distribution, which J undoes exactly."""
    treated, control = np.linspace(0, 1, m), np.linspace(0, 1, n)
    found = hedges_g(treated + 0.4, control)
    pooled_sd = np.sqrt((m - 1) * treated.var(ddof=1) + (n - 1) * control.var(ddof=1)) / np.sqrt(
        m + n - 2
    )
    correction = found.estimate / (0.4 / pooled_sd)
    if m + n - 2 > 1:
        noncentrality = 0.7 * np.sqrt(m * n / (m + n))
        bias = stats.nct.mean(m + n - 2, noncentrality) / noncentrality
        assert_allclose(correction * bias, 1.0, rtol=1e-9)


def test_missing_values_are_left_out_and_batch_equals_loop() -> None:
    random = np.random.default_rng(2)
    treated, control = random.normal(size=(3, 4, 9)), random.normal(size=(3, 4, 7))
    treated[0, 0, :3] = np.nan
    batch = hedges_g(treated, control)
    for trial in np.ndindex(3, 4):
        known = treated[trial][~np.isnan(treated[trial])]
        single = hedges_g(known, control[trial])
        assert_allclose(batch.estimate[trial], single.estimate, rtol=1e-13)
        assert_allclose(batch.variance[trial], single.variance, rtol=1e-13)


@pytest.mark.parametrize(
    ("treated", "control"),
    [
        ([], [1.0, 2, 3, 4]),
        ([1.0], [2.0, 3]),
        ([0.1, 0.1, 0.1], [0.3, 0.3, 0.3]),
        ([np.nan], [np.nan]),
    ],
)
def test_difference_that_has_no_scale_is_not_known(
    treated: list[float], control: list[float]
) -> None:
    assert_array_equal(hedges_g(np.array(treated), np.array(control)), (np.nan, np.nan))

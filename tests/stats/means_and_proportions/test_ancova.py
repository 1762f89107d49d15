"""Analysis of covariance against R, statsmodels and its own laws."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.means_and_proportions.ancova import ancova, ancova_by_arm
from trialsim.stats.means_and_proportions.t_tests import student_t_test

(CASE,) = reference("ancova")["cases"]


def trials(seed: int, *batch: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Outcomes and two covariates of 12 treated and 15 controls."""
    generator = np.random.default_rng(seed)
    covariates = [generator.normal(size=(*batch, size, 2)) for size in (12, 15)]
    outcomes = [x @ [0.7, -0.3] + generator.normal(size=x.shape[:-1]) for x in covariates]
    return outcomes[0] + 0.5, outcomes[1], covariates[0], covariates[1]


def test_ancova_agrees_with_r() -> None:
    """Oracle: R's lm(y ~ arm + baseline + severity)."""
    study, expected = CASE["inputs"], CASE["expected"]
    active = np.array(study["arm"]) == "A"
    y, severe = np.array(study["y"], float), np.array(study["severity"]) == "sev"
    covariates = np.column_stack([study["baseline"], severe])
    found = ancova(y[active], y[~active], covariates[active], covariates[~active])
    wanted = [expected[key] for key in ("estimate", "se")] + expected["ci"]
    wanted += [expected[key] for key in ("t", "df", "p")]
    assert_allclose(found, wanted, rtol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_ancova_equals_ordinary_least_squares(seed: int) -> None:
    """Oracle: statsmodels OLS."""
    treated, control, x_treated, x_control = trials(seed)
    arm = np.repeat([1.0, 0.0], [12, 15])
    design = np.column_stack([arm, np.ones(27), np.vstack([x_treated, x_control])])
    fit = sm.OLS(np.r_[treated, control], design).fit()
    found = ancova(treated, control, x_treated, x_control, confidence=0.9)
    wanted = [fit.params[0], fit.bse[0], *fit.conf_int(0.1)[0], fit.tvalues[0], fit.df_resid]
    assert_allclose(found, [*wanted, fit.pvalues[0]], rtol=1e-10)


def test_a_batch_with_missing_values_equals_a_loop_over_complete_patients() -> None:
    treated, control, x_treated, x_control = trials(6, 3, 4)
    generator = np.random.default_rng(7)
    treated = np.where(generator.random(treated.shape) < 0.2, np.nan, treated)
    x_control = np.where(generator.random(x_control.shape) < 0.1, np.nan, x_control)
    batch = ancova(treated, control, x_treated, x_control)
    for at in np.ndindex(3, 4):
        known = [~np.isnan(treated[at]), ~np.isnan(x_control[at]).any(axis=-1)]
        single = ancova(
            treated[at][known[0]],
            control[at][known[1]],
            x_treated[at][known[0]],
            x_control[at][known[1]],
        )
        assert_allclose([field[at] for field in batch], single, rtol=1e-9)


def test_a_covariate_that_tells_nothing_new_changes_nothing() -> None:
    """A constant, a copy in other units, and one that only tells the arms apart."""
    treated, control, x_treated, x_control = trials(8)
    wanted = ancova(treated, control, x_treated, x_control)
    arms = x_treated, x_control
    constant = [np.hstack([x, np.full((len(x), 1), 0.1)]) for x in arms]
    copied = [np.hstack([x, 1e6 * x[:, :1]]) for x in arms]
    for wider in (constant, copied):
        assert_allclose(ancova(treated, control, wider[0], wider[1]), wanted, rtol=1e-9)
    alone = ancova(treated, control, np.full((12, 1), 0.1), np.full((15, 1), 0.3))
    assert_allclose(alone, student_t_test(treated, control))


def test_swapping_the_arms_changes_the_sign() -> None:
    treated, control, x_treated, x_control = trials(9)
    one = ancova(treated, control, x_treated, x_control, alternative="greater")
    other = ancova(control, treated, x_control, x_treated, alternative="less")
    assert_allclose(one.estimate, -other.estimate)
    assert_allclose(one.p_value, other.p_value)


def test_a_perfect_fit_and_too_few_patients_say_nothing() -> None:
    x_treated, x_control = np.array([[1.0], [2.0], [4.0]]), np.array([[2.0], [5.0], [7.0]])
    x, z = np.random.default_rng(12).normal(size=(2, 50, 9, 1))
    for perfect in (
        ancova(0.1 + 0.7 * x[..., 0], 0.7 * z[..., 0], x, z),
        ancova(0.1 + 2 * x_treated[:, 0], 2 * x_control[:, 0], x_treated, x_control),
    ):
        assert_allclose(perfect.estimate, 0.1)
        assert_array_equal((perfect.t == 0) & (perfect.p_value == 1), True)
    few = ancova(np.array([3.0, 5.0]), np.array([4.0]), x_treated[:2], x_control[:1])
    assert_array_equal((few.t, few.p_value), (0, 1))
    empty = ancova(np.array([np.nan]), np.array([4.0, 6.0]), x_treated[:1], x_control[:2])
    assert np.isnan(empty.estimate)
    assert_array_equal((empty.low, empty.high, empty.p_value), (-np.inf, np.inf, 1))


@pytest.mark.parametrize("seed", range(3))
def test_slopes_by_arm_are_those_of_the_interacted_regression(seed: int) -> None:
    """Oracle: statsmodels OLS on arm, covariates around their means, and both multiplied."""
    treated, control, x_treated, x_control = trials(seed)
    x, arm = np.vstack([x_treated, x_control]), np.repeat([1.0, 0.0], [12, 15])
    centred = x - x.mean(axis=0)
    design = np.column_stack([np.ones(27), arm, centred, arm[:, None] * centred])
    fit = sm.OLS(np.r_[treated, control], design).fit()
    each = [
        sm.OLS(y, sm.add_constant(one)).fit()
        for y, one in ((treated, x_treated), (control, x_control))
    ]
    steeper = each[0].params[1:] - each[1].params[1:]
    variance = sum(one.mse_resid / one.nobs for one in each)
    variance += steeper @ np.cov(x.T) @ steeper / 27
    found = ancova_by_arm(treated, control, x_treated, x_control)
    assert_allclose(found.estimate, fit.params[1], rtol=1e-10)
    assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-10)
    assert found.degrees_of_freedom == 27 - 2 - 4


def test_slopes_by_arm_keep_their_level_under_stratified_blocks_where_the_t_test_does_not() -> None:
    """3,000 trials of two blocks of four in each of two strata that differ by four SDs.

    5% within 3 errors, 1.2%; the t test, which takes the strata for noise, rejects in none, nearly.
    The drug does nothing on average, and works in opposite directions in the two strata.
    """
    generator = np.random.default_rng(8)
    blocks = generator.permuted(np.tile([True, True, False, False], (3000, 8, 1)), axis=-1)
    arm = blocks.reshape(3000, 32)
    severe = np.broadcast_to(np.repeat([0.0, 1.0], 16), arm.shape)
    scores = 4 * severe + np.where(arm, severe - 0.5, 0.0) + generator.normal(size=arm.shape)
    treated, control = np.where(arm, scores, np.nan), np.where(arm, np.nan, scores)
    known = severe[..., None]
    rejects = ancova_by_arm(treated, control, known, known).p_value <= 0.05
    assert abs(rejects.mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 3000)
    assert (student_t_test(treated, control).p_value <= 0.05).mean() < 0.002


def test_a_covariate_saves_the_share_of_patients_that_it_explains() -> None:
    """A correlation of 0.7 leaves 1 - 0.49 of the variance, in 1,000 trials within 3 errors.

    The error of a ratio of two variances of correlated estimates is below sqrt(4 / 1000) of it.
    """
    generator = np.random.default_rng(9)
    x = generator.normal(size=(1000, 200))
    y = 0.7 * x + np.sqrt(1 - 0.49) * generator.normal(size=x.shape)
    arms = y[:, :100], y[:, 100:]
    known = x[:, :100, None], x[:, 100:, None]
    plain = student_t_test(*arms).estimate.var()
    for adjust in (ancova, ancova_by_arm):
        left = adjust(*arms, *known).estimate.var() / plain
        assert abs(left - 0.51) < 3 * 0.51 * np.sqrt(4 / 1000)

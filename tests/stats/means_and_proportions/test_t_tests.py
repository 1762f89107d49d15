"""Student's and Welch's tests against R, SciPy and their own laws."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.means_and_proportions.t_tests import student_t_test, welch_t_test
from trialsim.stats.p_values import Alternative

(CASE,) = reference("t_tests")["cases"]
TESTS = {True: student_t_test, False: welch_t_test}
ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")

samples = st.lists(st.integers(0, 57), min_size=2, max_size=12).map(
    lambda values: np.array(values, float)
)
both_tests = pytest.mark.parametrize("equal_variances", [True, False])


@both_tests
def test_t_tests_agree_with_r(equal_variances: bool) -> None:
    """Oracle: R's t.test, which takes the placebo less the active arm."""
    arm, y = np.array(CASE["inputs"]["arm"]), np.array(CASE["inputs"]["y"], float)
    found = TESTS[equal_variances](y[arm == "A"], y[arm == "P"])
    expected, name = CASE["expected"], "pooled" if equal_variances else "welch"
    assert_allclose(found.estimate, expected["diff_A_minus_P"], atol=1e-9)
    assert_allclose(found.t, -expected[f"t_{name}_P_minus_A"], atol=1e-9)
    assert_allclose(found.p_value, expected[f"p_{name}"], atol=1e-9)
    freedom = 26 if equal_variances else expected["df_welch"]
    assert_allclose(found.degrees_of_freedom, freedom, atol=1e-9)


@both_tests
@law(treated=samples, control=samples)
def test_t_tests_equal_those_of_scipy(
    equal_variances: bool, treated: Floats, control: Floats
) -> None:
    """Oracle: scipy.stats.ttest_ind, which warns of an arm without spread."""
    if np.ptp(treated) * np.ptp(control) == 0:
        return
    for alternative in ALTERNATIVES:
        found = TESTS[equal_variances](treated, control, 0.9, alternative)
        wanted = stats.ttest_ind(
            treated, control, equal_var=equal_variances, alternative=alternative
        )
        assert_allclose(found.t, wanted.statistic, rtol=1e-10, atol=1e-12)
        assert_allclose(found.p_value, wanted.pvalue, rtol=1e-10, atol=1e-13)
        if alternative == "two-sided":
            interval = wanted.confidence_interval(0.9)
            assert_allclose((found.low, found.high), interval, rtol=1e-9, atol=1e-9)


@both_tests
def test_a_batch_with_missing_values_equals_a_loop_over_single_trials(
    equal_variances: bool,
) -> None:
    generator = np.random.default_rng(1)
    arms = [generator.normal(size=(4, 5, size)) for size in (9, 12)]
    treated, control = (np.where(generator.random(arm.shape) < 0.5, np.nan, arm) for arm in arms)
    batch = TESTS[equal_variances](treated, control)
    for at in np.ndindex(4, 5):
        known, others = (arm[at][~np.isnan(arm[at])] for arm in (treated, control))
        single = TESTS[equal_variances](known, others)
        for field, wanted in zip(batch, single, strict=True):
            assert_allclose(field[at], wanted, rtol=1e-9)


@both_tests
@pytest.mark.parametrize(
    ("treated", "control"),
    [
        ([57.0, 57.0], [57.0, 57.0, 57.0]),  # all tied
        ([57.0, 57.0], [0.0, 0.0, 0.0]),  # separate and without spread
        ([0.1, 0.1, 0.1], [0.3, 0.3, 0.3]),  # the same, with means that are rounded
        ([57.0], [3.0]),
        ([], [1.0, 2.0]),
        ([np.nan], [1.0, 2.0]),
    ],
)
def test_where_spread_is_not_known_nothing_is_said(
    equal_variances: bool, treated: list[float], control: list[float]
) -> None:
    found = TESTS[equal_variances](np.array(treated), np.array(control))
    assert found.p_value == 1
    assert found.t == 0
    assert_array_equal((found.low, found.high), (-np.inf, np.inf))
    assert np.isnan(found.standard_error)


def test_one_patient_against_several_has_students_test_but_not_welchs() -> None:
    arms = np.array([5.0]), np.array([1.0, 2.0, 3.0])
    assert_allclose(student_t_test(*arms).p_value, stats.ttest_ind(*arms).pvalue)
    assert welch_t_test(*arms).p_value == 1


def test_wrong_arguments_are_refused() -> None:
    sample = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"confidence must lie between 0 and 1 \(got 1\.2\)"):
        student_t_test(sample, sample, confidence=1.2)
    with pytest.raises(ValueError, match=r"alternative must be one of"):
        welch_t_test(sample, sample, alternative="both")  # type: ignore[arg-type]

"""The Brunner-Munzel test, against R, SciPy, enumeration and its own laws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.brunner_munzel import (
    brunner_munzel,
    brunner_munzel_exact,
    brunner_munzel_permutation,
    satterthwaite,
)
from trialsim.stats.ranks.mann_whitney import rank_test, summarise

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")
CASES = [case for case in reference("mann_whitney")["cases"] if case["family"] == "wmw_test"]
PERMUTED = reference("permuted_brunner_munzel")["cases"]

scores = st.lists(st.integers(0, 5), min_size=2, max_size=10).map(
    lambda values: np.array(values, float)
)


def samples_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(case["inputs"]["x"], float), np.array(case["inputs"]["y"], float)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_statistic_freedom_and_p_value_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: brunnermunzel.test in R."""
    test, expected = brunner_munzel(summarise(*samples_of(case))), case["expected"]
    assert_allclose(test.statistic, expected["bm_statistic"], rtol=1e-7)
    assert_allclose(test.degrees_of_freedom, expected["bm_df"], rtol=1e-7)
    assert_allclose(test.p_value, expected["bm_p_two_sided"], rtol=1e-7)


@pytest.mark.parametrize("case", PERMUTED, ids=[case["id"] for case in PERMUTED])
def test_exact_p_value_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: brunnermunzel.permutation.test in R."""
    test = brunner_munzel_exact(*samples_of(case))
    assert_allclose(test.p_value, case["expected"]["p_two_sided"], rtol=1e-5)


@law(treated=scores, control=scores)
def test_p_values_equal_those_of_scipy(treated: Floats, control: Floats) -> None:
    """Oracle: scipy.stats.brunnermunzel where it has a variance; its statistic is negated."""
    summary = summarise(treated, control)
    if not summary.placement_variance > 0:
        return
    for alternative in ALTERNATIVES:
        for distribution in ("t", "normal"):
            found = brunner_munzel(summary, alternative, distribution)
            wanted = stats.brunnermunzel(
                treated, control, alternative=alternative, distribution=distribution
            )
            assert_allclose(found.p_value, wanted.pvalue, rtol=1e-11, atol=1e-14)
            assert_allclose(found.statistic, -wanted.statistic, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize(
    ("treated", "control"),
    [([6, 7, 8, 9], [1, 2, 3, 4]), ([0, 0, 0], [57, 57]), ([5], [3, 5, 9]), ([5], [3])],
)
def test_without_a_placement_variance_it_is_the_mann_whitney_test(
    treated: list[float], control: list[float], alternative: Alternative
) -> None:
    """Complete separation, and one patient in an arm, where R gives p = 0 or an error."""
    summary = summarise(np.array(treated, float), np.array(control, float))
    test, stand_in = brunner_munzel(summary, alternative), rank_test(summary, alternative)
    assert_allclose((test.statistic, test.p_value), (stand_in.z, stand_in.p_value), rtol=1e-12)
    assert test.degrees_of_freedom == np.inf


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("treated", [[], [np.nan], [3.0, 3.0]])
def test_nothing_to_compare_gives_p_value_one(
    treated: list[float], alternative: Alternative
) -> None:
    samples = np.array(treated), np.array([3.0, 3.0, 3.0])
    permutations = np.argsort(np.random.default_rng(1).random((9, len(treated) + 3)), axis=-1)
    test = brunner_munzel(summarise(*samples), alternative)
    assert_array_equal((test.statistic, test.p_value), (0.0, 1.0))
    assert brunner_munzel_exact(*samples, alternative).p_value == 1.0
    assert brunner_munzel_permutation(*samples, permutations, alternative).p_value == 1.0


def test_complete_separation_is_the_most_extreme_allocation() -> None:
    """Oracle: two of the 70 ways to deal eight patients separate the arms."""
    treated, control = np.array([6.0, 7, 8, 9]), np.array([1.0, 2, 3, 4])
    assert_allclose(brunner_munzel_exact(treated, control).p_value, 2 / 70)
    assert_allclose(brunner_munzel_exact(treated, control, "greater").p_value, 1 / 70)
    assert_allclose(brunner_munzel_exact(treated, control, "less").p_value, 1.0)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_random_permutations_approach_the_exact_p_value(alternative: Alternative) -> None:
    """Oracle: the enumeration, within four binomial standard errors; a NaN changes nothing."""
    treated = np.array([[3.0, 3, 4, 9, 1, np.nan], [1.0, 5, 2, 2, 7, 4]])
    control = np.array([1.0, 2, 2, 5, 6, 1, 0])
    shuffled = np.argsort(np.random.default_rng(3).random((2, 4000, 13)), axis=-1)
    sampled = brunner_munzel_permutation(treated, control, shuffled, alternative)
    exact = brunner_munzel_exact(treated, control, alternative)
    assert_array_equal(sampled.z, exact.z)
    assert (abs(sampled.p_value - exact.p_value) < 4 * 0.5 / np.sqrt(4000)).all()


@law(treated=scores, control=scores)
def test_swapping_the_arms_swaps_the_sides(treated: Floats, control: Floats) -> None:
    one, other = summarise(treated, control), summarise(control, treated)
    assert_allclose(
        brunner_munzel(one, "greater").p_value, brunner_munzel(other, "less").p_value, rtol=1e-12
    )
    assert_allclose(satterthwaite(one), satterthwaite(other), rtol=1e-12)


def test_a_batch_gives_the_bits_of_a_loop_over_single_trials() -> None:
    generator = np.random.default_rng(5)
    treated, control = generator.integers(0, 3, (2, 50, 3)).astype(float)
    shuffled = np.argsort(generator.random((50, 19, 6)), axis=-1)
    asymptotic = brunner_munzel(summarise(treated, control))
    exact = brunner_munzel_exact(treated, control)
    sampled = brunner_munzel_permutation(treated, control, shuffled)
    for trial in range(50):
        arms = treated[trial], control[trial]
        assert_array_equal(asymptotic.p_value[trial], brunner_munzel(summarise(*arms)).p_value)
        assert_array_equal(exact.p_value[trial], brunner_munzel_exact(*arms).p_value)
        single = brunner_munzel_permutation(*arms, shuffled[trial])
        assert_array_equal(sampled.p_value[trial], single.p_value)


def test_too_many_allocations_are_refused_and_the_way_out_is_told() -> None:
    values = np.arange(60.0)
    with pytest.raises(ValueError, match=r"at most 1,000,000 .* draw random permutations"):
        brunner_munzel_exact(values[:30], values[30:])


def test_unknown_names_are_refused() -> None:
    summary, unknown = summarise(np.array([1.0, 2]), np.array([1.0, 3])), "z"
    name: Any = unknown
    with pytest.raises(ValueError, match=r"reference must be one of t, normal \(got 'z'\)"):
        brunner_munzel(summary, "greater", name)
    with pytest.raises(ValueError, match=r"alternative must be one of"):
        brunner_munzel_exact(np.array([1.0]), np.array([2.0]), name)

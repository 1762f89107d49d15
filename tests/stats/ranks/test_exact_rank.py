"""Exact and permutation rank tests, against R, enumeration and SciPy where there are no ties."""

from itertools import combinations
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
from trialsim.stats.ranks.exact_rank import (
    exact_rank_test,
    exact_rank_test_counts,
    permutation_rank_test,
    rank_sum_distribution,
)
from trialsim.stats.ranks.mann_whitney import count, mann_whitney

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")
CASES = reference("mann_whitney")["cases"]
TESTS = [case for case in CASES if case["family"] == "wmw_test"]
DEGENERATE = [case for case in CASES if case["family"] == "degenerate"]

scores = st.lists(st.integers(0, 4), min_size=1, max_size=6).map(
    lambda values: np.array(values, float)
)


def samples_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(case["inputs"]["x"], float), np.array(case["inputs"]["y"], float)


@pytest.mark.parametrize("case", TESTS, ids=[case["id"] for case in TESTS])
def test_exact_p_values_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: coin::wilcox_test(distribution = "exact") in R, ties and all."""
    expected = case["expected"]
    keys = ("p_exact_two_sided_coin", "p_exact_greater", "p_exact_less")
    for alternative, key in zip(ALTERNATIVES, keys, strict=True):
        test = exact_rank_test(*samples_of(case), alternative)
        assert_allclose(test.p_value, expected[key], rtol=1e-7, err_msg=key)
    assert_allclose(test.z, expected["z_no_cc"], rtol=1e-7)


@pytest.mark.parametrize("case", DEGENERATE, ids=[case["id"] for case in DEGENERATE])
def test_degenerate_samples_have_a_decided_answer(case: dict[str, Any]) -> None:
    """Oracle: coin in R where it answers; when all values are equal the p-value is 1."""
    expected = case["expected"]["coin_exact_p"]
    wanted = 1.0 if isinstance(expected, str) else expected
    assert_allclose(exact_rank_test(*samples_of(case)).p_value, wanted, rtol=1e-7)


def test_permeability_example_has_its_published_p_value() -> None:
    """Oracle: Hollander and Wolfe (1973), example 4.1: W = 35, one-sided p = 0.1272."""
    (case,) = (case for case in CASES if case["id"] == "mw.published.hollander41")
    test = exact_rank_test(*samples_of(case), "greater")
    assert_allclose(test.effect * 50, case["expected"]["U_x"])
    assert_allclose(test.p_value, case["expected"]["p_greater_exact_full"], atol=1e-10)


@law(treated=scores, control=scores)
def test_exact_p_values_are_those_of_dealing_the_patients_in_every_way(
    treated: Floats, control: Floats
) -> None:
    """Oracle: all combinations of patients, one by one."""
    pooled = np.concatenate([treated, control])
    ranks = np.array([2 * (pooled < v).sum() + (pooled == v).sum() + 1 for v in pooled])
    sums = np.array([sum(way) for way in combinations(ranks.tolist(), len(treated))])
    observed, mean = ranks[: len(treated)].sum(), len(treated) * (len(pooled) + 1)
    wanted = {
        "two-sided": (abs(sums - mean) >= abs(observed - mean)).mean(),
        "greater": (sums >= observed).mean(),
        "less": (sums <= observed).mean(),
    }
    for alternative in ALTERNATIVES:
        test = exact_rank_test(treated, control, alternative)
        assert_allclose(test.p_value, wanted[alternative], rtol=1e-12)


@law(values=st.permutations(range(11)), patients=st.integers(1, 10))
def test_without_ties_it_is_scipy_s_exact_test(values: list[int], patients: int) -> None:
    """Oracle: scipy.stats.mannwhitneyu(method="exact"), right when there are no ties."""
    treated, control = np.array(values[:patients], float), np.array(values[patients:], float)
    for alternative in ALTERNATIVES:
        wanted = stats.mannwhitneyu(treated, control, alternative=alternative, method="exact")
        found = exact_rank_test(treated, control, alternative)
        assert_allclose(found.p_value, wanted.pvalue, rtol=1e-12)


@law(treated=scores, control=scores)
def test_swapping_the_arms_swaps_the_sides(treated: Floats, control: Floats) -> None:
    one = exact_rank_test(treated, control, "greater")
    assert_allclose(one.p_value, exact_rank_test(control, treated, "less").p_value, rtol=1e-12)


@law(treated=scores, control=scores)
def test_counts_over_a_scale_give_the_bits_of_the_samples(treated: Floats, control: Floats) -> None:
    counts = [count(arm.astype(np.int64), 7) for arm in (treated, control)]
    found = exact_rank_test_counts(counts[0], counts[1])
    assert_array_equal(found, exact_rank_test(treated, control))


def test_a_batch_gives_the_bits_of_a_loop_over_single_trials() -> None:
    """A third of the values are missing, so trials differ in size and some arms are empty."""
    generator = np.random.default_rng(9)
    treated, control = (
        np.where(generator.random((5, 30, 4)) < 0.35, np.nan, generator.integers(0, 4, (5, 30, 4)))
        for _ in range(2)
    )
    shuffled = np.argsort(generator.random((5, 30, 19, 8)), axis=-1)
    exact = exact_rank_test(treated, control)
    sampled = permutation_rank_test(treated, control, shuffled, "less")
    for trial in np.ndindex(5, 30):
        arms = treated[trial], control[trial]
        assert_array_equal(exact.p_value[trial], exact_rank_test(*arms).p_value)
        single = permutation_rank_test(*arms, shuffled[trial], "less")
        assert_array_equal(sampled.p_value[trial], single.p_value)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_random_permutations_approach_the_exact_p_value(alternative: Alternative) -> None:
    """Oracle: the exact distribution, within four binomial standard errors; a NaN is left out."""
    treated = np.array([[57.0, 57, 40, 33, np.nan], [12.0, 0, 3, 57, 8]])
    control = np.array([0.0, 0, 12, 57, 33, 2])
    shuffled = np.argsort(np.random.default_rng(3).random((4000, 11)), axis=-1)
    exact = exact_rank_test(treated, control, alternative)
    sampled = permutation_rank_test(treated, control, shuffled, alternative)
    assert_array_equal(sampled.z, exact.z)
    assert (abs(sampled.p_value - exact.p_value) < 4 * 0.5 / np.sqrt(4000)).all()


def test_the_observed_allocation_counts_as_one_permutation() -> None:
    """However extreme the data, 19 permutations give no p-value below 1 / 20."""
    values = np.arange(40.0)
    shuffled = np.argsort(np.random.default_rng(2).random((19, 40)), axis=-1)
    assert permutation_rank_test(values[20:], values[:20], shuffled).p_value == 0.05


def test_distribution_has_the_mean_and_variance_of_the_rank_sum() -> None:
    """Oracle: Lehmann's moments with ties, at the size of CARS-1 with floor and ceiling."""
    totals = np.array([41, 3, 0, 20, 17, 5, 1, 1, 30, 30, 16, 41])
    treated, patients = 104, totals.sum()
    sums, chances = rank_sum_distribution(totals, treated)
    mean = (sums * chances).sum()
    ties = (totals**3 - totals).sum() / (patients * (patients - 1))
    variance = treated * (patients - treated) * (patients + 1 - ties) / 3
    assert_allclose(chances.sum(), 1.0)
    assert_allclose(mean, treated * (patients + 1))
    assert_allclose(((sums - mean) ** 2 * chances).sum(), variance, rtol=1e-9)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("treated", [[], [np.nan], [3.0, 3.0]])
def test_nothing_to_compare_gives_p_value_one(
    treated: list[float], alternative: Alternative
) -> None:
    samples = np.array(treated), np.array([3.0, 3.0, 3.0])
    shuffled = np.argsort(np.random.default_rng(1).random((9, len(treated) + 3)), axis=-1)
    assert exact_rank_test(*samples, alternative).p_value == 1.0
    assert permutation_rank_test(*samples, shuffled, alternative).p_value == 1.0
    assert exact_rank_test(np.array([]), np.array([]), alternative).p_value == 1.0


def test_exact_and_asymptotic_tests_share_effect_and_z() -> None:
    samples = np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4])
    exact, asymptotic = exact_rank_test(*samples), mann_whitney(*samples)
    assert_allclose(exact[:2], asymptotic[:2], rtol=1e-14)


def test_wrong_arguments_are_refused_with_rule_and_value() -> None:
    unknown: Any = "both"
    with pytest.raises(ValueError, match=r"alternative must be one of .* \(got 'both'\)"):
        exact_rank_test(np.array([1.0]), np.array([2.0]), unknown)
    values = np.arange(501.0)
    with pytest.raises(ValueError, match=r"takes at most 500 patients \(got 501\)"):
        exact_rank_test(values[:2], values[2:])

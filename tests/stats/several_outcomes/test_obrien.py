"""O'Brien's rank-sum test, against R, SciPy and laws of its own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.ranks.mann_whitney import mann_whitney
from trialsim.stats.several_outcomes.obrien import obrien_test, rank_sums

CASES = [
    case for case in reference("multivariate")["cases"] if "obrien_ranksum_t" in case["expected"]
]
scores = st.sampled_from([0.0, 1, 2, 3, np.nan])
arms = st.lists(st.lists(scores, min_size=2, max_size=2), max_size=9).map(
    lambda rows: np.array(rows, float).reshape(-1, 2).T
)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_obrien_test_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: R 4.2.2, t.test(var.equal = TRUE) and wilcox.test of the rank sums."""
    values, treated = np.array(case["inputs"]["Y"], float), np.array(case["inputs"]["arm"]) == "A"
    trial = values[treated].T, values[~treated].T, case["inputs"]["higher_is_better"]
    test, expected = obrien_test(*trial), case["expected"]
    assert_allclose(test.t, expected["obrien_ranksum_t"], rtol=1e-10)
    assert_allclose(test.p_value, expected["obrien_ranksum_t_p"], rtol=1e-9)
    wilcoxon = mann_whitney(*rank_sums(*trial)).p_value
    assert_allclose(wilcoxon, expected["obrien_ranksum_wilcoxon_p"], rtol=1e-9)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_obrien_test_is_the_t_test_of_summed_ranks(alternative: Any) -> None:
    """Oracle: scipy.stats.rankdata and ttest_ind."""
    random = np.random.default_rng(12)
    treated, control = random.integers(0, 5, (3, 9)) * 1.0, random.integers(0, 4, (3, 8)) * 1.0
    sums = stats.rankdata(np.concatenate([treated, control], axis=1), axis=1).sum(axis=0)
    expected = stats.ttest_ind(sums[:9], sums[9:], alternative=alternative)
    found = obrien_test(treated, control, [True] * 3, alternative=alternative)
    assert_allclose(found.t, expected.statistic, rtol=1e-12)
    assert_allclose(found.p_value, expected.pvalue, rtol=1e-12)


@law(treated=arms, control=arms)
def test_p_value_is_always_a_probability_and_symmetric(treated: Floats, control: Floats) -> None:
    found = obrien_test(treated, control, [True, False])
    swapped = obrien_test(control, treated, [True, False])
    assert 0 <= found.p_value <= 1
    assert np.isfinite(found.t)
    assert_allclose(swapped.t, -found.t, atol=1e-12)
    assert_allclose(swapped.p_value, found.p_value, atol=1e-12)


def test_missing_value_favours_neither_side() -> None:
    sums = rank_sums(
        np.array([[5.0, np.nan, np.nan], [1, 2, np.nan]]), np.array([[4.0], [3]]), [True, True]
    )
    assert_array_equal(sums.treated, [3.0, 3.5, np.nan])
    assert_array_equal(sums.control, [4.0])


@pytest.mark.parametrize(
    ("treated", "control"),
    [([], [1.0, 2]), ([3.0, 3], [3.0, 3, 3]), ([2.0, 2], [1.0, 1]), ([1.0], [2.0])],
)
def test_nothing_to_compare_gives_a_p_value_of_one(
    treated: list[float], control: list[float]
) -> None:
    found = obrien_test(np.array([treated]), np.array([control]), [True])
    assert_array_equal((found.t, found.p_value), (0, 1))


def test_batch_equals_loop_over_trials() -> None:
    random = np.random.default_rng(13)
    treated, control = (random.integers(0, 6, (5, 3, size)) * 1.0 for size in (10, 12))
    treated[random.random(treated.shape) < 0.2] = np.nan
    batch = obrien_test(treated, control, [True, False, True])
    for trial in range(5):
        single = obrien_test(treated[trial], control[trial], [True, False, True])
        assert_allclose([field[trial] for field in batch], single, rtol=1e-12)


def test_direction_must_be_stated_for_each_scale() -> None:
    message = r"higher_is_better must state a direction for each of 2 scales \(got 1\)"
    with pytest.raises(ValueError, match=message):
        obrien_test(np.ones((2, 3)), np.ones((2, 3)), [True])

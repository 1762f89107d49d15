"""The Mann-Whitney summary and its asymptotic test, against R, SciPy and their own laws."""

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
from trialsim.stats.ranks.mann_whitney import (
    RankSummary,
    cell_counts,
    cells_of,
    count,
    mann_whitney,
    null_test,
    rank_sums,
    rank_test,
    summarise,
    summarise_counts,
)

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")
CASES = reference("mann_whitney")["cases"]


def of_family(family: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["family"] == family]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def samples_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(case["inputs"]["x"], float), np.array(case["inputs"]["y"], float)


scores = st.lists(st.integers(0, 5) | st.integers(0, 57), min_size=1, max_size=12).map(
    lambda values: np.array(values, float)
)


@of_family("mw_point_and_variance")
def test_effect_and_variances_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: pROC, brunnermunzel and the double loop over pairs, in R."""
    summary, expected = summarise(*samples_of(case)), case["expected"]
    found = {
        "mw": summary.effect,
        "U_x": summary.effect * summary.treated * summary.control,
        "S10": summary.treated_variance,
        "S01": summary.control_variance,
        "var_placement": summary.placement_variance,
        "null_var_tie_corrected": summary.null_variance,
        "tie_sum_t3_minus_t": summary.tie_sum,
    }
    for key, value in found.items():
        assert_allclose(value, expected[key], rtol=1e-9, atol=1e-10, err_msg=key)


@of_family("wmw_test")
@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("continuity", [False, True])
def test_p_values_agree_with_r(
    case: dict[str, Any], alternative: Alternative, continuity: bool
) -> None:
    """Oracle: R's wilcox.test(exact = FALSE)."""
    test = mann_whitney(*samples_of(case), alternative, continuity)
    key = f"p_{alternative.replace('-', '_')}_{'cc' if continuity else 'no_cc'}"
    if key in case["expected"]:
        assert_allclose(test.p_value, case["expected"][key], rtol=1e-7, atol=1e-9)
    if not continuity:
        assert_allclose(test.z, case["expected"]["z_no_cc"], rtol=1e-7, atol=1e-9)


@of_family("degenerate")
def test_degenerate_samples_have_a_decided_answer(case: dict[str, Any]) -> None:
    """Oracle: R where it answers; where it gives NaN (all values equal) the p-value is 1."""
    summary, expected = summarise(*samples_of(case)), case["expected"]
    variance = np.nan if expected["var_placement"] == "NA" else expected["var_placement"]
    assert_allclose(summary.effect, expected["mw"])
    assert_allclose(summary.placement_variance, variance, atol=1e-12)
    assert_allclose(summary.null_variance, expected["null_var_tie_corrected"], atol=1e-12)
    for continuity, key in ((False, "R_wilcox_p_no_cc"), (True, "R_wilcox_p_cc")):
        p_value = 1.0 if expected[key] == "NaN" else expected[key]
        assert_allclose(rank_test(summary, "two-sided", continuity).p_value, p_value, rtol=1e-9)


def test_published_z_of_the_idl_example_is_the_one_with_ties_corrected() -> None:
    """Oracle: the documented example of IDL's RS_TEST, its z corrected for ties."""
    (case,) = (case for case in CASES if case["id"] == "mw.published.idl_rs_test")
    test = mann_whitney(*samples_of(case))
    assert_allclose(abs(test.z), case["expected"]["z_tie_corrected"], rtol=1e-12)
    assert_allclose(test.effect * 24 * 22, case["expected"]["U_pair_min"])


@law(treated=scores, control=scores, continuity=st.booleans())
def test_p_values_equal_those_of_scipy(treated: Floats, control: Floats, continuity: bool) -> None:
    """Oracle: scipy.stats.mannwhitneyu, which gives NaN when all values are equal."""
    summary = summarise(treated, control)
    if summary.null_variance == 0:
        return
    for alternative in ALTERNATIVES:
        found = rank_test(summary, alternative, continuity)
        wanted = stats.mannwhitneyu(
            treated,
            control,
            alternative=alternative,
            method="asymptotic",
            use_continuity=continuity,
        )
        assert_allclose(found.p_value, wanted.pvalue, rtol=1e-12, atol=1e-14)
        assert_allclose(found.effect * len(treated) * len(control), wanted.statistic, rtol=1e-12)


@law(treated=scores, control=scores)
def test_effect_is_the_share_of_pairs_won_plus_half_of_those_tied(
    treated: Floats, control: Floats
) -> None:
    """Oracle: the double loop over pairs that defines theta."""
    won = treated[:, None] > control
    tied = treated[:, None] == control
    assert_allclose(summarise(treated, control).effect, (won + 0.5 * tied).mean(), rtol=1e-14)


@law(treated=scores, control=scores)
def test_swapping_the_arms_mirrors_everything(treated: Floats, control: Floats) -> None:
    one, other = summarise(treated, control), summarise(control, treated)
    assert_allclose(one.effect, 1 - other.effect, atol=1e-15)
    assert_array_equal(one.treated_variance, other.control_variance)
    assert_array_equal(one.tie_sum, other.tie_sum)
    assert_allclose(
        rank_test(one, "greater", True).p_value, rank_test(other, "less", True).p_value, rtol=1e-12
    )


@law(treated=scores, control=scores)
def test_a_monotone_transform_changes_nothing(treated: Floats, control: Floats) -> None:
    assert_same(summarise(treated, control), summarise(np.exp(treated / 9), np.exp(control / 9)))


@law(treated=scores, control=scores)
def test_counts_over_a_scale_give_the_bits_of_the_samples(treated: Floats, control: Floats) -> None:
    counts = [count(arm.astype(np.int64), 58) for arm in (treated, control)]
    assert_same(summarise(treated, control), summarise_counts(counts[0], counts[1]))


def test_a_batch_gives_the_bits_of_a_loop_over_single_trials() -> None:
    """A third of the values are missing, so the trials differ in size and some arms are empty."""
    generator = np.random.default_rng(4)
    treated, control = (
        np.where(generator.random((3, 40, size)) < 0.4, np.nan, generator.integers(0, 9, size))
        for size in (2, 5)
    )
    batch = summarise(treated, control)
    tests = rank_test(batch, "greater", continuity=True)
    assert np.isnan(batch.effect).any()
    for trial in np.ndindex(3, 40):
        single = summarise(treated[trial], control[trial])
        assert_same(RankSummary._make(field[trial] for field in batch), single)
        assert_array_equal(tests.p_value[trial], rank_test(single, "greater", True).p_value)


def test_one_control_sample_serves_a_batch_of_treated_ones() -> None:
    treated = np.arange(12.0).reshape(3, 4)
    control = np.array([2.0, 5.0])
    assert_same(summarise(treated, control), summarise(treated, np.tile(control, (3, 1))))


@law(treated=scores, control=scores)
def test_a_missing_value_is_left_out(treated: Floats, control: Floats) -> None:
    with_missing = np.append(treated, np.nan), np.insert(control, 0, [np.nan, np.nan])
    assert_same(summarise(*with_missing), summarise(treated, control))


def test_minus_infinity_is_a_worst_rank_that_ties_with_itself() -> None:
    deaths = np.array([-np.inf, -np.inf, 4.0]), np.array([-np.inf, 3.0])
    assert_same(summarise(*deaths), summarise(np.array([-1.0, -1, 4]), np.array([-1.0, 3])))


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("missing", [np.array([]), np.array([np.nan, np.nan])])
def test_an_arm_with_nobody_has_no_effect_and_p_value_one(
    alternative: Alternative, missing: Floats
) -> None:
    test = mann_whitney(missing, np.array([1.0, 2.0]), alternative)
    assert_array_equal(test, [np.nan, 0.0, 1.0])
    assert mann_whitney(missing, missing, alternative).p_value == 1.0


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_all_values_equal_is_no_evidence_on_any_side(alternative: Alternative) -> None:
    test = mann_whitney(np.full(4, 57.0), np.full(6, 57.0), alternative, continuity=True)
    assert_array_equal(test, [0.5, 0.0, 1.0])


def test_sums_stay_exact_for_fifty_thousand_patients_an_arm() -> None:
    """Complete separation has placements without spread, however many patients there are."""
    counts = np.array([50_000, 0]), np.array([0, 50_000])
    summary = summarise_counts(*counts)
    assert_array_equal(summary.effect, 0.0)
    assert_array_equal(summary.placement_variance, 0.0)


def test_cells_are_the_distinct_values_in_order() -> None:
    treated, control = cell_counts(np.array([7.0, 1.0, 7.0]), np.array([np.nan, 3.0]))
    assert_array_equal(treated, [1, 0, 2, 0, 0])
    assert_array_equal(control, [0, 1, 0, 0, 0])


def test_an_unknown_alternative_is_refused_by_name() -> None:
    unknown: Any = "both"
    with pytest.raises(ValueError, match=r"alternative must be one of .* \(got 'both'\)"):
        mann_whitney(np.array([1.0]), np.array([2.0]), unknown)


def assert_same(one: RankSummary, other: RankSummary) -> None:
    for name, left, right in zip(RankSummary._fields, one, other, strict=True):
        assert_array_equal(left, right, err_msg=name)


@law(
    st.lists(
        st.integers(-60, 60).map(float) | st.sampled_from([np.nan, np.inf, -np.inf, 1e6, 2.0**60]),
        min_size=1,
        max_size=30,
    )
)
def test_whole_numbers_that_are_counted_get_the_cells_that_sorting_gives(
    values: list[float],
) -> None:
    """Halved and moved off whole numbers they are sorted; far or infinite ones always are."""
    whole = np.array([values, values[::-1]])
    assert_array_equal(cells_of(whole), cells_of(whole / 2 + 0.25))


def test_the_test_of_counts_alone_is_that_of_their_summary_to_the_bit() -> None:
    counts = np.random.default_rng(7).integers(0, 4, size=(50, 2, 9))
    counts[0, 0], counts[1], counts[2, :, 1:] = 0, 0, 0  # an empty arm, nobody, all tied
    treated, control = counts[:, 0], counts[:, 1]
    alone, summary = null_test(rank_sums(treated, control)), summarise_counts(treated, control)
    test = rank_test(summary)
    assert_array_equal(alone.effect, test.effect)
    assert_array_equal(alone.z, test.z)
    assert_array_equal(alone.variance, summary.null_variance)

"""Effects on several scales, against pROC, coin, sanon and laws of their own."""

from itertools import product
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.meta_analysis import wei_lachin_pooling
from trialsim.stats.ranks.mann_whitney import rank_test, summarise
from trialsim.stats.several_outcomes.joint_effects import JointEffects, joint_effects
from trialsim.stats.several_outcomes.multivariate import (
    JointVariance,
    ScaleWeighting,
    wei_lachin,
)

CASES = reference("multivariate")["cases"]
COMPLETE = [case for case in CASES if case["id"] != "wl.missing_items"]
[MISSING] = [case for case in CASES if case["id"] == "wl.missing_items"]
complete_cases = pytest.mark.parametrize("case", COMPLETE, ids=[case["id"] for case in COMPLETE])
WEIGHTINGS: tuple[ScaleWeighting, ...] = get_args(ScaleWeighting)
VARIANCES: tuple[JointVariance, ...] = get_args(JointVariance)


def arms_of(case: dict[str, Any]) -> tuple[Floats, Floats]:
    rows = [[np.nan if value == "NA" else value for value in row] for row in case["inputs"]["Y"]]
    values, treated = np.array(rows, float), np.array(case["inputs"]["arm"]) == "A"
    return values[treated].T, values[~treated].T


def joint_of(case: dict[str, Any]) -> JointEffects:
    return joint_effects(*arms_of(case), case["inputs"]["higher_is_better"])


def arm(scales: int) -> st.SearchStrategy[Floats]:
    scores = st.sampled_from([0.0, 1, 2, 3, 4, np.nan])
    patient = st.lists(scores, min_size=scales, max_size=scales)
    return st.lists(patient, min_size=1, max_size=10).map(lambda rows: np.array(rows).T)


@complete_cases
def test_joint_covariances_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: pROC 1.18.0, cov(method = "delong"), and coin 1.4.2, covariance()."""
    joint, expected = joint_of(case), case["expected"]
    assert_allclose(joint.effects, expected["mw"], rtol=1e-12)
    assert_allclose(joint.covariance, expected["cov_placement"], rtol=1e-10, atol=1e-14)
    assert_allclose(joint.null_covariance, expected["cov_null"], rtol=1e-10, atol=1e-14)


@complete_cases
def test_wei_lachin_agrees_with_its_formula(case: dict[str, Any]) -> None:
    """Oracle: sum(theta - 0.5) / sqrt(1' Sigma 1); an interval beyond 1 is cut there."""
    joint, expected = joint_of(case), case["expected"]
    pooled, null = wei_lachin(joint), wei_lachin(joint, variance="null_variance")
    one_sided = wei_lachin(joint, alternative="greater")
    standardised = wei_lachin(joint, "standardised", "null_variance")
    least_squares = wei_lachin(joint, "least-squares", "null_variance")
    found: dict[str, Any] = {
        "mw_average": pooled.effect,
        "se_average": pooled.standard_error,
        "z_wei_lachin_H1cov": pooled.z,
        "p_two_sided_H1cov": pooled.p_value,
        "p_one_sided_H1cov": one_sided.p_value,
        "z_wei_lachin_H0cov": null.z,
        "p_two_sided_H0cov": null.p_value,
        "z_standardised_sum": standardised.z,
        "z_gls_obrien": least_squares.z,
    }
    for key, value in found.items():
        assert_allclose(value, expected[key], rtol=1e-9, err_msg=key)
    for ends, key in ((pooled, "ci_average"), (null, "ci_average_nullse")):
        assert_allclose((ends.low, ends.high), np.clip(expected[key], 0, 1), rtol=1e-12)


def test_missing_values_cost_only_themselves() -> None:
    """Oracle: influence functions with 0 for a missing value; sanon agrees within 5%."""
    joint, expected = joint_effects(*arms_of(MISSING), [True] * 3), MISSING["expected"]
    assert_allclose(joint.effects, expected["mw"], rtol=1e-12)
    assert_allclose(joint.covariance, expected["cov_influence"], rtol=1e-10, atol=1e-14)
    assert_allclose(joint.covariance, expected["sanon_cov"], rtol=0.05)
    pooled = wei_lachin(joint)
    assert_allclose(pooled.effect, expected["mw_average"], rtol=1e-12)
    assert_allclose(pooled.standard_error, expected["se_average"], rtol=1e-10)
    assert_allclose(pooled.z, expected["z_wei_lachin"], rtol=1e-10)


def test_cars_1_interval_is_that_of_twelve_scales_with_a_small_mean_correlation() -> None:
    """Oracle: Muresanu et al. (2016), Stroke 47:151: 0.62, 0.58 to 0.65, P < 0.0001, twelve scales.

    With 104 and 101 patients and no ties, the published width is that of effects which correlate by
    0.12 on average; the patients' data are not public.
    """
    one_scale = 206 / (12 * 104 * 101)
    covariance = one_scale * (0.12 + 0.88 * np.eye(12))
    pooled = wei_lachin(JointEffects(np.full(12, 0.617), covariance, covariance))
    rounded = [round(value.item(), 2) for value in (pooled.effect, pooled.low, pooled.high)]
    assert rounded == [0.62, 0.58, 0.65]
    assert pooled.p_value < 0.0001


@law(treated=arm(3), control=arm(3))
def test_each_scale_has_the_effect_and_variances_of_its_summary(
    treated: Floats, control: Floats
) -> None:
    """Oracle: RankSummary, where neither arm is empty."""
    joint, summary = joint_effects(treated, control, [True] * 3), summarise(treated, control)
    known = ~np.isnan(summary.effect)
    assert_array_equal(np.isnan(joint.effects), ~known)
    for found, expected in (
        (joint.effects, summary.effect),
        (np.diagonal(joint.covariance), summary.placement_variance),
        (np.diagonal(joint.null_covariance), summary.null_variance),
    ):
        assert_allclose(found[known], expected[known], atol=1e-14)


@law(treated=arm(1), control=arm(1))
def test_pool_of_one_scale_is_the_rank_test(treated: Floats, control: Floats) -> None:
    pooled = wei_lachin(joint_effects(treated, control, [True]), variance="null_variance")
    test = rank_test(summarise(treated[0], control[0]))
    for found, expected in ((pooled.effect, test.effect), (pooled.z, test.z)):
        assert_allclose(found, expected, atol=1e-12)
    assert_allclose(pooled.p_value, test.p_value, atol=1e-12)


@law(treated=arm(3), control=arm(3))
def test_direction_of_a_scale_is_the_sign_of_its_values(treated: Floats, control: Floats) -> None:
    sign = np.array([[1.0], [-1.0], [1.0]])
    stated = joint_effects(treated, control, [True, False, True])
    for found, expected in zip(
        stated, joint_effects(sign * treated, sign * control, [True] * 3), strict=True
    ):
        assert_array_equal(found, expected)


@law(treated=arm(2), control=arm(2))
def test_swapping_the_arms_turns_the_pooled_effect_round(treated: Floats, control: Floats) -> None:
    joint = joint_effects(treated, control, [True, False])
    other = joint_effects(control, treated, [True, False])
    for way in product(WEIGHTINGS, VARIANCES):
        found, swapped = wei_lachin(joint, *way), wei_lachin(other, *way)
        assert np.isfinite([found.low, found.high, found.z, found.p_value]).all(), way
        assert 0 <= found.low < found.high <= 1, way
        assert_allclose(swapped.effect, 1 - found.effect, atol=1e-12, err_msg=str(way))
        assert_allclose(swapped.p_value, found.p_value, atol=1e-9, err_msg=str(way))


def test_scales_of_different_patients_pool_like_studies() -> None:
    """Oracle: wei_lachin_pooling; patients of one scale have no value on the other."""
    random = np.random.default_rng(9)
    treated, control = np.full((2, 24), np.nan), np.full((2, 22), np.nan)
    for scale, patients in ((0, slice(0, 12)), (1, slice(12, None))):
        treated[scale, patients] = random.normal(0.5, 1, treated[scale, patients].size)
        control[scale, patients] = random.normal(0, 1, control[scale, patients].size)
    joint = joint_effects(treated, control, [True, True])
    summary = summarise(treated, control)
    studies = wei_lachin_pooling(summary.effect, summary.placement_variance, null=0.5)
    pooled = wei_lachin(joint)
    assert_allclose(pooled.effect, studies.estimate, rtol=1e-13)
    assert_allclose(pooled.standard_error, studies.standard_error, rtol=1e-12)
    assert_allclose(pooled.p_value, studies.p_value, rtol=1e-10)


def test_repeated_scale_changes_nothing() -> None:
    random = np.random.default_rng(10)
    once = random.normal(0.4, 1, (1, 15)), random.normal(0, 1, (1, 13))
    twice = np.repeat(once[0], 2, axis=0), np.repeat(once[1], 2, axis=0)
    one, two = joint_effects(*once, [True]), joint_effects(*twice, [True, True])
    assert_allclose(wei_lachin(two), wei_lachin(one), rtol=1e-10)


def test_scale_that_an_arm_lacks_is_left_out() -> None:
    treated, control = np.array([[3.0, 4, 6], [1.0, 2, 3]]), np.array([[1.0, 4], [np.nan] * 2])
    both, one = (
        joint_effects(treated, control, [True, True]),
        joint_effects(treated[:1], control[:1], [True]),
    )
    assert_allclose(wei_lachin(both), wei_lachin(one))


@pytest.mark.parametrize("patients", [0, 1, 5])
def test_no_values_or_all_equal_say_nothing(patients: int) -> None:
    arms = np.full((2, patients), 3.0), np.full((2, 4), 3.0)
    joint = joint_effects(*arms, [True, False])
    for weighting in WEIGHTINGS:
        pooled = wei_lachin(joint, weighting)
        assert_array_equal((pooled.low, pooled.high, pooled.z, pooled.p_value), (0, 1, 0, 1))


def test_complete_separation_takes_the_null_variance() -> None:
    treated, control = np.array([[5.0, 6, 7], [8, 9, 9]]), np.array([[1.0, 2, 3], [1, 1, 2]])
    joint = joint_effects(treated, control, [True, True])
    placement, null = wei_lachin(joint), wei_lachin(joint, variance="null_variance")
    assert_array_equal(placement, null)
    assert placement.effect == 1
    assert placement.low < 0.6


def test_batch_equals_loop_over_trials() -> None:
    random = np.random.default_rng(11)
    treated, control = (random.integers(0, 7, (3, 2, 4, size)) * 1.0 for size in (14, 12))
    treated[random.random(treated.shape) < 0.15] = np.nan
    batch = joint_effects(treated, control, [True, True, False, True])
    for trial in np.ndindex(3, 2):
        single = joint_effects(treated[trial], control[trial], [True, True, False, True])
        for found, expected in zip(batch, single, strict=True):
            assert_allclose(found[trial], expected, rtol=1e-12, atol=1e-15)
        pooled = [field[trial] for field in wei_lachin(batch)]
        assert_allclose(pooled, wei_lachin(single), rtol=1e-10)


def test_wei_lachin_holds_its_level_with_correlated_and_missing_scales() -> None:
    """Null hypothesis, three scales, 30 patients an arm; 4 binomial standard errors.

    The placement variance may reject a little too often in samples of this size.
    """
    random, trials = np.random.default_rng(2016), 4000
    arms = []
    for _ in range(2):
        values = random.normal(size=(trials, 3, 30)) + random.normal(size=(trials, 1, 30))
        values[random.random(values.shape) < 0.1] = np.nan
        arms.append(np.clip(np.round(2 * values), -3, 3))
    joint = joint_effects(arms[0], arms[1], [True] * 3)
    tolerance = 4 * np.sqrt(0.05 * 0.95 / trials)
    assert np.mean(wei_lachin(joint, variance="null_variance").p_value <= 0.05) < 0.05 + tolerance
    assert np.mean(wei_lachin(joint).p_value <= 0.05) < 0.06 + tolerance


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weighting": "gls"}, r"weighting must be one of equal, .* \(got 'gls'\)"),
        ({"variance": "H1"}, r"variance must be one of placement, null_variance \(got 'H1'\)"),
        ({"confidence": 1.2}, r"confidence must lie between 0 and 1 \(got 1.2\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    joint = joint_effects(np.array([[1.0, 2]]), np.array([[1.0, 0]]), [True])
    with pytest.raises(ValueError, match=message):
        wei_lachin(joint, **arguments)

"""Rubin's rules against R's mice and their own laws."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from scipy.stats import t as student

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.missing.rubins_rules import (
    ImputedEffect,
    pool_estimated_effects,
    pool_estimates,
)
from trialsim.stats.ranks.estimated_effect import IntervalScale
from trialsim.stats.ranks.mann_whitney import RankSummary, summarise

ORACLES = reference("multiple_imputation")
both_scales = pytest.mark.parametrize("scale", ["logit", "plain"])


@pytest.mark.parametrize("case", ORACLES["cases"], ids=[case["id"] for case in ORACLES["cases"]])
def test_pooled_estimates_agree_with_mice(case: dict[str, Any]) -> None:
    """Oracle: mice's pool.scalar, where a ten thousandth at least is missing."""
    study, expected = case["inputs"], case["expected"]
    estimates, variances = np.array(study["Q"], float), np.array(study["U"], float)
    found = pool_estimates(estimates, variances, study["n"] - study["k"])
    assert_allclose(found.estimate, expected["qbar"])
    assert_allclose(found.within, expected["ubar"])
    assert_allclose(found.between, expected["b"], atol=1e-12)
    assert_allclose(found.variance, expected["total_var"])
    near = 1e-8 if expected["b"] > 0 else 2e-4
    assert_allclose(found.degrees_of_freedom, expected["df_barnard_rubin"], rtol=near)
    assert_allclose(found.fraction_missing, expected["fmi"], rtol=near)
    half = student.ppf(0.975, found.degrees_of_freedom) * np.sqrt(found.variance)
    assert_allclose([found.estimate - half, found.estimate + half], expected["ci_BR"], rtol=near)
    if expected["b"] > 0:
        large = pool_estimates(estimates, variances).degrees_of_freedom
        assert_allclose(large, expected["df_rubin_1987"])


def test_variance_all_between_has_no_freedom_and_misses_everything() -> None:
    found = pool_estimates(np.array([1.0, 2.0]), np.zeros(2), 50)
    assert_array_equal((found.degrees_of_freedom, found.fraction_missing), (0, 1))


def pool_effects(summary: RankSummary, scale: IntervalScale, **how: Any) -> ImputedEffect:
    patients = (summary.treated + summary.control).min(axis=0)
    freedom = np.maximum(patients - 2.0, 1.0)
    return pool_estimated_effects(summary.effect, summary.placement_variance, freedom, scale, **how)


def imputed(seed: int, *batch: int) -> RankSummary:
    """Five imputations of 12 treated and 15 controls; the last three treated are imputed."""
    generator = np.random.default_rng(seed)
    treated = np.repeat(generator.integers(4, 20, (1, *batch, 12)), 5, axis=0)
    treated[..., -3:] = generator.integers(4, 20, (5, *batch, 3))
    return summarise(treated.astype(float), generator.integers(0, 16, (*batch, 15)).astype(float))


@both_scales
def test_effects_pool_as_estimates_on_their_scale(scale: IntervalScale) -> None:
    """Oracle: pool_estimates and SciPy's Student distribution."""
    summary = imputed(1)
    found = pool_effects(summary, scale, confidence=0.9)
    on_logit = scale == "logit"
    slope = summary.effect * (1 - summary.effect) if on_logit else np.ones(5)
    values = np.asarray(logit(summary.effect) if on_logit else summary.effect - 0.5)
    pooled = pool_estimates(values, summary.placement_variance / slope**2, 25)
    error = np.sqrt(pooled.variance)
    reference = student(pooled.degrees_of_freedom)
    ends = pooled.estimate + error * reference.ppf([0.05, 0.5, 0.95])
    wanted = expit(ends) if on_logit else ends + 0.5
    assert_allclose((found.low, found.effect, found.high), wanted)
    assert_allclose(found.p_value, 2 * reference.sf(abs(pooled.estimate / error)))


@both_scales
def test_swapping_the_arms_mirrors_the_pooled_effect(scale: IntervalScale) -> None:
    summary = imputed(2, 30)
    mirrored = summary._replace(
        effect=1 - summary.effect,
        treated_variance=summary.control_variance,
        control_variance=summary.treated_variance,
        treated=summary.control,
        control=summary.treated,
    )
    one, other = pool_effects(summary, scale, alternative="greater"), pool_effects(mirrored, scale)
    assert_allclose(one.effect, 1 - other.effect)
    assert_allclose(one.low, 1 - other.high)
    assert_allclose(2 * np.minimum(one.p_value, 1 - one.p_value), other.p_value)


@both_scales
def test_without_missing_values_the_interval_is_that_of_one_trial(scale: IntervalScale) -> None:
    single = imputed(3)
    same = RankSummary._make(np.repeat(field[:1], 4, axis=0) for field in single)
    found = pool_effects(same, scale)
    assert_allclose(found.effect, single.effect[0])
    assert_allclose(found.standard_error, np.sqrt(single.placement_variance[0]))
    assert_allclose(found.degrees_of_freedom, 26 / 28 * 25)


@both_scales
def test_a_batch_equals_a_loop_and_a_degenerate_trial_says_nothing(scale: IntervalScale) -> None:
    summary = imputed(4, 6)
    separate = summarise(np.full((5, 4), 57.0), np.zeros(3))
    batch = RankSummary._make(
        np.concatenate([field, other[:, None]], axis=1)
        for field, other in zip(summary, separate, strict=True)
    )
    found = pool_effects(batch, scale)
    for trial in range(6):
        single = pool_effects(RankSummary._make(field[:, trial] for field in batch), scale)
        for field, wanted in zip(found, single, strict=True):
            assert_allclose(field[trial], wanted)
    last = [field[-1] for field in found]
    assert_array_equal(np.array(last), [1.0, np.nan, 0.0, 1.0, 0.0, np.nan, 1.0, np.nan])


@both_scales
def test_one_imputation_without_variance_leaves_nothing_to_say(scale: IntervalScale) -> None:
    treated = np.array([[3.0, 4.0, 5.0], [3.0, 2.0, 5.0], [4.0, 4.0, 5.0]])
    found = pool_effects(summarise(treated, np.array([1.0, 2.0, 3.0])), scale)
    assert_allclose(found.effect, (8.5 + 7 + 9) / 27)
    assert_array_equal((found.low, found.high, found.t, found.p_value), (0, 1, 0, 1))


@both_scales
def test_empty_arms_say_nothing(scale: IntervalScale) -> None:
    found = pool_effects(summarise(np.full((3, 4), np.nan), np.zeros(3)), scale)
    assert np.isnan(found.effect)
    assert_array_equal((found.low, found.high, found.p_value), (0, 1, 1))


def test_wrong_arguments_are_refused() -> None:
    one: Floats = np.ones(1)
    with pytest.raises(ValueError, match=r"imputations must be at least 2 \(got 1\)"):
        pool_estimates(one, one)
    with pytest.raises(ValueError, match=r"scale must be one of plain, logit \(got 'probit'\)"):
        pool_effects(imputed(1), "probit")  # type: ignore[arg-type]

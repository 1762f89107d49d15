"""Imputed scores against the predictive distribution in closed form, and their own laws."""

from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import kstest

from trialsim.arrays import Booleans, Floats
from trialsim.stats.missing.multiple_imputation import (
    Reference,
    ReferenceModel,
    impute_arm,
    uniforms_shape,
)


def impute(scores: Floats, uniforms: Floats, low: float, high: float) -> Floats:
    return impute_arm(scores, uniforms, low, high).scores


def uniforms_for(scores: Floats, imputations: int, seed: int = 1) -> Floats:
    shape = uniforms_shape(scores.shape, imputations)
    return np.random.default_rng(seed).random(shape)


def arm(seed: int, *batch: int, patients: int = 40) -> Floats:
    """Three visits on 0 to 57, a fifth of the later ones missing."""
    generator = np.random.default_rng(seed)
    level = generator.normal(25, 12, (*batch, patients, 1))
    scores = level + np.array([0, 6, 9]) + generator.normal(0, 5, (*batch, patients, 3))
    whole = np.clip(np.rint(scores), 0, 57)
    gaps = generator.random(whole.shape) < [0, 0.2, 0.2]
    return np.where(gaps, np.nan, whole)


def test_an_imputed_score_has_the_predictive_distribution_of_its_regression() -> None:
    """Oracle: Student's t around the least squares prediction, by matrix algebra."""
    generator = np.random.default_rng(3)
    scores = 1e6 * generator.normal(size=(12, 3)).cumsum(axis=-1)
    scores[0, 2] = np.nan
    drawn = impute(scores, uniforms_for(scores, 5000), -1e9, 1e9)[:, 0, 2]
    design = np.column_stack([np.ones(11), scores[1:, :2]])
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ scores[1:, 2]
    variance = np.sum((scores[1:, 2] - design @ slopes) ** 2) / 8
    patient = np.array([1.0, *scores[0, :2]])
    spread = np.sqrt(variance * (1 + patient @ inverse @ patient))
    assert kstest(drawn, "t", (8, patient @ slopes, spread)).pvalue > 0.01


def test_a_missing_first_visit_is_drawn_around_the_mean() -> None:
    """Oracle: Student's t with n - 1 degrees of freedom."""
    scores = 1e6 * np.random.default_rng(4).normal(size=(5, 2))
    scores[0, 0] = np.nan
    drawn = impute(scores, uniforms_for(scores, 20_000, seed=2), -1e9, 1e9)[:, 0, 0]
    known = scores[1:, 0]
    spread = known.std(ddof=1) * np.sqrt(1 + 1 / 4)
    assert kstest(drawn, "t", (3, known.mean(), spread)).pvalue > 0.01


def test_known_scores_stay_and_imputed_ones_are_of_the_scale() -> None:
    scores = arm(5, 4)
    filled = impute(scores, uniforms_for(scores, 6), 0, 57)
    known = ~np.isnan(scores)
    assert_array_equal(filled[:, known], np.broadcast_to(scores[known], (6, known.sum())))
    assert not np.isnan(filled).any()
    assert_array_equal(filled, np.clip(np.rint(filled), 0, 57))


def test_a_batch_equals_a_loop_over_single_trials() -> None:
    scores = arm(6, 2, 3)
    uniforms = uniforms_for(scores, 4)
    batch = impute(scores, uniforms, 0, 57)
    for trial in np.ndindex(2, 3):
        at = (slice(None), *trial)
        assert_array_equal(batch[at], impute(scores[trial], uniforms[at], 0, 57))


def test_who_is_not_of_the_arm_stays_out_and_changes_nobody() -> None:
    scores = arm(7)
    padded = np.vstack([scores, np.full((5, 3), np.nan)])
    wide = uniforms_for(padded, 4)
    narrow = np.delete(wide, np.s_[40:45], axis=-1)
    filled = impute(padded, wide, 0, 57)
    assert np.isnan(filled[:, 40:]).all()
    assert_array_equal(filled[:, :40], impute(scores, narrow, 0, 57))


def test_dropout_that_the_first_visit_explains_biases_complete_cases_only() -> None:
    """Oracle: the scores before dropout; error of the paired mean over 200 trials."""
    generator = np.random.default_rng(8)
    level = generator.normal(28, 6, (200, 100))
    full = np.rint(np.stack([level, level + generator.normal(6, 3, level.shape)], axis=-1))
    gone = generator.random(level.shape) < np.where(level < 28, 0.6, 0.1)
    scores = full.copy()
    scores[..., 1] = np.where(gone, np.nan, full[..., 1])
    filled = impute(scores, uniforms_for(scores, 5), 0, 57)[..., 1].mean(axis=(0, -1))
    truth = full[..., 1].mean(axis=-1)
    error = (filled - truth).std(ddof=1) / np.sqrt(200)
    assert abs((filled - truth).mean()) < 4 * error
    assert (np.nanmean(scores[..., 1], axis=-1) - truth).mean() > 1.5


def test_scores_that_never_vary_are_imputed_as_they_are() -> None:
    scores = np.full((6, 3), 57.0)
    scores[2:4, 2] = np.nan
    assert_array_equal(impute(scores, uniforms_for(scores, 3), 0, 57), np.full((3, 6, 3), 57.0))


def test_a_visit_with_too_few_scores_stays_missing_and_predicts_nothing() -> None:
    """Two scores leave a slope no freedom; the next visit is then regressed on the first alone."""
    scores = arm(9)
    scores[:, 1] = np.nan
    scores[:2, 1] = [20.0, 30.0]
    uniforms = uniforms_for(scores, 3)
    filled = impute(scores, uniforms, 0, 57)
    assert np.isnan(filled[:, 2:, 1]).all()
    assert not np.isnan(filled[..., 2]).any()
    known = ~np.isnan(scores[:, 2])
    assert_array_equal(filled[:, known, 2], np.broadcast_to(scores[known, 2], (3, known.sum())))


@pytest.mark.parametrize("patients", [0, 1, 2])
def test_arms_too_small_for_any_regression_keep_their_gaps(patients: int) -> None:
    scores = np.array([[10.0, np.nan], [20.0, np.nan]])[:patients]
    filled = impute(scores, uniforms_for(scores, 2), 0, 57)
    assert_array_equal(filled, np.broadcast_to(scores, (2, patients, 2)))


def test_uniforms_of_0_and_1_give_scores_within_the_scale() -> None:
    scores = arm(10)
    for end in (0.0, 1.0):
        filled = impute(scores, np.full(uniforms_shape(scores.shape, 2), end), 0, 57)
        assert filled.min() >= 0
        assert filled.max() <= 57


def test_larger_uniforms_of_the_patients_give_no_lower_score() -> None:
    scores = arm(11)[:, [0, 2]]
    uniforms = uniforms_for(scores, 3)
    larger = uniforms.copy()
    larger[..., : len(scores)] = np.sqrt(larger[..., : len(scores)])
    assert np.all(impute(scores, larger, 0, 57) >= impute(scores, uniforms, 0, 57))


def test_wrong_arguments_are_refused() -> None:
    scores = arm(12)
    with pytest.raises(ValueError, match=r"uniforms must have the shape \(2, 3, 44\)"):
        impute(scores, np.zeros((2, 3, 9)), 0, 57)
    with pytest.raises(ValueError, match=r"low must be below high \(got 57 and 0\)"):
        impute(scores, uniforms_for(scores, 2), 57, 0)


def gone(after: int, *batch: int, patients: int = 40, visits: int = 3) -> Booleans:
    """Return which visits are after an event of the first ten patients."""
    who = np.arange(patients)[:, np.newaxis] < 10
    return np.broadcast_to(who & (np.arange(visits) >= after), (*batch, patients, visits))


@pytest.mark.parametrize("model", get_args(ReferenceModel))
def test_by_a_reference_that_is_the_same_arm_it_is_missing_at_random(
    model: ReferenceModel,
) -> None:
    """Law, to the bit: the same scores and the same numbers in both arms."""
    scores = np.where(gone(1, 4), np.nan, arm(21, 4))
    uniforms = uniforms_for(scores, 5)
    plain = impute_arm(scores, uniforms, 0, 57)
    reference = Reference(plain.regressions, gone(1, 4), model)
    by_reference = impute_arm(scores, uniforms, 0, 57, ~gone(1, 4), reference)
    assert_array_equal(by_reference.scores, plain.scores)


MEANS = np.array([[0.0, 8.0, 14.0], [0.0, 3.0, 5.0]])  # of the arm and of the reference
ROOT = np.array([[10.0, 0, 0], [7, 6, 0], [6, 5, 5]])


def mean_by_moments(model: ReferenceModel, last: int, patient: Floats) -> float:
    """Return the mean of the last visit in Carpenter, Roger and Kenward's joint distribution."""
    covariance, (own, reference) = ROOT @ ROOT.T, MEANS
    profile = {
        "copy_reference": reference,
        "jump_to_reference": np.append(own[: last + 1], reference[last + 1 :]),
        "copy_increments": np.append(
            own[: last + 1], own[last] + reference[last + 1 :] - reference[last]
        ),
    }[model]
    known = slice(0, last + 1)
    weights = np.linalg.solve(covariance[known, known], covariance[known, 2])
    return float(profile[2] + weights @ (patient[known] - profile[known]))


@pytest.mark.parametrize("model", get_args(ReferenceModel))
@pytest.mark.parametrize("last", [0, 1])
def test_by_a_reference_scores_have_the_moments_of_the_joint_distribution(
    model: ReferenceModel, last: int
) -> None:
    """Oracle: the conditional normal by matrix algebra; one patient of large arms, 4 errors."""
    generator, scale = np.random.default_rng(22), 1000.0
    arms = [scale * (mean + generator.normal(size=(1500, 3)) @ ROOT.T) for mean in MEANS]
    treated, control = arms
    treated[:10] = scale * np.array([15.0, 20.0, np.nan])
    treated[:10, last + 1 :] = np.nan
    after = np.zeros((1500, 3), bool)
    after[:10, last + 1 :] = True
    uniforms = [uniforms_for(treated, 40, seed) for seed in (1, 2)]
    made = impute_arm(control, uniforms[0], -1e9, 1e9)
    reference = Reference(made.regressions, after, model)
    found = impute_arm(treated, uniforms[1], -1e9, 1e9, ~after, reference).scores[:, :10, 2] / scale
    wanted = mean_by_moments(model, last, np.array([15.0, 20.0, 0.0]))
    # each imputation draws slopes of its own, which the ten patients share
    between = found.mean(axis=1)
    assert abs(between.mean() - wanted) < 4 * between.std() / np.sqrt(40) + 0.5
    covariance, known = ROOT @ ROOT.T, slice(0, last + 1)
    weights = np.linalg.solve(covariance[known, known], covariance[known, 2])
    sd = np.sqrt(covariance[2, 2] - weights @ covariance[known, 2])
    assert abs(found.std() / sd - 1) < 4 / np.sqrt(2 * found.size)


def test_whom_the_baseline_alone_is_known_of_has_the_effect_of_none() -> None:
    """Everybody gone after it in the treated arm: no difference, within 4 standard errors."""
    scores = arm(23, 400)
    control = arm(24, 400)
    scores[..., 1:] = np.nan
    after = np.broadcast_to(np.arange(3) > 0, scores.shape)
    made = impute_arm(control, uniforms_for(control, 2, 3), -1000, 1000)
    for model in get_args(ReferenceModel):
        reference = Reference(made.regressions, after, model)
        filled = impute_arm(scores, uniforms_for(scores, 2), -1000, 1000, ~after, reference).scores
        gaps = (filled - made.scores)[..., 2].mean(axis=(0, 2))
        assert abs(gaps.mean()) < 4 * gaps.std() / np.sqrt(400)

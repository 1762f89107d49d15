"""Latent scores against the normal distribution that was cut, and their own laws."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest, norm

from trialsim.arrays import Floats
from trialsim.stats.missing.latent_normal import (
    BURN_IN,
    Parameters,
    latent_draws,
    regressions_of,
    uniforms_of_sweep,
)

MEAN = np.array([8.0, 30.0, 48.0])
COVARIANCE = np.array([[144.0, 100.0, 80.0], [100.0, 196.0, 140.0], [80.0, 140.0, 225.0]])


def sweeps(scores: Floats, draws: int, seed: int = 1) -> Iterator[tuple[Floats, Floats]]:
    *batch, patients, visits = scores.shape
    generator = np.random.default_rng(seed)
    number = uniforms_of_sweep(patients, visits)[1]
    for _ in range(BURN_IN + draws):
        yield generator.random((*batch, visits, patients)), generator.random((*batch, number))


def on_the_scale(latent: Floats) -> Floats:
    return np.clip(np.rint(latent), 0, 57)


def arms(*batch: int, patients: int = 60) -> tuple[Floats, Floats]:
    """Return latent scores, and what is seen: a fifth at each end, a fifth of the last missing."""
    generator = np.random.default_rng(2)
    latent = generator.multivariate_normal(MEAN, COVARIANCE, (*batch, patients))
    seen = on_the_scale(latent)
    seen[..., 2] = np.where(generator.random(seen.shape[:-1]) < 0.2, np.nan, seen[..., 2])
    return latent, seen


def test_means_and_covariances_are_those_of_what_was_cut() -> None:
    """Of 4,000 patients, a quarter at the floor first and at the ceiling last; 5 errors."""
    _, seen = arms(patients=4000)
    drawn = [one for _, one in latent_draws(seen, 0, 57, sweeps(seen, 60))][20:]
    mean = np.mean([one.mean for one in drawn], axis=0)
    covariance = np.mean([np.linalg.inv(one.whitening.T @ one.whitening) for one in drawn], axis=0)
    assert_allclose(mean, MEAN, atol=5 * np.sqrt(COVARIANCE.max() / 2500))
    assert_allclose(covariance, COVARIANCE, atol=5 * COVARIANCE.max() * np.sqrt(2 / 2500))


def test_scores_at_an_end_lie_beyond_it_and_all_others_where_they_were() -> None:
    _, seen = arms(3)
    for latent, _ in latent_draws(seen, 0, 57, sweeps(seen, 4)):
        inside = (seen > 0) & (seen < 57)
        assert_array_equal(latent[inside], seen[inside])
        known = ~np.isnan(seen)
        assert_array_equal(on_the_scale(latent)[known], seen[known])
        assert not np.isnan(latent).any()


def test_a_missing_score_has_the_distribution_of_its_regression() -> None:
    """Oracle: the conditional normal of a joint one, which 4,000 others tell; 200 such patients."""
    generator = np.random.default_rng(3)
    scores = generator.multivariate_normal([0, 0], [[1e4, 8e3], [8e3, 1e4]], 4000)
    scores[:200, 0], scores[:200, 1] = 150.0, np.nan
    (latent, _), *_ = latent_draws(scores, -1e9, 1e9, sweeps(scores, 1))
    expected = norm(0.8 * 150, np.sqrt(1e4 * (1 - 0.8**2)))
    assert kstest(latent[:200, 1], expected.cdf).pvalue > 0.01


def test_scores_after_the_last_seen_soon_forget_where_they_began() -> None:
    """Half of 200 patients leave after the first visit; within 4 errors of 128 arms' means.

    Drawn one by one given each other, correlated as they are, they would still be near their start.
    """
    generator = np.random.default_rng(4)
    own = generator.normal(0, 6, (128, 200, 1))
    true = 28 + own + generator.normal(0, 2, (128, 200, 5)) + 4 * np.arange(5)
    left = (np.arange(200) < 100)[:, np.newaxis] & (np.arange(5) > 0)
    scores = np.where(left, np.nan, true)
    (latent, _), *_ = latent_draws(scores, -1e9, 1e9, sweeps(scores, 1))
    gap = (latent - true)[:, :100, -1].mean(axis=-1)
    error = gap.std() / np.sqrt(128)
    assert abs(gap.mean()) < 4 * error
    assert error < 0.06


def test_covariances_are_on_average_those_of_the_sample() -> None:
    """Of 20 patients, where Jeffreys' prior would have them a quarter larger; 5 errors."""
    scores = np.random.default_rng(5).multivariate_normal(MEAN, COVARIANCE, 20)
    copies = np.broadcast_to(scores, (4000, *scores.shape))
    (_, drawn), *_ = latent_draws(copies, -1e9, 1e9, sweeps(copies, 1))
    found = np.linalg.inv(np.swapaxes(drawn.whitening, -1, -2) @ drawn.whitening)
    error = found.std(axis=0) / np.sqrt(4000)
    expected = np.cov(scores.T) + np.eye(3) / 19
    assert (abs(found.mean(axis=0) - expected) < 5 * error).all()


def test_a_batch_of_arms_equals_a_loop_over_single_arms() -> None:
    _, seen = arms(4, patients=30)
    numbers = list(sweeps(seen, 3))
    whole = [latent for latent, _ in latent_draws(seen, 0, 57, iter(numbers))]
    for trial in range(4):
        own = ((scores[trial], drawn[trial]) for scores, drawn in numbers)
        for one, (latent, _) in zip(whole, latent_draws(seen[trial], 0, 57, own), strict=True):
            assert_array_equal(one[trial], latent)


def test_what_is_given_is_taken_as_it_is_also_at_an_end() -> None:
    _, seen = arms()
    for latent, _ in latent_draws(seen, 0, 57, sweeps(seen, 2), exact=1):
        assert_array_equal(latent[:, 0], seen[:, 0])
        assert (latent[seen[:, 2] == 57, 2] >= 56.5).all()


def test_who_is_not_of_the_arm_stays_out() -> None:
    _, seen = arms()
    seen[10:20] = np.nan
    seen[:, 1] = np.nan
    for latent, _ in latent_draws(seen, 0, 57, sweeps(seen, 2)):
        assert np.isnan(latent[10:20]).all()
        assert np.isnan(latent[:, 1]).all()
        assert not np.isnan(np.delete(latent[:, [0, 2]], np.s_[10:20], axis=0)).any()


@pytest.mark.parametrize("patients", [0, 1, 2, 3])
def test_arms_of_a_few_or_of_one_value_are_drawn_without_an_error(patients: int) -> None:
    for value in (0.0, 57.0, 30.0):
        scores = np.full((patients, 3), value)
        for latent, drawn in latent_draws(scores, 0, 57, sweeps(scores, 2)):
            assert latent.shape == scores.shape
            assert np.isnan(latent).all() == (patients < 2)
            assert np.isfinite(drawn.whitening).all()


def test_uniforms_of_0_and_1_give_finite_scores() -> None:
    _, seen = arms()
    for end in (0.0, 1.0):
        numbers = ((np.full_like(a, end), np.full_like(b, end)) for a, b in sweeps(seen, 2))
        for latent, _ in latent_draws(seen, 0, 57, numbers):
            assert np.isfinite(latent).all()


def test_the_regressions_of_a_joint_normal_give_its_conditional_moments() -> None:
    """Oracle: matrix algebra."""
    whitening = np.linalg.inv(np.linalg.cholesky(COVARIANCE))
    third = regressions_of(Parameters(MEAN, whitening))[2]
    weights = np.linalg.solve(COVARIANCE[:2, :2], COVARIANCE[:2, 2])
    patient = np.array([[3.0, 41.0]])
    assert_allclose(third.at(patient), MEAN[2] + (patient - MEAN[:2]) @ weights)
    assert_allclose(third.sd**2, COVARIANCE[2, 2] - weights @ COVARIANCE[:2, 2])

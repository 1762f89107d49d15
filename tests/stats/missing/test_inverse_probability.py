"""Weights by the inverse probability to be seen, against what needs none and by simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from trialsim.arrays import Booleans, Floats
from trialsim.stats.missing.inverse_probability import (
    WeightedEstimate,
    weighted,
    weighted_effect,
    weighted_mean,
)
from trialsim.stats.ranks.mann_whitney import summarise

PATIENTS = 120
ARM = np.arange(PATIENTS) < PATIENTS // 2


def trials(seed: int, count: int) -> tuple[Floats, Floats, Booleans]:
    """Return covariates, cells of 0 to 20, and who is seen: the better in one arm, not the other.

    Without an effect, but those of whom a score is known look as if there were one.
    """
    generator = np.random.default_rng(seed)
    known = generator.normal(size=(count, PATIENTS))
    scores = 0.8 * known + 0.6 * generator.normal(size=known.shape)
    seen = generator.random(known.shape) < expit(0.8 + np.where(ARM, 1.2, -1.2) * known)
    return known, np.clip(np.rint(10 + 5 * scores), 0, 20).astype(np.int64), seen


def effect(known: Floats, cells: Floats, seen: Booleans) -> WeightedEstimate:
    arms = [weighted(seen, np.broadcast_to(one, seen.shape), known[..., None]) for one in _ARMS]
    return weighted_effect(cells.astype(np.int64), 21, arms[0], arms[1])


_ARMS = (ARM, ~ARM)


def test_with_everybody_seen_it_is_the_effect_and_the_variance_of_the_placements() -> None:
    known, cells, seen = trials(1, 5)
    found = effect(known, cells, np.ones_like(seen))
    plain = summarise(cells[:, ARM].astype(float), cells[:, ~ARM].astype(float))
    assert_allclose(found.estimate, plain.effect, rtol=1e-12)
    assert_allclose(found.variance, plain.placement_variance, rtol=1e-12)
    arm = weighted(np.ones_like(seen), np.broadcast_to(ARM, seen.shape), known[..., None])
    mean = weighted_mean(cells.astype(float), arm)
    assert_allclose(mean.estimate, cells[:, ARM].mean(axis=1))
    assert_allclose(mean.variance, cells[:, ARM].var(axis=1, ddof=1) / ARM.sum())


def test_weights_take_the_bias_away_and_their_variance_is_that_of_the_estimates() -> None:
    """1,000 trials: bias within 4 errors of a hundredth of what those seen alone have."""
    known, cells, seen = trials(2, 1000)
    found = effect(known, cells, seen)
    alone = summarise(
        np.where(seen, cells, np.nan)[:, ARM], np.where(seen, cells, np.nan)[:, ~ARM]
    ).effect
    error = found.estimate.std() / np.sqrt(1000)
    assert alone.mean() - 0.5 > 0.1
    assert abs(found.estimate.mean() - 0.5) < 4 * error + 0.012  # small samples leave a little
    assert found.variance.mean() / found.estimate.var() == pytest.approx(1.05, abs=0.2)


def test_the_probabilities_solve_firths_equations() -> None:
    """Oracle: the score of the likelihood penalised by Jeffreys' prior, numerically."""
    known, _, seen = trials(3, 1)
    x = np.column_stack([np.ones(ARM.sum()), known[0, ARM]])
    shown = seen[0, ARM]
    weights = weighted(seen[0], ARM, known[0][:, None]).weights[ARM]
    inside = 1 / weights[shown]
    # the linear predictor of those seen gives back the coefficients
    slopes = np.linalg.lstsq(x[shown], np.log(inside / (1 - inside)), rcond=None)[0]

    def penalised(beta: Floats) -> float:
        p = expit(x @ beta)
        information = (x * (p * (1 - p))[:, None]).T @ x
        whole = np.sum(np.where(shown, np.log(p), np.log1p(-p)))
        return float(whole + np.linalg.slogdet(information)[1] / 2)

    for direction in np.eye(2):
        rise = penalised(slopes + 1e-4 * direction) - penalised(slopes - 1e-4 * direction)
        assert abs(rise / 2e-4) < 1e-5


def test_covariates_that_tell_exactly_who_is_seen_leave_finite_weights() -> None:
    known, cells, _ = trials(4, 3)
    found = effect(known, cells, known > 0)
    assert np.isfinite(found.estimate).all()
    assert (found.variance > 0).all()


def test_each_trial_is_weighted_as_if_it_were_alone() -> None:
    known, cells, seen = trials(5, 6)
    whole = effect(known, cells, seen)
    for one in range(6):
        alone = effect(known[one : one + 1], cells[one : one + 1], seen[one : one + 1])
        assert_array_equal(whole.estimate[one], alone.estimate[0])
        assert_array_equal(whole.variance[one], alone.variance[0])


def test_an_arm_of_which_nobody_is_seen_has_no_estimate() -> None:
    known, cells, seen = trials(6, 2)
    found = effect(known, cells, seen & ~ARM)
    assert np.isnan(found.estimate).all()

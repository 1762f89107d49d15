"""Inference after a stop: its closed forms, its duality with the bounds, and simulated trials."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr, ndtri

from tests.stats.laws import law
from trialsim.arrays import Floats, Integers
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.stats.sequential.spending import OBrienFlemingSpending, PocockSpending, Spending
from trialsim.stats.sequential.stagewise import stagewise_inference

OBF = OBrienFlemingSpending()
INFORMATION = np.array([20.0, 45.0, 70.0])
BOUNDS = spending_bounds(INFORMATION / 70, PocockSpending(), 0.025)


@law(z=st.floats(-4, 6), information=st.floats(0.01, 1e4), confidence=st.floats(0.5, 0.99))
def test_trial_of_one_look_has_the_fixed_inference(
    z: float, information: float, confidence: float
) -> None:
    found = stagewise_inference(z, 0, [information], [1.96], confidence)
    half = ndtri((1 + confidence) / 2)
    assert_allclose(found.p_value, ndtr(-z), rtol=1e-9)
    assert_allclose(np.array(found[1:]) * np.sqrt(information), [z, z - half, z + half], atol=1e-7)


@pytest.mark.parametrize("lower", [None, -BOUNDS, np.array([-0.5, 0.4, np.nan])])
@law(z=st.floats(-4, 7), look=st.integers(0, 2), confidence=st.floats(0.6, 0.99))
def test_limits_are_the_effects_with_those_tails(
    lower: Floats | None, z: float, look: int, confidence: float
) -> None:
    """By the probabilities of crossing under each effect, which follow the trials afresh."""
    found = stagewise_inference(z, look, INFORMATION, BOUNDS, confidence, lower)
    upper = BOUNDS[: look + 1].copy()
    upper[look] = z
    below = np.full(look + 1, -np.inf) if lower is None else np.nan_to_num(lower[: look + 1])
    below[look] = -np.inf
    tails = 0.5, (1 - confidence) / 2, (1 + confidence) / 2
    for effect, tail in zip(found[1:], tails, strict=True):
        drift = effect * np.sqrt(INFORMATION[look])
        fractions = INFORMATION[: look + 1] / INFORMATION[look]
        crossing = crossing_probabilities(fractions, upper, below, drift)
        assert_allclose(crossing.efficacy.sum(), tail, atol=1e-7)


def test_p_value_at_a_bound_is_what_was_spent_by_then() -> None:
    spent = PocockSpending().spent(INFORMATION / 70, 0.025)
    found = stagewise_inference(BOUNDS, np.arange(3), INFORMATION, BOUNDS)
    assert_allclose(found.p_value, spent, atol=1e-10)


@law(z=st.floats(-3, 6))
def test_interval_of_the_level_excludes_no_effect_exactly_when_the_trial_rejects(z: float) -> None:
    found = stagewise_inference(z, 2, INFORMATION, BOUNDS, confidence=0.95)
    if abs(z - BOUNDS[2]) > 1e-6:
        assert (found.lower > 0) == (found.p_value < 0.025) == (z > BOUNDS[2])


def test_stop_at_an_earlier_look_is_more_extreme_and_so_is_a_larger_z() -> None:
    z, look = np.array([6.0, 2.4, 5.0, 2.3, 1.0, -2.0]), np.array([0, 0, 1, 1, 2, 2])
    found = stagewise_inference(z, look, INFORMATION, BOUNDS)
    assert np.all(np.diff(found.p_value) > 0)
    for effects in found[1:]:
        assert np.all(np.diff(effects * np.sqrt(20)) < 3)
    assert found.estimate[2] < z[2] / np.sqrt(INFORMATION[1])
    assert np.all(found.lower < found.estimate)
    assert np.all(found.estimate < found.upper)


def test_two_sided_trial_mirrors() -> None:
    bounds = spending_bounds(INFORMATION / 70, PocockSpending(), 0.05, sides=2)
    z = np.array([1.1, 2.5, 0.3])
    up = stagewise_inference(z, [2, 1, 2], INFORMATION, bounds, lower_bounds=-bounds)
    down = stagewise_inference(-z, [2, 1, 2], INFORMATION, bounds, lower_bounds=-bounds)
    assert_allclose(down.estimate, -up.estimate, atol=1e-8)
    assert_allclose(down.lower, -up.upper, atol=1e-8)
    assert_allclose(down.p_value, 1 - up.p_value, atol=1e-10)


def test_bounds_that_nobody_reaches_leave_the_fixed_inference() -> None:
    found = stagewise_inference(1.7, 2, INFORMATION, [np.inf, 8.5, 2.0])
    assert_allclose(found.estimate * np.sqrt(70), 1.7, atol=1e-6)
    assert_allclose(found.p_value, ndtr(-1.7), atol=1e-9)


def test_look_that_was_not_held_changes_nothing() -> None:
    information = np.insert(INFORMATION, 1, np.nan)
    found = stagewise_inference(2.2, 3, information, np.insert(BOUNDS, 1, np.nan))
    assert_array_equal(found, stagewise_inference(2.2, 2, INFORMATION, BOUNDS))
    unknown = stagewise_inference([np.nan, 2.0], [2, 1], information, np.insert(BOUNDS, 1, np.nan))
    assert np.isnan(unknown).all()


def test_batch_equals_its_trials_one_by_one_to_the_bit() -> None:
    random = np.random.default_rng(8)
    information = np.cumsum(random.uniform(10, 30, (12, 3)), axis=-1).reshape(3, 4, 3)
    bounds = spending_bounds(information / 60, OBF, 0.025)
    z, look = random.normal(1.5, 1, (3, 4)), random.integers(0, 3, (3, 4))
    whole = stagewise_inference(z, look, information, bounds)
    for place in np.ndindex(3, 4):
        one = stagewise_inference(z[place], look[place], information[place], bounds[place])
        assert_array_equal([field[place] for field in whole], one)


def test_extreme_outcomes_have_limits_in_order() -> None:
    """Nearly no information at the first look, z far out: no overflow, no loss of the order."""
    z = np.array([-9.0, 0.0, 9.0, 25.0])
    found = stagewise_inference(z, 1, [0.01, 50.0], [2.2, 2.2], lower_bounds=[-1.0, 2.2])
    assert np.isfinite(found).all()
    assert np.all(found.lower < found.estimate)
    assert np.all(found.estimate < found.upper)


def simulated(
    trials: int, looks: int, drift: float, spending: Spending, seed: int
) -> tuple[Floats, Integers, Floats, Floats]:
    """Return z and look of the stop, fractions and bounds of trials whose looks differ."""
    random = np.random.default_rng(seed)
    gains = random.uniform(0.8, 1.2, (trials, looks)) / looks
    t = gains.cumsum(axis=1)
    bounds = spending_bounds(t, spending, 0.025)
    walk = random.standard_normal((trials, looks)) * np.sqrt(gains) + drift * gains
    z = walk.cumsum(axis=1) / np.sqrt(t)
    crossed = z >= bounds
    look = np.where(crossed.any(axis=1), crossed.argmax(axis=1), looks - 1)
    return z[np.arange(trials), look], look, t, bounds


@pytest.mark.parametrize(("looks", "drift"), [(2, 3.0), (3, 2.0)])
def test_estimate_is_median_unbiased_and_the_interval_covers(looks: int, drift: float) -> None:
    """4,000 trials with looks of their own; 3 binomial standard errors at a fixed seed.

    The naive estimate is seen to be too large, by more than that.
    """
    trials = 4_000
    z, look, t, bounds = simulated(trials, looks, drift, PocockSpending(), 2016)
    found = stagewise_inference(z, look, t, bounds)
    error = np.sqrt(0.25 / trials)
    assert abs((found.estimate < drift).mean() - 0.5) < 3 * error
    covered = (found.lower <= drift) & (drift <= found.upper)
    assert abs(covered.mean() - 0.95) < 3 * np.sqrt(0.95 * 0.05 / trials)
    naive = z / np.sqrt(t[np.arange(trials), look])
    assert (naive < drift).mean() < 0.5 - 3 * error


def test_a_stop_for_futility_in_the_order_leaves_the_estimate_median_unbiased() -> None:
    """10,000 trials that stop for futility below z = 0.78 at half; 3 binomial standard errors.

    Left out of the order it biases: 57% of estimates lie below a drift of 1.5.
    """
    trials, drift, bounds = 10_000, 1.5, np.array([2.963, 1.969])
    gains = np.random.default_rng(3).standard_normal((trials, 2)) * np.sqrt(0.5) + 0.5 * drift
    z = gains.cumsum(axis=1) / np.sqrt([0.5, 1.0])
    look = np.where((z[:, 0] >= bounds[0]) | (z[:, 0] < 0.78), 0, 1)
    last, error = z[np.arange(trials), look], np.sqrt(0.25 / trials)
    shape = (trials, 2)
    told = last, look, np.broadcast_to([0.5, 1.0], shape), np.broadcast_to(bounds, shape), 0.95
    exact = stagewise_inference(*told, np.broadcast_to([0.78, -np.inf], shape))
    assert abs((exact.estimate < drift).mean() - 0.5) < 3 * error
    covered = (exact.lower <= drift) & (drift <= exact.upper)
    assert abs(covered.mean() - 0.95) < 3 * np.sqrt(0.95 * 0.05 / trials)
    assert abs((stagewise_inference(*told).estimate < drift).mean() - 0.57) < 3 * error


def test_p_value_is_uniform_under_no_effect() -> None:
    """4,000 trials of three looks; 4 binomial standard errors."""
    trials = 4_000
    z, look, t, bounds = simulated(trials, 3, 0.0, OBF, 5)
    p_values = stagewise_inference(z, look, t, bounds).p_value
    for level in (0.01, 0.025, 0.2, 0.5, 0.9):
        share = (p_values <= level).mean()
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / trials)


def test_followed_patients_take_the_place_of_the_look_that_stopped() -> None:
    """Stopped at the second look, then 15 more: the first look stays in the order."""
    stopped = stagewise_inference(2.6, 1, INFORMATION, BOUNDS)
    followed = stagewise_inference(2.4, 1, [20.0, 60.0, np.nan], BOUNDS)
    assert followed.estimate < stopped.estimate
    tail = crossing_probabilities([20 / 60, 1], [BOUNDS[0], 2.4]).efficacy.sum()
    assert_allclose(followed.p_value, tail, rtol=1e-12)

"""How often bounds are crossed: laws, closed forms, and a simulation of the looks."""

import numpy as np
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr

from tests.stats.laws import law
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.crossing import (
    crossing_probabilities,
    drift_for_power,
    expected_fraction,
    inflation_factor,
)
from trialsim.stats.sequential.spending import OBrienFlemingSpending

OBF = OBrienFlemingSpending()


@law(
    drift=st.floats(-8, 8),
    bounds=st.lists(st.tuples(st.floats(-3, 1), st.floats(0, 4)), min_size=1, max_size=4),
)
def test_probabilities_sum_with_those_who_end_between_the_bounds(
    drift: float, bounds: list[tuple[float, float]]
) -> None:
    """Where the bounds meet at the last look nobody is left between them."""
    t = np.arange(1, len(bounds) + 1) / len(bounds)
    lower, gap = np.array(bounds).T
    upper = lower + gap
    lower[-1] = upper[-1]
    found = crossing_probabilities(t, upper, lower, drift)
    assert np.all(found.efficacy >= 0)
    assert np.all(found.futility >= 0)
    assert_allclose(found.efficacy.sum() + found.futility.sum(), 1, atol=1e-8)


def test_first_look_and_a_look_that_nobody_may_leave_are_closed_forms() -> None:
    drift = np.array([-1.0, 0, 2.5])
    found = crossing_probabilities([0.5, 1], [np.inf, 1.96], [-np.inf, 0.5], drift)
    assert_allclose(found.efficacy[:, 0], 0)
    assert_allclose(found.efficacy[:, 1], ndtr(drift - 1.96), atol=1e-10)
    assert_allclose(found.futility[:, 1], ndtr(0.5 - drift), atol=1e-10)


def test_simulated_looks_agree() -> None:
    """Brownian motion with drift at three looks; 4 binomial standard errors at a fixed seed."""
    trials, t, drift = 200_000, np.array([0.3, 0.7, 1.1]), 1.5
    upper, lower = np.array([2.2, 2.0, 1.9]), np.array([-0.2, 0.4, 1.9])
    gains = np.diff(t, prepend=0)
    steps = np.random.default_rng(11).standard_normal((trials, 3)) * np.sqrt(gains) + drift * gains
    z = steps.cumsum(axis=1) / np.sqrt(t)
    out = (z >= upper) | (z < lower)
    first = out.argmax(axis=1)
    found = crossing_probabilities(t, upper, lower, drift)
    for look in range(3):
        here = z[first == look, look] >= upper[look]
        for expected, count in (
            (found.efficacy[look], here.sum()),
            (found.futility[look], (~here).sum()),
        ):
            error = np.sqrt(expected * (1 - expected) / trials)
            assert abs(count / trials - expected) < 4 * error
    mean = t[first].mean()
    assert_allclose(mean, expected_fraction(t, found), atol=4 * t[first].std() / np.sqrt(trials))


def test_trial_that_nothing_stops_is_expected_to_end_with_its_last_look() -> None:
    crossing = crossing_probabilities([[0.5, np.nan, 0.9]], np.inf)
    assert_allclose(expected_fraction([[0.5, np.nan, 0.9]], crossing), [0.9])


@law(power=st.floats(0.1, 0.99), t=st.floats(0.1, 0.9))
def test_drift_for_a_power_has_that_power_and_costs_more_than_a_fixed_test(
    power: float, t: float
) -> None:
    bounds = spending_bounds([t, 1], OBF, 0.025)
    drift = drift_for_power([t, 1], bounds, power)
    found = crossing_probabilities([t, 1], bounds, drift=drift).efficacy.sum()
    assert_allclose(found, power, atol=1e-9)
    assert inflation_factor(drift, 0.025, power) >= 1 - 1e-9


def test_drifts_of_a_batch_are_those_of_its_trials() -> None:
    t = np.array([[0.5, 1], [0.3, 0.9]])
    bounds = spending_bounds(t, OBF, 0.025)
    singles = [drift_for_power(*pair, 0.8).item() for pair in zip(t, bounds, strict=True)]
    assert_allclose(drift_for_power(t, bounds, 0.8), singles, rtol=1e-12)

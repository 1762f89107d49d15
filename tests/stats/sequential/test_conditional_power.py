"""Conditional and predictive power: laws, and the trials to come as oracle."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
    z_for_conditional_power,
    z_for_predictive_power,
)

shares = st.floats(0.05, 0.95)
powers = st.floats(0.001, 0.999)


@law(t=shares, power=powers, critical=st.floats(1, 4), drift=st.floats(-2, 5))
def test_z_for_a_power_has_it(t: float, power: float, critical: float, drift: float) -> None:
    z = z_for_conditional_power(power, t, critical, drift)
    assert_allclose(conditional_power(z, t, critical, drift), power, atol=1e-12)
    trend = z_for_conditional_power(power, t, critical)
    assert_allclose(conditional_power(trend, t, critical, trend_drift(trend, t)), power, atol=1e-12)


@law(t=shares, power=powers)
def test_z_for_a_predictive_power_has_it(t: float, power: float) -> None:
    z = z_for_predictive_power(power, t, 1.96)
    assert_allclose(predictive_power(z, t, 1.96), power, atol=1e-12)


@law(z=st.floats(-3, 4), t=st.floats(0.2, 0.95))
def test_predictive_power_averages_conditional_power(z: float, t: float) -> None:
    """Over the posterior of the drift under a flat prior, by the trapezium rule."""
    away = np.linspace(-9, 9, 4001)
    posterior = np.exp(-(away**2) / 2) / np.sqrt(2 * np.pi)
    powers = conditional_power(z, t, 1.96, (z + away) / np.sqrt(t))
    average = np.trapezoid(powers * posterior, away)
    assert_allclose(predictive_power(z, t, 1.96), average, atol=1e-8)


@pytest.mark.parametrize("t", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("z", [-0.5, 0.8, 1.9])
def test_conditional_power_is_how_often_trials_go_on_to_reject(t: float, z: float) -> None:
    """100,000 continuations of each look; 4 binomial standard errors at a fixed seed."""
    continuations = 100_000
    for drift in (0.0, float(trend_drift(z, t)), 3.24):
        rest = np.random.default_rng(7).standard_normal(continuations) * np.sqrt(1 - t)
        rejected = (z * np.sqrt(t) + drift * (1 - t) + rest >= 1.97).mean()
        power = conditional_power(z, t, 1.97, drift).item()
        assert abs(rejected - power) < 4 * np.sqrt(power * (1 - power) / continuations)


def test_predictive_power_under_a_flat_prior_is_calibrated() -> None:
    """Drifts spread widely: of trials with a power between .4 and .5 as many go on to reject."""
    random, trials, t = np.random.default_rng(3), 400_000, 0.4
    drift = random.uniform(-12, 12, trials)
    z = drift * np.sqrt(t) + random.standard_normal(trials)
    final = z * np.sqrt(t) + drift * (1 - t) + random.standard_normal(trials) * np.sqrt(1 - t)
    power = predictive_power(z, t, 1.96)
    here = (power > 0.4) & (power < 0.5)
    error = np.sqrt(0.25 / here.sum())
    assert abs((final[here] >= 1.96).mean() - power[here].mean()) < 4 * error


def test_at_the_end_the_answer_is_known() -> None:
    z = np.array([1.0, 1.96, 3.0, np.nan])
    expected = [0, 1, 1, np.nan]
    assert_array_equal(conditional_power(z, 1.0, 1.96, trend_drift(z, 1.0)), expected)
    assert_array_equal(predictive_power(z, 1.2, 1.96), expected)
    assert_array_equal(z_for_conditional_power([0.1, 0.9], 1.0, 1.96), [1.96, 1.96])


def test_what_cannot_be_reached_or_is_not_known() -> None:
    """An infinite critical value is never reached; no information gives no answer."""
    assert conditional_power(2.0, 0.5, np.inf, 3.0).item() == 0
    assert predictive_power(2.0, 0.5, -np.inf).item() == 1
    assert np.isnan(conditional_power(0.0, 0.0, 1.96, 3.0))
    assert np.isnan(predictive_power([np.nan, 1.0], [0.5, np.nan], 1.96)).all()


def test_look_on_the_straight_line_to_the_critical_value_has_even_chances() -> None:
    """Where the drift is the critical value too."""
    t, critical = np.array([0.1, 0.5, 0.9]), 1.97
    assert_allclose(
        conditional_power(critical * np.sqrt(t), t, critical, critical), 0.5, rtol=1e-14
    )

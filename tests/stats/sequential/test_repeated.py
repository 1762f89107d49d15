"""Repeated intervals and p-values: their duality with the bounds, and coverage at every look."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.repeated import repeated_intervals, repeated_p_values
from trialsim.stats.sequential.spending import OBrienFlemingSpending, PocockSpending

T = np.array([0.3, 0.7, 1.0])


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.4])
def test_p_value_of_a_bound_is_its_alpha(sides: int, alpha: float) -> None:
    bounds = spending_bounds(T, PocockSpending(), alpha, sides)
    assert_allclose(repeated_p_values(bounds, T, PocockSpending(), sides), alpha, rtol=1e-7)


def test_p_values_of_looks_not_held_or_not_analysed_are_not_known() -> None:
    z = np.array([[1.0, np.nan, 2.0], [np.nan, 2.0, 1.0]])
    t = np.array([[0.3, np.nan, 1.0], [0.3, 0.7, np.nan]])
    found = repeated_p_values(z, t, PocockSpending())
    assert np.array_equal(np.isnan(found), [[False, True, False], [True, False, True]])
    alone = repeated_p_values([1.0, 2.0], [0.3, 1], PocockSpending())
    assert_allclose(found[0, ::2], alone)


def test_extreme_z_stay_between_the_limits() -> None:
    found = repeated_p_values([[30.0, 30.0], [-30.0, -30.0]], [0.5, 1], OBrienFlemingSpending())
    assert_allclose(found[:, 0], [1e-9, 1], rtol=1e-6)
    assert_allclose(found[:, 1], [1e-9, 1], rtol=1e-6)


def test_intervals_hold_the_effect_at_all_looks_at_once() -> None:
    """100,000 trials that never stop; 3 binomial standard errors around 95%, two-sided."""
    trials, effect, information = 100_000, 0.2, 80 * T
    bounds = spending_bounds(T, OBrienFlemingSpending(), 0.05, sides=2)
    gains = np.diff(information, prepend=0)
    steps = np.random.default_rng(3).standard_normal((trials, 3)) * np.sqrt(gains)
    z = (steps + effect * gains).cumsum(axis=1) / np.sqrt(information)
    found = repeated_intervals(z, information, bounds)
    held = ((found.lower <= effect) & (effect <= found.upper)).all(axis=1).mean()
    assert abs(held - 0.95) < 3 * np.sqrt(0.95 * 0.05 / trials)


def test_bound_that_cannot_be_reached_tells_nothing() -> None:
    found = repeated_intervals([1.0], [4.0], [np.inf])
    assert (found.lower.item(), found.upper.item()) == (-np.inf, np.inf)

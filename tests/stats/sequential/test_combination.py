"""Combination tests: closed forms, quadrature, and trials under no effect."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from tests.stats.laws import law
from trialsim.arrays import Floats
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.combination import (
    combined_information,
    combined_z,
    conditional_error,
    conventional_critical,
    cui_hung_wang,
    fisher_critical,
    fisher_first_level,
    fisher_p_value,
    inverse_normal,
)
from trialsim.stats.sequential.conditional_power import conditional_power
from trialsim.stats.sequential.repeated import repeated_intervals
from trialsim.stats.sequential.spending import OBrienFlemingSpending, PocockSpending

OBF = OBrienFlemingSpending()
CRITICAL = -ndtri(0.025)
zs = st.floats(-3, 5)


@law(first=zs, second=zs, share=st.floats(0.05, 0.95), actual=st.floats(1.0, 4.0))
def test_weighted_test_rejects_exactly_when_all_patients_pass_the_moved_bound(
    first: float, second: float, share: float, actual: float
) -> None:
    """Gao, Ware and Mehta (2008); shares and patients in units of those planned."""
    weighted = cui_hung_wang(first, second, share) - CRITICAL
    moved = conventional_critical(first, share, 1.0, actual, CRITICAL)
    plain = cui_hung_wang(first, second, share / actual) - moved
    assert_allclose(plain, weighted * np.sqrt((actual - share) / (1 - share) / actual), atol=1e-9)


@law(first=zs, second=zs, share=st.floats(0.05, 0.95))
def test_two_stages_combined_are_those_of_cui_hung_and_wang(
    first: float, second: float, share: float
) -> None:
    both = combined_z([first, second], [share, 1 - share])
    assert_allclose(both, [first, cui_hung_wang(first, second, share).item()], atol=1e-12)


def test_combined_z_of_many_stages_goes_on_from_stage_to_stage() -> None:
    stages, weights = np.random.default_rng(1).standard_normal((5, 4)), np.array([1, 2, 3, 4])
    whole = combined_z(stages, weights)
    for last in range(1, 5):
        assert_allclose(combined_z(stages[:, :last], weights[:last])[:, -1], whole[:, last - 1])
    assert_allclose(inverse_normal(norm.sf(stages), weights), whole, atol=1e-9)


def test_combined_information_is_that_of_all_when_the_plan_was_kept() -> None:
    stages = np.array([[20.0, 30.0, 50.0], [20.0, 60.0, 10.0]])
    found = combined_information(stages, [0.2, 0.3, 0.5])
    assert_allclose(found[0], stages[0].cumsum())
    assert np.all(found[1] < stages[1].cumsum() + 1e-9)
    mean = combined_z(0.3 * np.sqrt(stages[1]), [0.2, 0.3, 0.5])
    assert_allclose(mean / np.sqrt(found[1]), 0.3)


def test_interval_of_a_combined_test_covers_whatever_the_second_stage_was_given() -> None:
    """A million trials, patients by the first z; 3 binomial standard errors around 95%."""
    first, second = _trials(12)
    effect, plan = 0.2, np.array([50.0, 50.0])
    z_first = first + effect * np.sqrt(plan[0])
    later = np.where(z_first < 1.5, 200.0, 50.0)
    z = combined_z(np.stack([z_first, second + effect * np.sqrt(later)], axis=-1), plan)
    stages = np.stack([np.full_like(later, plan[0]), later], axis=-1)
    bounds = spending_bounds([0.5, 1], OBF, 0.05, sides=2)
    interval = repeated_intervals(z, combined_information(stages, plan), bounds)
    held = ((interval.lower <= effect) & (effect <= interval.upper)).all(axis=-1).mean()
    assert abs(held - 0.95) < 3 * np.sqrt(0.95 * 0.05 / first.size)


def test_stage_that_was_not_held_is_left_out() -> None:
    z, weights = np.array([1.0, np.nan, 2.0]), np.array([0.4, np.nan, 0.6])
    for found, alone in (
        (combined_z(z, weights), combined_z(z[::2], weights[::2])),
        (combined_information(z, weights), combined_information(z[::2], weights[::2])),
    ):
        assert_allclose(found[::2], alone)
        assert np.isnan(found[1])


@pytest.mark.parametrize("futility_p", [0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("alpha", [0.01, 0.025, 0.1])
def test_fishers_two_stages_keep_their_level(alpha: float, futility_p: float) -> None:
    """Stop at once at alpha_1, or go on up to alpha_0 and pass with the product."""
    first, product = fisher_first_level(alpha, futility_p).item(), fisher_critical(alpha).item()
    later, _ = quad(lambda p: min(1.0, product / p), first, futility_p)
    assert_allclose(first + later, alpha, atol=1e-8)


def test_fishers_p_value_is_uniform_under_no_effect() -> None:
    """100,000 pairs and triples; 4 binomial standard errors at a fixed seed."""
    p_values = np.random.default_rng(4).random((100_000, 3))
    for stages in (2, 3):
        found = fisher_p_value(p_values[:, :stages])
        for level in (0.01, 0.1, 0.5):
            assert abs((found <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 1e5)
        assert_allclose(fisher_p_value(p_values[0, :1]), p_values[0, 0], rtol=1e-12)


@law(z=st.floats(-2, 2.5), t=st.floats(0.2, 0.9), drift=st.floats(-1, 4))
def test_with_one_look_to_come_it_is_the_conditional_power(
    z: float, t: float, drift: float
) -> None:
    found = conditional_error(z, 1, [t / 2, t, 1], [3.0, 2.5, 2.0], drift)
    assert_allclose(found, conditional_power(z, t, 2.0, drift), atol=1e-12)


@pytest.mark.parametrize("look", [0, 1])
def test_conditional_errors_of_a_look_average_to_the_level(look: int) -> None:
    """Over z at the look, all earlier looks passed unseen, as if they had no bounds."""
    t = np.array([0.3, 0.6, 1])
    bounds = spending_bounds(np.where(np.arange(3) < look, np.nan, t), PocockSpending(), 0.025)
    z = np.linspace(-8, bounds[look], 20_001)
    errors = conditional_error(z, look, t, np.where(np.arange(3) < look, np.inf, bounds))
    spent = norm.sf(bounds[look])
    assert_allclose(spent + np.trapezoid(errors * norm.pdf(z), z), 0.025, atol=1e-7)


def test_conditional_error_of_a_batch_at_looks_of_their_own() -> None:
    t = np.array([[0.3, 0.6, 1], [0.4, np.nan, 0.9], [0.2, 0.5, 1.1]])
    bounds = spending_bounds(t, OBF, 0.025)
    z, look = np.array([1.0, 0.5, 1.5]), np.array([1, 0, 2])
    found = conditional_error(z, look, t, bounds)
    singles = [conditional_error(*one).item() for one in zip(z, look, t, bounds, strict=True)]
    assert_allclose(found, singles, rtol=1e-12)
    assert_allclose(found[1], conditional_error(0.5, 0, [0.4, 0.9], bounds[1, [0, 2]]), rtol=1e-12)
    assert found[2] == 0
    assert np.isnan(conditional_error([np.nan, 1.0], [0, 1], t[:2], bounds[:2])).all()


def _trials(seed: int, trials: int = 1_000_000) -> tuple[Floats, Floats]:
    first, second = np.random.default_rng(seed).standard_normal((2, trials))
    return first, second


def test_weighted_test_keeps_its_level_where_the_conventional_one_does_not() -> None:
    """Under no effect, patients trebled whenever conditional power is below even.

    A million trials at a fixed seed: the level of the weighted test is within 3 binomial standard
    errors, that of the conventional one is above it by far more.
    """
    first, second = _trials(2016)
    reached = conditional_power(first, 0.5, CRITICAL, first / np.sqrt(0.5))
    actual = np.where(reached < 0.5, 3.0, 1.0)
    conventional = cui_hung_wang(first, second, 0.5 / actual)
    weighted = cui_hung_wang(first, second, 0.5)
    error = np.sqrt(0.025 * 0.975 / first.size)
    assert abs((weighted >= CRITICAL).mean() - 0.025) < 3 * error
    assert (conventional >= CRITICAL).mean() > 0.025 + 10 * error
    moved = conventional_critical(first, 0.5, 1.0, actual, CRITICAL)
    assert np.array_equal(conventional >= moved, weighted >= CRITICAL)


def test_two_stages_combined_keep_the_level_with_an_early_look() -> None:
    """However many patients the second stage is given; 3 binomial standard errors."""
    first, second = _trials(7)
    bounds = spending_bounds([0.5, 1], OBF, 0.025)
    z = combined_z(np.stack([first, second], axis=-1), [0.5, 0.5])
    rejected = (z >= bounds).any(axis=-1).mean()
    assert abs(rejected - 0.025) < 3 * np.sqrt(0.025 * 0.975 / first.size)


def test_what_is_no_combination_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weights must be positive \(got \[0.5, 0.0\]\)"):
        combined_z([1.0, 2.0], [0.5, 0.0])
    with pytest.raises(ValueError, match="futility_p must lie between alpha and 1"):
        fisher_first_level(0.025, 0.01)


def test_conditional_error_falls_to_nothing_far_below_and_rises_above() -> None:
    z = np.linspace(-6, 6, 49)
    errors = conditional_error(z, 0, [0.5, 1], [2.96, 1.97])
    assert np.all(np.diff(errors) > 0)
    assert_allclose(errors[[0, -1]], ndtr((z[[0, -1]] * np.sqrt(0.5) - 1.97) / np.sqrt(0.5)))

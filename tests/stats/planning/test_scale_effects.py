"""Effects on a bounded scale, against closed forms of unbounded ones and their own inverses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.planning.scale_effects import (
    cells_of_censored_normal,
    latent_shift_of_theta,
    odds_ratio_of_theta,
    proportional_odds_cells,
    scale_effects,
    shifted_cells,
    theta_of_cells,
)
from trialsim.stats.ranks.mann_whitney import summarise_counts

ORACLES = reference("scale_effects")
CASES = {case["id"]: case for case in ORACLES["cases"]}

counts = st.lists(st.integers(0, 20), min_size=2, max_size=12).filter(lambda n: sum(n) > 0)
cells = counts.map(lambda n: np.array(n, float) / sum(n))
movable = cells.filter(lambda p: (p > 0).sum() > 1)


@pytest.mark.parametrize(
    "case", [CASES[k] for k in CASES if "theta_normal" in k], ids=lambda c: c["id"]
)
def test_theta_of_a_shift_on_a_fine_scale_is_that_of_the_normal_shift(case: dict[str, Any]) -> None:
    """Oracle: theta = Phi(d / sqrt 2); 4,001 cells are nearly continuous."""
    control = cells_of_censored_normal(0.0, 200.0, -2000, 2000)
    distance = case["inputs"]["cohens_d"]
    theta = theta_of_cells(shifted_cells(control, distance), control)
    assert_allclose(theta, case["expected"]["mw"], atol=1e-6)
    assert_allclose(latent_shift_of_theta(control, case["expected"]["mw"]), distance, atol=1e-5)
    moved = cells_of_censored_normal(200.0 * distance, 200.0, -2000, 2000)
    assert_allclose(shifted_cells(control, distance), moved, atol=1e-12)


@pytest.mark.parametrize(
    "case", [CASES[k] for k in CASES if "theta_po" in k], ids=lambda c: c["id"]
)
def test_theta_of_proportional_odds_on_a_fine_scale_is_the_continuous_one(
    case: dict[str, Any],
) -> None:
    """Oracle: theta of a logistic shift, in closed form."""
    control = np.full(4000, 1 / 4000)
    ratio = np.exp(case["inputs"]["log_odds_ratio"])
    theta = theta_of_cells(proportional_odds_cells(control, ratio), control)
    assert_allclose(theta, case["expected"]["mw"], atol=1e-6)
    assert_allclose(odds_ratio_of_theta(control, case["expected"]["mw"]), ratio, rtol=1e-5)


def test_cells_of_a_censored_normal_are_the_shares_of_rounded_draws() -> None:
    """Oracle: a million draws, rounded and clipped; binomial errors."""
    draws = np.random.default_rng(5).normal(40.0, 21.0, 1_000_000)
    shares = np.bincount(np.clip(np.rint(draws), 0, 57).astype(int), minlength=58) / draws.size
    found = cells_of_censored_normal(40.0, 21.0, 0, 57)
    assert np.all(np.abs(shares - found) < 5 * np.sqrt(found / draws.size))
    assert_allclose(found[0], stats.norm.cdf(0.5, 40, 21), rtol=1e-12)
    assert_allclose(found[-1], stats.norm.sf(56.5, 40, 21), rtol=1e-12)


@law(treated=counts, data=st.data())
def test_theta_of_shares_is_the_effect_of_the_counts(treated: list[int], data: Any) -> None:
    """Oracle: summarise_counts."""
    size = len(treated)
    control = data.draw(
        st.lists(st.integers(0, 20), min_size=size, max_size=size).filter(lambda n: sum(n) > 0)
    )
    arms = np.array(treated), np.array(control)
    theta = theta_of_cells(*(arm / arm.sum() for arm in arms))
    assert_allclose(theta, summarise_counts(*arms).effect, rtol=1e-12)


@law(control=movable, shift=st.floats(-2, 2))
def test_a_latent_shift_is_found_again_from_what_it_does(control: Floats, shift: float) -> None:
    treated = shifted_cells(control, shift)
    theta = theta_of_cells(treated, control)
    assert_allclose(latent_shift_of_theta(control, theta), shift, atol=1e-8)


@law(control=movable, log_odds_ratio=st.floats(-2, 2))
def test_an_odds_ratio_is_found_again_from_what_it_does(
    control: Floats, log_odds_ratio: float
) -> None:
    ratio = np.exp(log_odds_ratio)
    treated = proportional_odds_cells(control, ratio)
    theta = theta_of_cells(treated, control)
    assert_allclose(odds_ratio_of_theta(control, theta), ratio, rtol=1e-8)


@law(control=cells, ratio=st.floats(0.05, 20))
def test_odds_of_being_above_any_cell_are_multiplied(control: Floats, ratio: float) -> None:
    """Oracle: the definition of proportional odds."""
    treated = proportional_odds_cells(control, ratio)
    below, moved = np.cumsum(control)[:-1], np.cumsum(treated)[:-1]
    assert_allclose(treated.sum(), 1)
    assert_allclose((1 - moved) * below, ratio * (1 - below) * moved, atol=1e-12)


@law(control=cells, shift=st.floats(-3, 3))
def test_a_shift_the_other_way_mirrors_the_scale(control: Floats, shift: float) -> None:
    mirrored = shifted_cells(control[::-1], -shift)[::-1]
    assert_allclose(shifted_cells(control, shift), mirrored, atol=1e-14)


@law(control=cells, shift=st.floats(-8, 8))
def test_nobody_moves_beyond_the_controls_range(control: Floats, shift: float) -> None:
    occupied = np.flatnonzero(control)
    outside = np.r_[: occupied[0], occupied[-1] + 1 : control.size]
    assert_array_equal(shifted_cells(control, shift)[outside], 0.0)
    assert_array_equal(proportional_odds_cells(control, np.exp(shift))[outside], 0.0)


@law(control=movable, share=st.floats(0, 1))
def test_a_theta_beyond_the_ties_at_the_ends_is_refused(control: Floats, share: float) -> None:
    """Oracle: all treated in the best cell beat everyone but tie with the controls there."""
    occupied = control[control > 0]
    worst, best = occupied[0] / 2, 1 - occupied[-1] / 2
    beyond = best + share * (1 - best)
    for inverse in (latent_shift_of_theta, odds_ratio_of_theta):
        with pytest.raises(ValueError, match=r"theta must be one that some .* can reach"):
            inverse(control, beyond + 1e-9)
        with pytest.raises(ValueError, match=r"theta must be one that some .* can reach"):
            inverse(control, worst * share - 1e-9)
        assert np.isfinite(inverse(control, worst + (best - worst) * (0.01 + 0.98 * share)))


def test_no_effect_is_nothing_in_every_unit() -> None:
    control = np.array([0.2, 0.0, 0.3, 0.5])
    found = scale_effects(control, control)
    assert_allclose(found[:4], [0.5, 0.0, 1.0, 0.0], atol=1e-14)
    assert_allclose(found[4:], [0.2, 0.2, 0.5, 0.5])


def test_effects_no_model_gives_are_not_known() -> None:
    """Complete separation, and a control arm in a single cell, have a theta but no odds ratio."""
    treated = np.array([[0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
    control = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    found = scale_effects(treated, control)
    assert_array_equal(found.theta, [1.0, 0.75])
    assert np.isnan(found.latent_shift).all()
    assert np.isnan(found.odds_ratio).all()
    assert_array_equal(found.mean_difference, [1.5, 0.5])


@law(control=movable, share=st.floats(0, 1))
def test_a_batch_equals_a_loop_over_single_scales(control: Floats, share: float) -> None:
    other = share * control[::-1] + (1 - share) * control
    batch = scale_effects(other, np.stack([control, other]))
    for at, single in enumerate((control, other)):
        assert_allclose([field[at] for field in batch], scale_effects(other, single), atol=1e-9)


def test_inverses_broadcast_targets_over_scales() -> None:
    control = np.array([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])
    thetas = np.array([[0.4], [0.6], [0.7]])
    found = odds_ratio_of_theta(control, thetas)
    assert found.shape == (3, 2)
    again = theta_of_cells(proportional_odds_cells(control, found), control)
    assert_allclose(again, np.broadcast_to(thetas, (3, 2)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([0.5, 0.4], r"must sum to 1 \(got 0\.9\)"),
        ([1.5, -0.5], r"must not be negative \(got -0\.5\)"),
        ([np.nan, 1.0], r"must not be negative \(got nan\)"),
    ],
)
def test_cells_that_are_no_distribution_are_refused(wrong: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        theta_of_cells(np.array([0.5, 0.5]), np.array(wrong))


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"odds_ratio must be positive \(got 0\.0\)"):
        proportional_odds_cells(np.array([0.5, 0.5]), 0.0)
    with pytest.raises(ValueError, match=r"sd must be positive \(got -1\.0\)"):
        cells_of_censored_normal(0.0, -1.0, 0, 5)
    with pytest.raises(ValueError, match=r"low must be below high \(got 5 and 5\)"):
        cells_of_censored_normal(0.0, 1.0, 5, 5)

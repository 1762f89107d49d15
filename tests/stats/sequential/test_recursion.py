"""The density of the trials that continue: closed forms, finer rules, and trials that are alike."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm

from trialsim.arrays import Floats, Integers
from trialsim.stats.sequential import recursion
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.recursion import (
    LEAST_GAIN,
    SIZES,
    bound_with_probability_above,
    bound_with_probability_below,
    go_on,
    nodes_needed,
    over_trials,
    probability_above,
    probability_below,
    rising,
    start,
    steps,
)
from trialsim.stats.sequential.spending import OBrienFlemingSpending, PocockSpending


def test_two_looks_are_the_bivariate_normal() -> None:
    """Oracle: SciPy, trials that stay within bounds and then lie above or below."""
    first, second = steps(np.array([[0.4, 1.0]]))
    lower, upper, z = np.array([-0.5]), np.array([2.2]), np.array([1.1])
    ongoing = go_on(start(1), first, lower, upper, 48)
    both = multivariate_normal([0, 0], [[1, np.sqrt(0.4)], [np.sqrt(0.4), 1]])
    below = both.cdf([2.2, 1.1]) - both.cdf([-0.5, 1.1])
    stay = norm.cdf(2.2) - norm.cdf(-0.5)
    assert_allclose(ongoing.mass.sum(), stay, atol=1e-12)
    assert_allclose(probability_below(ongoing, second, z), below, atol=1e-9)
    assert_allclose(probability_above(ongoing, second, z), stay - below, atol=1e-9)


@pytest.mark.parametrize("probability", [1e-250, 1e-12, 0.001, 0.4])
def test_bound_with_a_probability_has_it_on_either_side(probability: float) -> None:
    first, second = steps(np.array([[0.4, 1.0]]))
    ongoing = go_on(start(1), first, np.array([-1.0]), np.array([2.5]), 64)
    wanted = np.array([probability])
    high = bound_with_probability_above(ongoing, second, wanted)
    low = bound_with_probability_below(ongoing, second, wanted)
    assert_allclose(probability_above(ongoing, second, high), probability, rtol=1e-9)
    assert_allclose(probability_below(ongoing, second, low), probability, rtol=1e-9)


def test_bound_of_nothing_is_infinite_and_of_all_that_go_on_none_at_all() -> None:
    first, second = steps(np.array([[0.4, 1.0]]))
    ongoing = go_on(start(1), first, np.array([-1.0]), np.array([2.5]), 64)
    assert bound_with_probability_above(ongoing, second, np.zeros(1)) == np.inf
    assert bound_with_probability_above(ongoing, second, np.full(1, 0.999)) == -np.inf


@pytest.mark.parametrize("sides", [1, 2])
def test_finer_rules_give_the_same_bounds(sides: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks of any spacing; to 1e-6 in bounds, with every rule two sizes finer."""
    random = np.random.default_rng(3)
    t = np.sort(random.uniform(0.05, 1.05, (40, 4)), axis=1)
    t = t[(np.diff(t) / t[:, 1:]).min(axis=1) > 0.02]
    found = [spending_bounds(t, OBrienFlemingSpending(), 0.025, sides)]

    def finer(fractions: Floats, lower: Floats, upper: Floats) -> Integers:
        chosen = np.searchsorted(SIZES, nodes_needed(fractions, lower, upper))
        return np.asarray(SIZES[np.minimum(chosen + 2, len(SIZES) - 1)])

    monkeypatch.setattr(recursion, "nodes_needed", finer)
    found.append(spending_bounds(t, OBrienFlemingSpending(), 0.025, sides))
    assert_allclose(found[0], found[1], atol=1e-6)


def test_trials_that_are_alike_are_worked_once() -> None:
    t = np.tile([[0.5, 1.0], [0.4, 1.0]], (500, 1))
    worked = []

    def work(fractions: Floats, nodes: list[int], more: Floats) -> tuple[Floats]:
        worked.append(len(fractions))
        return (fractions + more,)

    (found,) = over_trials(work, 1, t, np.full_like(t, -3), np.full_like(t, 3), np.ones_like(t))
    assert_array_equal(found, t + 1)
    assert sum(worked) == 2


def test_work_is_cut_into_pieces_that_stay_in_cache() -> None:
    t = np.random.default_rng(2).uniform(0.1, 0.9, (30_000, 1)) * [[0.5, 1.0]]
    pieces = []

    def work(fractions: Floats, nodes: list[int]) -> tuple[Floats]:
        pieces.append(len(fractions) * nodes[0])
        return (fractions,)

    over_trials(work, 1, t, np.full_like(t, -7), np.full_like(t, 7))
    assert max(pieces) <= recursion.KERNELS
    assert len(pieces) > 1


def test_no_trials_have_no_bounds() -> None:
    assert spending_bounds(np.empty((0, 3)), PocockSpending(), 0.025).shape == (0, 3)


def test_fractions_that_stand_still_or_fall_are_made_to_rise_a_little() -> None:
    found = rising(np.array([[0.0, 0.5, 0.5, 0.4]]))
    assert np.all(np.diff(found) > 0)
    assert_allclose(found[0, 1:], 0.5 * (1 + LEAST_GAIN) ** np.arange(3))

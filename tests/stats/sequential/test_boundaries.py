"""Bounds of trials whose looks differ: laws, and SciPy's multivariate normal as oracle."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from tests.stats.laws import law
from trialsim.arrays import Floats
from trialsim.stats.ranks.mann_whitney import rank_test, summarise_counts
from trialsim.stats.sequential.boundaries import (
    beta_spending_bounds,
    beta_spending_drift,
    completed_bounds,
    spending_bounds,
    wang_tsiatis_bounds,
)
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.stats.sequential.spending import (
    HwangShihDeCani,
    KimDeMets,
    OBrienFlemingSpending,
    PocockSpending,
    Spending,
)

SPENDINGS: list[Spending] = [OBrienFlemingSpending(), PocockSpending(), HwangShihDeCani(-4)]
OBF = OBrienFlemingSpending()
looks = (
    st.lists(st.floats(0.05, 1.1), min_size=1, max_size=4)
    .map(lambda t: np.array(sorted(t)))
    .filter(lambda t: bool(np.all(np.diff(t) > 0.02)))
)


@law(t=looks, alpha=st.floats(0.001, 0.2), spending=st.sampled_from(SPENDINGS))
def test_whole_test_keeps_its_level_whatever_the_looks(
    t: Floats, alpha: float, spending: Spending
) -> None:
    for sides in (1, 2):
        bounds = spending_bounds(t, spending, alpha, sides)
        crossing = crossing_probabilities(t, bounds, -bounds if sides == 2 else None)
        spent = np.nansum(crossing.efficacy) + np.nansum(crossing.futility)
        assert_allclose(spent, alpha, atol=1e-8)


@law(alpha=st.floats(1e-4, 0.4), spending=st.sampled_from(SPENDINGS), t=st.floats(0.1, 1.2))
def test_one_look_is_the_fixed_test(alpha: float, spending: Spending, t: float) -> None:
    assert_allclose(spending_bounds([t], spending, alpha), [-ndtri(alpha)], rtol=1e-12)
    assert_allclose(spending_bounds([t], spending, alpha, 2), [-ndtri(alpha / 2)], rtol=1e-12)
    assert_allclose(completed_bounds([t], 1.0, alpha), [-ndtri(alpha)], rtol=1e-12)


@pytest.mark.parametrize("sides", [1, 2])
def test_more_looks_raise_pococks_bound(sides: int) -> None:
    bounds = [
        wang_tsiatis_bounds(np.arange(1, looks + 1) / looks, 0.5, 0.05, sides)[0]
        for looks in range(1, 9)
    ]
    assert np.all(np.diff(bounds) > 0)
    assert_allclose(bounds[0], -ndtri(0.05 / sides), rtol=1e-9)


def test_bounds_agree_with_the_multivariate_normal() -> None:
    """Oracle: SciPy's multivariate normal, P(below every bound) = 1 - alpha."""
    for t in ([0.4, 0.9], [0.3, 0.5, 1.05], [0.2, 0.5, 0.8, 0.95]):
        bounds = spending_bounds(t, PocockSpending(), 0.025)
        ratio = np.minimum.outer(t, t) / np.maximum.outer(t, t)
        inside = multivariate_normal(np.zeros(len(t)), np.sqrt(ratio)).cdf(
            bounds, rng=np.random.default_rng(1)
        )
        assert_allclose(1 - inside, 0.025, atol=3e-6)


def test_batch_equals_its_trials_one_by_one_to_the_bit() -> None:
    random = np.random.default_rng(5)
    t = np.cumsum(random.uniform(0.15, 0.4, (3, 20, 3)), axis=-1)
    t[1, ::2, 1] = np.nan
    t[2, ::3] = t[0, ::3]
    whole = spending_bounds(t, OBF, 0.025)
    singles = [[spending_bounds(row, OBF, 0.025) for row in block] for block in t]
    assert_array_equal(whole, singles)


def test_look_that_is_not_held_leaves_the_bounds_of_the_others() -> None:
    found = spending_bounds([[0.3, np.nan, 1], [np.nan, 0.3, 1], [0.3, 1, np.nan]], OBF, 0.025)
    expected = spending_bounds([0.3, 1], OBF, 0.025)
    for row, places in zip(found, ([0, 2], [1, 2], [0, 1]), strict=True):
        assert_array_equal(row[places], expected)
        assert np.isnan(np.delete(row, places)).all()
    assert np.isnan(spending_bounds([np.nan, np.nan], OBF, 0.025)).all()


def test_last_look_takes_what_remains_when_information_differs_from_the_plan() -> None:
    """Less than planned lowers the last bound, as less is left unspent by the correlations."""
    under, planned, over = spending_bounds([[0.5, 0.8], [0.5, 1], [0.5, 1.3]], OBF, 0.025)
    assert under[0] == planned[0] == over[0]
    assert -ndtri(0.025) < under[1] < planned[1] < over[1]
    interim = spending_bounds([0.5, 0.8], OBF, 0.025, ends=False)
    assert interim[1] > under[1]


def test_interim_with_full_information_spends_all() -> None:
    early = spending_bounds([0.5, 1.02, 1.1], OBF, 0.025)
    assert_array_equal(early[:2], spending_bounds([0.5, 1.02], OBF, 0.025))
    assert early[2] == np.inf


def test_look_without_new_information_cannot_reject_and_costs_nothing() -> None:
    found = spending_bounds([[0.5, 0.5, 1], [0.0, 0.5, 1], [0.5, 0.4, 1]], OBF, 0.025)
    plain = spending_bounds([0.5, 1], OBF, 0.025)
    assert found[0, 1] == found[1, 0] == found[2, 1] == np.inf
    assert_allclose(found[0, [0, 2]], plain, atol=1e-4)
    assert_allclose(found[1, 1:], plain, atol=1e-9)


def test_looks_that_nearly_coincide_keep_the_level() -> None:
    """The last bound is lower than the one before: only trials just below that are left."""
    bounds = completed_bounds([0.999, 1.0], 2.0, 0.025)
    both = crossing_probabilities([0.999, 1.0], bounds)
    assert_allclose(both.efficacy.sum(), 0.025, atol=1e-8)
    assert 1.95 < bounds[1] < 1.97


def test_given_bounds_that_cost_more_than_alpha_leave_nothing() -> None:
    assert_array_equal(completed_bounds([0.5, 1], 1.5, 0.025), [1.5, np.inf])


def test_plan_completed_at_its_own_looks_is_the_plan() -> None:
    t = np.array([0.3, 0.55, 1])
    for sides in (1, 2):
        plan = wang_tsiatis_bounds(t, 0.25, 0.05, sides)
        assert_allclose(completed_bounds(t, plan, 0.05, sides), plan, atol=1e-8)


def test_binding_futility_lowers_later_bounds_and_keeps_the_level() -> None:
    t, futility = np.array([0.4, 0.7, 1]), np.array([0.3, np.nan, np.nan])
    binding = spending_bounds(t, OBF, 0.025, futility=futility)
    free = spending_bounds(t, OBF, 0.025)
    assert binding[0] == free[0]
    assert np.all(binding[1:] < free[1:])
    lower = np.array([0.3, -np.inf, -np.inf])
    assert_allclose(crossing_probabilities(t, binding, lower).efficacy.sum(), 0.025, atol=1e-9)


@pytest.mark.parametrize("binding", [False, True])
def test_beta_spending_misses_the_effect_as_often_as_it_says(binding: bool) -> None:
    t, beta = np.array([0.3, 0.6, 1]), 0.2
    spending = OBF, KimDeMets(2)
    drift = beta_spending_drift(t, *spending, 0.025, beta, binding)
    upper, lower = beta_spending_bounds(t, *spending, drift, 0.025, beta, binding)
    assert_allclose(lower[-1], upper[-1], atol=1e-9)
    under_effect = crossing_probabilities(t, upper, lower, drift)
    assert_allclose(under_effect.futility.cumsum(), KimDeMets(2).spent(t, beta), atol=1e-8)
    obeyed = crossing_probabilities(t, upper, lower if binding else None)
    assert_allclose(obeyed.efficacy.cumsum(), OBF.spent(t, 0.025), atol=1e-8)


def test_beta_spending_of_looks_that_came_out_otherwise() -> None:
    """A futility bound never passes the efficacy bound, and the last is the last efficacy bound."""
    t = np.cumsum(np.random.default_rng(2).uniform(0.1, 0.5, (50, 3)), axis=-1)
    upper, lower = beta_spending_bounds(t, OBF, PocockSpending(), 3.3, 0.025, 0.1, binding=True)
    assert np.all(lower <= upper)
    assert_array_equal(lower[:, -1], upper[:, -1])
    spent = crossing_probabilities(t, upper, lower).efficacy.sum(axis=-1)
    assert_allclose(spent[np.isfinite(upper[:, -1])], 0.025, atol=1e-8)


def test_rank_test_with_ties_keeps_its_level_over_looks() -> None:
    """40,000 trials of 240 patients on seven cells, information from the variance of each test.

    Under no effect; 3 binomial standard errors at a fixed seed, and the correlation of z at half
    the patients with z in the end that of independent increments, by 4 of its own.
    """
    trials, random = 40_000, np.random.default_rng(2016)
    cells = [0.1, 0.15, 0.2, 0.15, 0.2, 0.1, 0.1]
    arms = random.multinomial(60, cells, (2, trials, 2)).cumsum(axis=2)
    summary = summarise_counts(arms[0], arms[1])
    information = 1 / summary.null_variance
    bounds = spending_bounds(information / information[:, 1].mean(), OBF, 0.025)
    z = rank_test(summary).z
    rejected = (z >= bounds).any(axis=1).mean()
    assert abs(rejected - 0.025) < 3 * np.sqrt(0.025 * 0.975 / trials)
    correlation = np.mean(z[:, 0] * z[:, 1])
    assert abs(correlation - np.sqrt(0.5)) < 4 * np.sqrt((1 + 0.5) / trials)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.0}, r"alpha must lie between 0 and 1 \(got 0.0\)"),
        ({"sides": 3}, r"sides must be 1 or 2 \(got 3\)"),
        ({"fractions": 0.5}, r"fractions must have an axis of looks"),
        ({"fractions": [-0.5, 1]}, r"fractions must not be negative \(got -0.5\)"),
        ({"sides": 2, "futility": 0.0}, "belong to a one-sided test"),
    ],
)
def test_what_is_no_test_is_refused(arguments: dict[str, object], message: str) -> None:
    usual: dict[str, object] = {"fractions": [0.5, 1], "spending": OBF, "alpha": 0.025}
    with pytest.raises(ValueError, match=message):
        spending_bounds(**{**usual, **arguments})  # type: ignore[arg-type]


def test_interim_look_without_a_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="a bound for every look held before the last"):
        completed_bounds([0.3, 0.6, 1], [3.0, np.nan, 2.0], 0.025)
    with pytest.raises(ValueError, match=r"delta must not be above 0.5 \(got 0.7\)"):
        wang_tsiatis_bounds([0.5, 1], 0.7, 0.025)

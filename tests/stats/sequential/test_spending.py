"""Spending functions: laws that hold for all of them; their values are among the oracles."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from trialsim.stats.sequential.spending import (
    HwangShihDeCani,
    KimDeMets,
    OBrienFlemingSpending,
    PocockSpending,
    Spending,
    SpendingTable,
)

spendings = st.one_of(
    st.just(OBrienFlemingSpending()),
    st.just(PocockSpending()),
    st.floats(-20, 20).map(HwangShihDeCani),
    st.floats(0.1, 10).map(KimDeMets),
    st.just(SpendingTable((0.3, 0.8), (0.2, 0.2))),
)
fractions = st.lists(st.floats(0, 1.5), min_size=1, max_size=8).map(lambda t: np.array(sorted(t)))


@law(spending=spendings, t=fractions, alpha=st.floats(1e-6, 0.5))
def test_spending_never_falls_and_stays_between_nothing_and_alpha(
    spending: Spending, t: np.ndarray, alpha: float
) -> None:
    spent = spending.spent(t, alpha)
    assert np.all(np.diff(spent) >= -1e-15)
    assert np.all((spent >= 0) & (spent <= alpha * (1 + 1e-12)))


@law(spending=spendings, alpha=st.floats(1e-6, 0.5))
def test_nothing_is_spent_before_the_start_and_exactly_alpha_by_the_end(
    spending: Spending, alpha: float
) -> None:
    assert_array_equal(spending.spent([0.0, 1.0, 1.2], alpha), [0.0, alpha, alpha])


def test_look_that_is_not_held_stays_unknown_and_alpha_may_differ_between_trials() -> None:
    found = PocockSpending().spent([[0.5, np.nan, 1]] * 2, [[0.01], [0.02]])
    assert np.isnan(found[:, 1]).all()
    assert_allclose(found[1, [0, 2]], 2 * found[0, [0, 2]], rtol=1e-15)


def test_gamma_of_nothing_spends_in_proportion() -> None:
    """It is the limit of gammas near nothing."""
    t = np.array([0.2, 0.7])
    assert_allclose(HwangShihDeCani(0).spent(t, 0.025), 0.025 * t, rtol=1e-15)
    assert_allclose(HwangShihDeCani(1e-9).spent(t, 0.025), 0.025 * t, rtol=1e-8)


def test_table_of_a_smooth_function_gives_its_bounds() -> None:
    places = np.linspace(0.01, 1, 100)
    table = SpendingTable(tuple(places), tuple(KimDeMets(2).spent(places, 0.5) / 0.5))
    t = np.linspace(0, 1, 37)
    assert_allclose(table.spent(t, 0.025), KimDeMets(2).spent(t, 0.025), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KimDeMets(0), r"rho must be above 0 \(got 0\)"),
        (lambda: HwangShihDeCani(float("nan")), r"gamma must be between -500 and 500"),
        (lambda: SpendingTable((0.5,), (0.1, 0.2)), "a share for every fraction"),
        (lambda: SpendingTable((0.5, 0.5), (0.1, 0.2)), "fractions must rise between 0 and 1"),
        (lambda: SpendingTable((0.5, 0.6), (0.3, 0.2)), "shares must not fall"),
        (lambda: PocockSpending().spent([0.5], 0), r"alpha must be between 0 and 1 \(got 0"),
    ],
)
def test_what_is_no_spending_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()

"""Responder analyses against R, SciPy and statsmodels."""

from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.stats.means_and_proportions.responders import fisher_exact
from trialsim.stats.means_and_proportions.two_shares import compare_shares
from trialsim.stats.p_values import Alternative

CASES = reference("responders")["cases"]
ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")

arms = st.integers(1, 130).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_difference_interval_and_fisher_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: R's fisher.test, and ratesci's moverci for Newcombe's interval."""
    x, m, y, n = itemgetter("x1", "n1", "x2", "n2")(case["inputs"])
    expected = case["expected"]
    found = compare_shares(x, m, y, n)
    assert_allclose(found.estimate, expected["risk_diff"], atol=1e-12)
    assert_allclose((found.low, found.high), expected["newcombe_ci"], atol=1e-6)
    assert_allclose(fisher_exact(x, m, y, n), expected["fisher_two_sided"], rtol=1e-9)
    assert_allclose(fisher_exact(x, m, y, n, "greater"), expected["fisher_greater"], rtol=1e-9)


@law(treated=arms, control=arms)
def test_fisher_equals_that_of_scipy(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """Oracle: scipy.stats.fisher_exact."""
    table = np.array([[x, n - x] for x, n in (treated, control)])
    for alternative in ALTERNATIVES:
        wanted = stats.fisher_exact(table, alternative).pvalue
        assert_allclose(fisher_exact(*treated, *control, alternative), wanted, rtol=1e-9)


@law(treated=arms, control=arms)
def test_interval_equals_that_of_statsmodels(
    treated: tuple[int, int], control: tuple[int, int]
) -> None:
    """Oracle: statsmodels' confint_proportions_2indep, method newcomb."""
    found = compare_shares(*treated, *control)
    wanted = confint_proportions_2indep(*treated, *control, method="newcomb")
    assert_allclose((found.low, found.high), wanted, atol=1e-12)
    assert -1 <= found.low < found.high <= 1


def test_a_batch_of_tables_equals_a_loop_over_single_ones() -> None:
    generator = np.random.default_rng(1)
    m, n = generator.integers(1, 40, (2, 30))
    x, y = generator.integers(0, m + 1), generator.integers(0, n + 1)
    for alternative in ALTERNATIVES:
        batch = fisher_exact(x, m, y, n, alternative)
        single = [
            fisher_exact(*table, alternative=alternative) for table in zip(x, m, y, n, strict=True)
        ]
        assert_allclose(batch, np.array(single), rtol=1e-12)


def test_empty_arms_and_no_responders_are_no_evidence() -> None:
    assert_array_equal(compare_shares(0, 0, 3, 9), [np.nan, -1, 1])
    for alternative in ALTERNATIVES:
        assert_allclose(fisher_exact([0, 0, 7], [0, 9, 7], [3, 0, 5], [9, 8, 5], alternative), 1.0)


def test_more_responders_than_patients_are_refused() -> None:
    with pytest.raises(ValueError, match="responders must lie between 0 and the patients"):
        fisher_exact(5, 4, 1, 2)
    with pytest.raises(ValueError, match="responders must lie between 0 and the patients"):
        compare_shares(5, 4, 1, 2)

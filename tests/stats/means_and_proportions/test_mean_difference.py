"""Interval and test of a mean difference agree, side by side."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from trialsim.stats.means_and_proportions.mean_difference import mean_difference


@law(estimate=st.floats(-9, 9), variance=st.floats(0.01, 9), freedom=st.floats(0.5, 1e6))
def test_an_interval_ends_at_0_at_the_confidence_of_the_p_value(
    estimate: float, variance: float, freedom: float
) -> None:
    centre, spread, degrees = (np.array(value) for value in (estimate, variance, freedom))
    p_value = mean_difference(centre, spread, degrees).p_value.item()
    if not 1e-6 < p_value < 1 - 1e-6:
        return
    found = mean_difference(centre, spread, degrees, 1 - p_value)
    nearest = np.minimum(np.abs(found.low), np.abs(found.high))
    assert_allclose(nearest, 0.0, atol=1e-6 * abs(estimate))


def test_infinite_freedom_is_the_normal_distribution() -> None:
    """Oracle: scipy.stats.norm."""
    found = mean_difference(np.array(1.0), np.array(0.25), np.array(np.inf), alternative="less")
    assert_allclose(found.p_value, stats.norm.cdf(2))
    assert_allclose(found.high, 1 + 0.5 * stats.norm.ppf(0.975))


@pytest.mark.parametrize(
    ("estimate", "variance", "freedom"), [(1, 0, 5), (1, np.nan, 5), (1, 1, 0), (np.nan, 1, 5)]
)
def test_what_is_not_known_is_no_evidence(estimate: float, variance: float, freedom: float) -> None:
    found = mean_difference(np.array(estimate), np.array(variance), np.array(freedom))
    assert_array_equal((found.low, found.high, found.t, found.p_value), (-np.inf, np.inf, 0, 1))

"""Combination tests: closed forms, quadrature, and trials under no effect."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import ndtri

from tests.stats.laws import law
from trialsim.arrays import Floats
from trialsim.stats.sequential.combination import (
    conventional_critical,
    fisher_critical,
    fisher_p_value,
)
from trialsim.stats.sequential.conditional_power import conditional_power

CRITICAL = -ndtri(0.025)
zs = st.floats(-3, 5)


def cui_hung_wang(first: Floats, second: Floats, share: Floats | float) -> Floats:
    """Return the z of two stages, the first weighted by its share (Cui, Hung and Wang 1999)."""
    return np.asarray(np.sqrt(share) * first + np.sqrt(1 - share) * second)


@law(first=zs, second=zs, share=st.floats(0.05, 0.95), actual=st.floats(1.0, 4.0))
def test_weighted_test_rejects_exactly_when_all_patients_pass_the_moved_bound(
    first: float, second: float, share: float, actual: float
) -> None:
    """Gao, Ware and Mehta (2008); shares and patients in units of those planned."""
    one, other = np.array(first), np.array(second)
    weighted = cui_hung_wang(one, other, share) - CRITICAL
    moved = conventional_critical(first, share, 1.0, actual, CRITICAL)
    plain = cui_hung_wang(one, other, share / actual) - moved
    assert_allclose(plain, weighted * np.sqrt((actual - share) / (1 - share) / actual), atol=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.025, 0.1])
def test_fishers_two_stages_keep_their_level(alpha: float) -> None:
    """Oracle: the integral of the chance that the second p brings the product to the bound."""
    product = fisher_critical(alpha).item()
    later, _ = quad(lambda p: min(1.0, product / p), product, 1.0)
    assert_allclose(product + later, alpha, atol=1e-8)
    assert_allclose(fisher_p_value([product, 1.0]), alpha, atol=1e-12)


def test_fishers_p_value_is_uniform_under_no_effect() -> None:
    """100,000 pairs and triples; 4 binomial standard errors at a fixed seed."""
    p_values = np.random.default_rng(4).random((100_000, 3))
    for stages in (2, 3):
        found = fisher_p_value(p_values[:, :stages])
        for level in (0.01, 0.1, 0.5):
            assert abs((found <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 1e5)
        assert_allclose(fisher_p_value(p_values[0, :1]), p_values[0, 0], rtol=1e-12)


def test_weighted_test_keeps_its_level_where_the_conventional_one_does_not() -> None:
    """Under no effect, patients trebled whenever conditional power is below even.

    A million trials at a fixed seed: the level of the weighted test is within 3 binomial standard
    errors, that of the conventional one is above it by far more.
    """
    first, second = np.random.default_rng(2016).standard_normal((2, 1_000_000))
    reached = conditional_power(first, 0.5, CRITICAL, first / np.sqrt(0.5))
    actual = np.where(reached < 0.5, 3.0, 1.0)
    conventional = cui_hung_wang(first, second, 0.5 / actual)
    weighted = cui_hung_wang(first, second, 0.5)
    error = np.sqrt(0.025 * 0.975 / first.size)
    assert abs((weighted >= CRITICAL).mean() - 0.025) < 3 * error
    assert (conventional >= CRITICAL).mean() > 0.025 + 10 * error
    moved = conventional_critical(first, 0.5, 1.0, actual, CRITICAL)
    assert np.array_equal(conventional >= moved, weighted >= CRITICAL)

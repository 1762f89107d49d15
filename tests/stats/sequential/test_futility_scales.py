"""Scales of a futility bound convert into each other and back."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, norm

from trialsim.stats.sequential.futility_scales import LookScales, Scale

SCALES: tuple[Scale, ...] = get_args(Scale)


@pytest.mark.parametrize("scale", SCALES)
@given(z=st.floats(-2, 3), t=st.floats(0.1, 0.9), critical=st.floats(1.5, 3), sd=st.floats(0.2, 9))
def test_scale_converts_and_converts_back(
    scale: Scale, z: float, t: float, critical: float, sd: float
) -> None:
    """To 1e-9 wherever a probability is not so near 0 or 1 that it has lost the z."""
    look = LookScales(t, critical, 60.0, 0.5, 3.24, 2.0, sd)
    value = look.on(z, scale)
    if scale in ("z", "effect") or 1e-6 < value < 1 - 1e-6:
        assert_allclose(look.z_of(value, scale), z, atol=1e-9)


def test_scales_agree_with_rpacts_formulas() -> None:
    """Oracle: the formulas of rpact 4.3.0, getFutilityBounds, two stages with informations 30, 20.

    Written there in weights of the stages and informations of the stages.
    """
    first, second, critical, theta = 30.0, 20.0, 1.9686, 0.31
    t = first / (first + second)
    w1, w2 = np.sqrt(t), np.sqrt(1 - t)
    z = np.linspace(-1, 2.5, 8)
    look = LookScales(t, critical, first, drift=theta * np.sqrt(first + second))
    needed = (critical - w1 * z) / w2
    expected: dict[Scale, np.ndarray] = {
        "p": 1 - norm.cdf(z),
        "effect": z / np.sqrt(first),
        "conditional_power": 1 - norm.cdf(needed - theta * np.sqrt(second)),
        "conditional_power_trend": 1 - norm.cdf(needed - z * np.sqrt(second / first)),
        "predictive_power": 1
        - norm.cdf(np.sqrt(first / (first + second)) * (needed - z * np.sqrt(second / first))),
        "reverse_conditional_power": norm.cdf((z - w1 * critical) / w2),
    }
    for scale, values in expected.items():
        assert_allclose(look.on(z, scale), values, atol=1e-12)
        assert_allclose(look.z_of(values, scale), z, atol=1e-9)


def test_reverse_conditional_power_is_the_look_given_the_end() -> None:
    """Oracle: SciPy's bivariate normal with the final z in a thin slice at its critical value."""
    t, critical, z, slice_ = 0.4, 2.0, 0.9, 1e-3
    both = multivariate_normal([0, 0], [[1, np.sqrt(t)], [np.sqrt(t), 1]])
    low, high = critical - slice_, critical + slice_
    inside = both.cdf([z, high]) - both.cdf([z, low])
    share = inside / (norm.cdf(high) - norm.cdf(low))
    found = LookScales(t, critical).on(z, "reverse_conditional_power")
    assert_allclose(found, share, atol=1e-5)


def test_batch_of_looks_has_bounds_of_its_own() -> None:
    looks = LookScales(t=np.array([0.3, 0.5, 0.8]), critical=np.array([2.0, 2.1, np.inf]))
    z = looks.z_of(0.15, "predictive_power")
    assert z.shape == (3,)
    assert z[0] < z[1] < z[2] == np.inf

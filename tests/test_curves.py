"""Curves lie within a hair of the functions they stand for, and give the same bits anywhere."""

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pytest
from scipy import special

from trialsim.arrays import Floats, Words
from trialsim.curves import Curve, TailCurve, logistic, part_done
from trialsim.streams import WORDS, numbers

Function = Callable[[Floats], Floats]


def everywhere() -> Words:
    """Return words close to both ends as well as between, in order."""
    near = np.unique(np.exp2(np.linspace(0, 31, 40_000)).astype(np.uint64))
    both = np.concatenate([[0], near - 1, near, WORDS - 1 - near])
    return np.unique(both).astype(np.uint32)


def by_gamma(u: Floats) -> Floats:
    """Return the quantiles of a gamma distribution with a coefficient of variation of 0.97."""
    quantiles: Floats = special.gammaincinv(0.97**-2, u)
    return quantiles


@pytest.mark.parametrize(
    ("function", "absolute", "relative"),
    [
        (special.ndtri, 2e-10, 0),
        (lambda u: -np.log1p(-u), 1e-15, 5e-10),
        (lambda u: np.exp(2 * special.ndtri(u)), 0, 2e-9),
        (by_gamma, 1e-15, 1e-8),
        (lambda u: special.betaincinv(0.2, 0.9, u), 1e-9, 1e-7),
    ],
)
def test_a_curve_of_tails_follows_its_function(
    function: Function, absolute: float, relative: float
) -> None:
    words = everywhere()
    expected = function(numbers(words))
    np.testing.assert_allclose(TailCurve(function).at(words), expected, relative, absolute)


def test_a_curve_of_tails_never_falls() -> None:
    assert (np.diff(TailCurve(special.ndtri).at(everywhere())) >= 0).all()


def test_the_two_tails_of_a_symmetrical_function_are_mirror_images() -> None:
    words, curve = everywhere(), TailCurve(special.ndtri)
    np.testing.assert_allclose(curve.at(~words), -curve.at(words), rtol=1e-10, atol=1e-15)


def test_a_curve_follows_its_function_and_stays_at_its_ends() -> None:
    curve = Curve(np.sin, -2, 3, 32)
    inside = np.linspace(-2, 3, 9_999)
    np.testing.assert_allclose(curve.at(inside), np.sin(inside), atol=1e-9)
    assert curve.at(np.array([-9.0, 9.0])).tolist() == curve.at(np.array([-2.0, 3.0])).tolist()


def test_parts_done_and_probabilities_are_those_of_the_exponential() -> None:
    x = np.concatenate([np.linspace(-60, 60, 20_001), [1e-6, 1e-3]])
    np.testing.assert_allclose(logistic(x), special.expit(x), rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(part_done(x), -np.expm1(-np.maximum(x, 0)), rtol=1e-7, atol=1e-10)


def test_a_last_digit_of_the_library_changes_no_bit() -> None:
    """As where another processor rounds otherwise: one unit in the last place, up or down."""
    words = everywhere()
    rng = np.random.default_rng(3)

    def elsewhere(u: Floats) -> Floats:
        exact = special.ndtri(u)
        return np.where(rng.random(u.shape) < 0.5, np.nextafter(exact, np.inf), exact)

    there = TailCurve(elsewhere).at(words)
    different = there != TailCurve(special.ndtri).at(words)
    assert different.mean() < 1e-3


def test_the_normal_curve_is_pinned_for_ever() -> None:
    """Its bits are part of every simulated result."""
    found = TailCurve(special.ndtri).at(everywhere())
    assert sha256(found.tobytes()).hexdigest()[:16] == "a6b7bdf8839c78d4"

"""An effect known by its estimate and variance, against the normal distribution."""

from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from trialsim.stats.ranks.effect_intervals import effect_interval
from trialsim.stats.ranks.estimated_effect import IntervalScale, estimated_effect
from trialsim.stats.ranks.mann_whitney import summarise

SCALES: tuple[IntervalScale, ...] = get_args(IntervalScale)


def test_plain_interval_reproduces_cars_1() -> None:
    """Oracle: Muresanu et al. (2016), Stroke 47:151: 0.71, 0.63 to 0.79, P < 0.0001.

    The standard error is that of the null hypothesis without ties, 104 against 101 patients.
    """
    found = estimated_effect(np.array(0.71), np.array(206 / (12 * 104 * 101)))
    assert (round(found.low.item(), 2), round(found.high.item(), 2)) == (0.63, 0.79)
    assert found.p_value < 0.0001


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_plain_interval_and_test_are_those_of_the_normal_distribution(confidence: float) -> None:
    """Oracle: scipy.stats.norm."""
    found = estimated_effect(np.array(0.6), np.array(0.0025), confidence=confidence)
    assert_allclose((found.low, found.high), stats.norm(0.6, 0.05).interval(confidence))
    assert_allclose(found.p_value, 2 * stats.norm.sf(2.0))
    greater = estimated_effect(np.array(0.6), np.array(0.0025), alternative="greater")
    assert_allclose(greater.p_value, stats.norm.sf(2.0))


def test_intervals_are_those_of_a_summary_with_this_variance() -> None:
    """Oracle: effect_interval, methods `delong` and `logit`."""
    summary = summarise(np.array([3.0, 4, 5, 6, 6]), np.array([1.0, 2, 3, 4, 5, 5]))
    plain, logit = (
        estimated_effect(summary.effect, summary.placement_variance, scale) for scale in SCALES
    )
    assert_allclose(plain[2:4], effect_interval(summary, "delong")[:], rtol=1e-12)
    assert_allclose(logit[2:4], effect_interval(summary, "logit")[:], rtol=1e-12)


def test_logit_interval_is_symmetric_on_its_scale_and_stays_inside() -> None:
    found = estimated_effect(np.array([0.5, 0.9, 0.99]), np.full(3, 0.0004), "logit")
    assert np.all((found.low > 0) & (found.high < 1))
    odds = [value / (1 - value) for value in (found.low, found.effect, found.high)]
    assert_allclose(odds[0] * odds[2], odds[1] ** 2)


@pytest.mark.parametrize("interval_scale", ["plain", "logit"])
@pytest.mark.parametrize("variance", [0.0, np.nan])
def test_effect_without_a_variance_says_nothing(interval_scale: Any, variance: float) -> None:
    found = estimated_effect(np.array(0.7), np.array(variance), interval_scale)
    assert_array_equal(found, (0.7, np.nan, 0, 1, 0, 1, np.inf))


@pytest.mark.parametrize("effect", [0.0, 1.0, 1.03])
def test_effect_without_a_logit_has_the_plain_interval(effect: float) -> None:
    plain, logit = (
        estimated_effect(np.array(effect), np.array(0.01), interval_scale)
        for interval_scale in ("plain", "logit")
    )
    assert_array_equal(plain, logit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confidence": 0.0}, r"confidence must lie between 0 and 1 \(got 0.0\)"),
        (
            {"interval_scale": "probit"},
            r"interval_scale must be one of plain, logit \(got 'probit'\)",
        ),
        ({"alternative": "both"}, r"alternative must be one of .* \(got 'both'\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimated_effect(np.array(0.6), np.array(0.01), **arguments)

"""An effect that was pooled or adjusted is known by its estimate and its variance alone.

It may be a Mann-Whitney effect over strata, over scales, or adjusted for covariates. Where its
variance is zero or not known nothing can be said: the standard error is NaN, the interval (0, 1),
z is 0 and the p-value 1.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, divide
from trialsim.stats.monte_carlo import check_choice, check_probability
from trialsim.stats.p_values import Alternative, Standardised, check_alternative

IntervalScale: TypeAlias = Literal["plain", "logit"]


class EstimatedEffect(NamedTuple):
    """A Mann-Whitney effect with its interval and its test of theta = 0.5."""

    effect: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    z: Floats
    p_value: Floats
    degrees_of_freedom: Floats
    """Of Student's distribution; infinite where the normal one is taken."""


def estimated_effect(
    effect: Floats,
    variance: Floats,
    interval_scale: IntervalScale = "plain",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
    degrees_of_freedom: Floats | float = np.inf,
) -> EstimatedEffect:
    """Give an effect its interval and test; z is on the plain scale.

    The effect is held within 0 and 1. The interval is two-sided, on the plain scale (cut at 0 and
    1) or on the logit scale; an effect of 0 or 1 has no logit, and its interval is the plain one.
    Interval and test are by Student's t with the degrees of freedom, the normal unless given.

    >>> found = estimated_effect(np.array(0.62), np.array(0.0016))
    >>> round(found.low.item(), 3), round(found.high.item(), 3), round(found.z.item(), 6)
    (0.542, 0.698, 3.0)
    """
    check_probability("confidence", confidence)
    check_alternative(alternative)
    check_choice("interval_scale", interval_scale, IntervalScale)
    known = (variance > 0) & ~np.isnan(effect)
    error = np.sqrt(np.where(known, variance, np.nan))
    effect = np.clip(effect, 0.0, 1.0)
    centre = np.where(known, effect, 0.5)
    z = np.nan_to_num(divide(centre - 0.5, np.where(known, error, 0.0), 0.0))
    freedom = np.asarray(degrees_of_freedom, np.float64)
    quantile = _quantile((1 + confidence) / 2, freedom)
    low, high = _ends(centre, quantile * np.where(known, error, np.inf), interval_scale)
    p_value = np.where(known, Standardised(z, freedom).p_value(alternative), 1.0)
    freedom = np.broadcast_to(freedom, effect.shape)
    return EstimatedEffect(effect, error, low, high, z, p_value, freedom)


def distance_of_effect(
    effect: Floats,
    standard_error: Floats,
    value: float,
    interval_scale: IntervalScale = "plain",
    degrees_of_freedom: Floats | float = np.inf,
) -> Standardised:
    """Return how far effects lie above a value: the test that their interval inverts.

    It is on the interval's scale, and the standard error is that of the effect itself.

    >>> effect, error = np.array(0.62), np.array(0.04)
    >>> round(distance_of_effect(effect, error, 0.45).statistic.item(), 6)
    4.25
    >>> round(distance_of_effect(effect, error, 0.45, "logit").statistic.item(), 4)
    4.0654
    """
    distance = (effect - value) / standard_error
    if interval_scale == "logit":
        inside = (effect > 0) & (effect < 1)
        safe = np.where(inside, effect, 0.5)
        apart = scipy.special.logit(safe) - scipy.special.logit(value)
        distance = np.where(inside, apart * safe * (1 - safe) / standard_error, distance)
    return Standardised(distance, degrees_of_freedom)


def _quantile(share: float, freedom: Floats) -> Floats:
    finite = np.where(np.isinf(freedom), 1.0, freedom)
    normal, student = scipy.special.ndtri(share), scipy.special.stdtrit(finite, share)
    return np.where(np.isinf(freedom), normal, student)


def _ends(effect: Floats, margin: Floats, interval_scale: IntervalScale) -> tuple[Floats, Floats]:
    low, high = np.clip(effect - margin, 0.0, 1.0), np.clip(effect + margin, 0.0, 1.0)
    if interval_scale == "plain":
        return low, high
    inside = (effect > 0) & (effect < 1)
    safe = np.where(inside, effect, 0.5)
    margin = margin / (safe * (1 - safe))
    return (
        np.where(inside, scipy.special.expit(scipy.special.logit(safe) - margin), low),
        np.where(inside, scipy.special.expit(scipy.special.logit(safe) + margin), high),
    )

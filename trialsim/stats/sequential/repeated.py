"""Intervals and p-values that hold at every look, whether or not the trial stops there.

They need no rule for stopping, only the bounds; the price is width. Jennison and Turnbull (1989),
JRSS B 51:305; (2000), chapter 9. The last axis is the looks.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.roots import roots
from trialsim.stats.sequential.spending import Spending


class Interval(NamedTuple):
    """Limits of an interval at each look, (..., looks)."""

    lower: Floats
    upper: Floats


def repeated_intervals(z: ArrayLike, informations: ArrayLike, bounds: ArrayLike) -> Interval:
    """Return intervals, (..., looks), that hold the effect at all looks at once.

    z, informations and efficacy bounds on z are (..., looks); bounds of a one-sided level alpha
    give the confidence 1 - 2 alpha. An infinite bound says nothing. The effect is in the unit
    whose information is given.

    >>> found = repeated_intervals([1.0, 2.5], [25.0, 50.0], [2.9626, 1.9686])
    >>> found.lower.round(3).tolist(), found.upper.round(3).tolist()
    ([-0.393, 0.075], [0.793, 0.632])
    """
    now, info, bound = (np.asarray(one, float) for one in (z, informations, bounds))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Interval((now - bound) / np.sqrt(info), (now + bound) / np.sqrt(info))


def repeated_p_values(
    z: ArrayLike, fractions: ArrayLike, spending: Spending, sides: int = 1
) -> Floats:
    """Return at each look the smallest alpha whose bound there z would have reached, (..., looks).

    `z` and information `fractions` are (..., looks), NaN for a look not held; the last look held is
    the end. Nothing below 1e-9 or above 1 - 1e-9 is resolved.

    >>> from trialsim.stats.sequential.spending import PocockSpending
    >>> repeated_p_values([2.157, 1.0], [0.5, 1], PocockSpending()).round(4).tolist()
    [0.025, 0.217]
    """
    now, t = np.broadcast_arrays(np.asarray(z, float), np.asarray(fractions, float))
    reached = (np.abs(now) if sides == 2 else now).reshape(-1, t.shape[-1])
    shares = t.reshape(reached.shape)
    found = np.full(reached.shape, np.nan)
    for look in range(t.shape[-1]):
        held = ~np.isnan(reached[:, look] + shares[:, look])
        ends = np.asarray(np.isnan(shares[held, look + 1 :]).all(axis=1))
        if held.any():
            so_far = shares[held, : look + 1]
            found[held, look] = _smallest_alpha(reached[held, look], so_far, ends, spending, sides)
    return found.reshape(t.shape)


def _smallest_alpha(z: Floats, t: Floats, ends: Booleans, spending: Spending, sides: int) -> Floats:
    """Return the alpha (trials,) whose bound at the last of the looks is z."""

    def excess(logit: Floats, trials: Integers) -> Floats:
        alpha = scipy.special.expit(logit)
        bounds = spending_bounds(t[trials], spending, alpha, sides, ends=ends[trials])
        return np.clip(bounds[:, -1], -40, 40) - z[trials]

    limit = np.full(len(z), -scipy.special.logit(1e-9))
    found = roots(excess, -limit, limit)
    beyond = np.where(excess(-limit, np.arange(len(z))) <= 0, -limit, limit)
    return np.asarray(scipy.special.expit(np.where(np.isnan(found), beyond, found)))

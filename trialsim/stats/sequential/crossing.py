"""How often a trial with given bounds stops at each look, and what information that takes.

Axes and fractions as in `boundaries`. An effect is given as its drift: the expected z at full
information, the effect times the square root of the planned information. Jennison and Turnbull
(2000), chapter 19.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats, Integers
from trialsim.stats.sequential.recursion import (
    REACH,
    go_on,
    over_trials,
    probability_above,
    probability_below,
    start,
    steps,
)
from trialsim.stats.sequential.roots import roots


class Crossing(NamedTuple):
    """Probabilities to stop at each look, (..., looks): z at or above the upper bound, or below."""

    efficacy: Floats
    futility: Floats


def crossing_probabilities(
    fractions: ArrayLike, upper: ArrayLike, lower: ArrayLike | None = None, drift: ArrayLike = 0.0
) -> Crossing:
    """Return the probability of each look to be where a trial first leaves its bounds on z.

    `fractions`, `upper` and `lower` broadcast to (..., looks), an infinite bound is never crossed;
    `drift` broadcasts to the axes before. For a two-sided test `lower` is -`upper`. NaN at looks
    that are not held. What the probabilities lack to 1 is to end between the bounds.

    >>> found = crossing_probabilities([0.5, 1], [2.963, 1.969], drift=[0, 3.2415])
    >>> found.efficacy.sum(axis=-1).round(3).tolist()
    [0.025, 0.899]
    """
    t, above = np.asarray(fractions, float), np.asarray(upper, float)
    below = np.asarray(-np.inf if lower is None else lower, float)
    drifts = np.asarray(drift, float)[..., None]
    with np.errstate(invalid="ignore"):
        means = drifts * np.sqrt(t)
    idle = ~np.isnan(t) & np.isposinf(above) & np.isneginf(below)
    lowest, highest = (np.clip(bound - means, -REACH, REACH) for bound in (below, above))
    working = np.where(idle, np.nan, t)
    found = over_trials(_cross, 2, working, lowest, highest, above, below, drifts)
    return Crossing(*(np.asarray(np.where(idle, 0.0, one)) for one in found))


def expected_fraction(fractions: ArrayLike, crossing: Crossing) -> Floats:
    """Return the expected information fraction at which a trial ends, (...,).

    >>> found = crossing_probabilities([0.5, 1], [2.963, 1.969], drift=[0, 3.2415])
    >>> expected_fraction([0.5, 1], found).round(3).tolist()
    [0.999, 0.874]
    """
    t = np.asarray(fractions, float)
    gained = np.diff(np.fmax.accumulate(t, axis=-1), axis=-1, prepend=0.0)
    stopped = np.nan_to_num(crossing.efficacy + crossing.futility).cumsum(axis=-1)
    going = 1 - np.concatenate([np.zeros_like(stopped[..., :1]), stopped[..., :-1]], axis=-1)
    return np.asarray(np.nansum(going * gained, axis=-1))


def drift_for_power(
    fractions: ArrayLike, upper: ArrayLike, power: float, lower: ArrayLike | None = None
) -> Floats:
    """Return the drift (...,) at which trials with these bounds stop for efficacy with that power.

    >>> drift_for_power([0.5, 1], [2.9626, 1.9686], power=0.9).round(3).item()
    3.247
    """
    bounds = upper, -np.inf if lower is None else lower
    arrays = np.broadcast_arrays(*(np.asarray(one, float) for one in (fractions, *bounds)))
    shape = arrays[0].shape
    rows = [one.reshape(-1, shape[-1]) for one in arrays]

    def excess(drift: Floats, trials: Integers) -> Floats:
        t, above, below = (one[trials] for one in rows)
        crossing = crossing_probabilities(t, above, below, drift)
        return np.asarray(np.nansum(crossing.efficacy, axis=-1) - power)

    found = roots(excess, np.full(len(rows[0]), -1.0), np.full(len(rows[0]), 12.0))
    return found.reshape(shape[:-1])


def inflation_factor(drift: ArrayLike, alpha: float, power: float, sides: int = 1) -> Floats:
    """Return the maximum information over that of a fixed test with the same level and power.

    >>> inflation_factor(3.247, alpha=0.025, power=0.9).round(4).item()
    1.0034
    """
    fixed = scipy.special.ndtri(1 - alpha / sides) + scipy.special.ndtri(power)
    return np.asarray(np.asarray(drift, float) ** 2 / fixed**2)


def _cross(
    t: Floats, nodes: list[int], above: Floats, below: Floats, drift: Floats
) -> tuple[Floats, Floats]:
    """Follow z less its mean; return the probabilities to stop above and below, (trials, looks)."""
    uppers, lowers = (bound - drift * np.sqrt(t) for bound in (above, below))
    ongoing = start(len(t))
    over, under = np.empty_like(t), np.empty_like(t)
    for look, step in enumerate(steps(t)):
        upper, lower = uppers[:, look], lowers[:, look]
        over[:, look] = probability_above(ongoing, step, upper)
        under[:, look] = probability_below(ongoing, step, lower)
        if look < len(nodes):
            ongoing = go_on(ongoing, step, lower, upper, nodes[look])
    return over, under

"""Several arms against one control in one or two stages: the chance of any false claim, and bounds.

Magirr, Jaki and Whitehead (2012, Biometrika 99:494): an arm whose z is at most the lower bound is
dropped, one whose z is above the upper bound is claimed, and the trial goes on with all others.
Given the control's means the arms are independent, so that the chance that none is claimed is an
integral over those of a power of one arm's. Sizes are cumulative, in any unit.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats

Shape: TypeAlias = Literal["obrien_fleming", "pocock", "triangular"]
_SHARED: Final = 48
"""Values of the control's mean at each stage (Gauss and Hermite)."""
_INNER: Final = 32
"""Values of an arm's mean between the bounds of the first stage (Gauss and Legendre)."""
_LARGEST: Final = 10.0
"""Beyond any bound on z that is looked for."""


class Arms(NamedTuple):
    """How many arms there are, and how large each and the control is by each stage."""

    number: int
    treated: Sequence[float]
    """Of one arm, cumulative, such as (1, 2)."""
    control: Sequence[float]
    """In the same unit, such as (2, 4) of a control that is twice as large as an arm."""


class Bounds(NamedTuple):
    """On z by stage; at the last stage both are one."""

    upper: Floats
    lower: Floats


def chance_of_any_claim(bounds: Bounds, arms: Arms) -> float:
    """Return the family-wise error rate where no arm differs from the control.

    Raises
    ------
    ValueError
        If there are more than two stages.

    >>> bounds = Bounds(np.array([2.7307, 1.9309]), np.array([0.0, 1.9309]))
    >>> round(chance_of_any_claim(bounds, Arms(2, (1, 2), (1, 2))), 4)
    0.05
    """
    stages = len(arms.treated)
    if stages > 2:
        raise ValueError(f"there must be one or two stages (got {stages})")
    treated, control = np.array(arms.treated, float), np.array(arms.control, float)
    own, shared = np.sqrt(control / (treated + control)), np.sqrt(treated / (treated + control))
    at, weight = np.polynomial.hermite_e.hermegauss(_SHARED)
    weight = weight / weight.sum()
    first = at[:, np.newaxis]
    low, high = ((one[0] + shared[0] * first) / own[0] for one in (bounds.lower, bounds.upper))
    if stages == 1:
        return 1 - float(weight @ scipy.special.ndtr(high[:, 0]) ** arms.number)
    known = np.sqrt(control[0] / control[1])
    second = known * first + np.sqrt(1 - known**2) * at
    limit = (bounds.upper[1] + shared[1] * second) / own[1]
    correlation = float(np.sqrt(treated[0] / treated[1]))
    unclaimed = scipy.special.ndtr(low) + _goes_on(low, high, limit, correlation)
    return 1 - float(weight @ unclaimed**arms.number @ weight)


def _goes_on(low: Floats, high: Floats, limit: Floats, known: float) -> Floats:
    """Return the chance that an arm's mean lies between the first bounds and is never claimed.

    Parameters
    ----------
    known
        The correlation of the arm's means at the two stages.
    """
    total = np.zeros(limit.shape)
    for at, weight in zip(*np.polynomial.legendre.leggauss(_INNER), strict=True):
        mean = low + (high - low) * (at + 1) / 2
        density = np.exp(-(mean**2) / 2) / np.sqrt(2 * np.pi)
        below = scipy.special.ndtr((limit - known * mean) / np.sqrt(1 - known**2))
        total = total + weight * (high - low) / 2 * density * below
    return total


def bounds_of_arms(alpha: float, arms: Arms, shape: Shape, lower: float = 0.0) -> Bounds:
    """Return the bounds whose family-wise error rate is `alpha`, one-sided.

    Parameters
    ----------
    lower
        The lower bound before the last stage, of shapes that leave it open.

    >>> found = bounds_of_arms(0.05, Arms(3, (1, 2), (1, 2)), "pocock")
    >>> found.upper.round(3).tolist(), found.lower.round(3).tolist()
    ([2.279, 2.279], [0.0, 2.279])
    """
    from scipy.optimize import brentq

    fractions = np.array(arms.treated, float) / arms.treated[-1]

    def excess(last: float) -> float:
        return chance_of_any_claim(_shaped(last, fractions, shape, lower), arms) - alpha

    return _shaped(brentq(excess, 0.1, _LARGEST, xtol=1e-10), fractions, shape, lower)


def _shaped(last: float, fractions: Floats, shape: Shape, lower: float) -> Bounds:
    """Return the bounds of a shape, whose last is given."""
    below: Floats = np.full(len(fractions), lower, np.float64)
    match shape:
        case "obrien_fleming":
            above = last / np.sqrt(fractions)
        case "pocock":
            above = np.full(len(fractions), last)
        case "triangular":
            above = last * (1 + fractions) / (2 * np.sqrt(fractions))
            below = last * (3 * fractions - 1) / (2 * np.sqrt(fractions))
    below[-1] = last
    return Bounds(above, below)

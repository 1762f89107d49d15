"""Where a power curve crosses its target, and how far the replicates leave that open.

Near the target the probit of power is nearly linear in an effect, and in the root of the number of
patients. A line is fitted to the probits at a few values, all on the same replicates; its crossing
is the answer. The error is that of the jackknife over blocks of replicates (Efron and Stein 1981,
Annals of Statistics 9:586), which takes the pairing of the values as it is.
"""

from typing import Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats

BLOCKS: Final = 50
"""Blocks of replicates that the jackknife leaves out in turn."""


class Crossing(NamedTuple):
    """The place of a crossing, its Monte Carlo standard error, and the slope in probits there."""

    place: float
    mcse: float
    slope: float

    def interval(self) -> tuple[float, float]:
        """Return the 95% interval by Student's t over the blocks of the jackknife.

        >>> low, high = Crossing(15.0, 0.1, 0.2).interval()
        >>> round(low, 2), round(high, 2)
        (14.8, 15.2)
        """
        half = float(scipy.special.stdtrit(BLOCKS - 1, 0.975)) * self.mcse
        return self.place - half, self.place + half


def crossing(places: Floats, rejected: Floats, target: float) -> Crossing:
    """Fit a line through the probits of power and return where it crosses the target.

    Parameters
    ----------
    places
        At least two places along the curve, shape (places,).
    rejected
        1 where a replicate rejects, 0 where not, NaN where it failed; shape (places, replicates),
        at least as many replicates as blocks.

    >>> rejected = np.repeat([[1.0], [0.0]], 100, axis=1)
    >>> rejected[0, ::2], rejected[1, ::4] = 0.0, 1.0
    >>> crossing(np.array([2.0, 1.0]), rejected, 0.5).place
    2.0
    """
    known = np.isfinite(rejected)
    blocks = np.arange(rejected.shape[1]) * BLOCKS // rejected.shape[1]
    ends = np.flatnonzero(np.diff(blocks, prepend=-1))
    won = np.add.reduceat(np.where(known, rejected, 0.0), ends, axis=1)
    tried = np.add.reduceat(known.astype(float), ends, axis=1)
    place, slope = _line(
        places, won.sum(axis=1, keepdims=True), tried.sum(axis=1, keepdims=True), target
    )
    left_out, _ = _line(
        places,
        won.sum(axis=1, keepdims=True) - won,
        tried.sum(axis=1, keepdims=True) - tried,
        target,
    )
    spread = ((left_out - left_out.mean()) ** 2).sum() * (BLOCKS - 1) / BLOCKS
    return Crossing(place.item(), float(np.sqrt(spread)), slope.item())


def probit(won: Floats, tried: Floats) -> Floats:
    """Return the probit of a share; none and all count as half a replicate from the end.

    >>> probit(np.array([0.0, 50.0]), np.array([100.0, 100.0])).round(3).tolist()
    [-2.576, 0.0]
    """
    shares: Floats = np.asarray(
        scipy.special.ndtri(np.clip(won, 0.5, np.maximum(tried - 0.5, 0.5)) / np.maximum(tried, 1))
    )
    return shares


def _line(places: Floats, won: Floats, tried: Floats, target: float) -> tuple[Floats, Floats]:
    """Return crossing and slope of the lines through each column of powers."""
    heights = probit(won, tried)
    centred = (places - places.mean())[:, None]
    slope = (centred * heights).sum(axis=0) / (centred**2).sum()
    level = float(scipy.special.ndtri(target)) - heights.mean(axis=0)
    flat = slope == 0
    place = places.mean() + np.where(flat, np.nan, level / np.where(flat, 1.0, slope))
    return place, slope

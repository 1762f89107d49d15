"""What a trial that may stop early has shown: p-value, median unbiased estimate and interval.

Outcomes are ordered by stage: to stop for efficacy at an earlier look is more extreme than at a
later one, and at one look the larger z. Tsiatis, Rosner and Mehta (1984), Biometrics 40:797;
Jennison and Turnbull (2000), chapter 8. Under this order the probability of something at least as
extreme needs the bounds of the looks before the stop and nothing of what was planned after it.

Effects are in the unit whose information is given: their estimate from z alone is z over the square
root of the information, and no effect is 0.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.stats.sequential.recursion import (
    REACH,
    Ongoing,
    Step,
    go_on,
    over_trials,
    start,
    steps,
)


class Stagewise(NamedTuple):
    """One-sided p-value against no effect, median unbiased estimate, and interval, each (...,)."""

    p_value: Floats
    estimate: Floats
    lower: Floats
    upper: Floats


def stagewise_inference(
    z: ArrayLike,
    look: ArrayLike,
    informations: ArrayLike,
    bounds: ArrayLike,
    confidence: float = 0.95,
    lower_bounds: ArrayLike | None = None,
) -> Stagewise:
    """Infer from z at the look where a trial stopped, early or at its end.

    `z` and `look` (counted from 0) are (...,); `informations` and the efficacy `bounds` on z that
    were in force, (..., looks), NaN for a look not held. `lower_bounds` are those below which the
    trial had to stop (binding futility, or the lower side of a two-sided test); leave them out
    where the board was free, and the p-value errs to the safe side. NaN where z is.

    Where patients who waited were followed after a stop, put the z and the information of all
    patients in the place of the look's: the look that stopped is left out of the order, those
    before it stay (Sooriyarachchi et al. 2003, Statistics in Medicine 22:1111).

    >>> found = stagewise_inference(2.2, 1, [25.0, 50.0], [2.9626, 1.9686])
    >>> found.p_value.round(4).item(), found.estimate.round(4).item()
    (0.0146, 0.31)
    """
    check_probability("confidence", confidence)
    info, last, place = np.asarray(informations, float), np.asarray(z, float), np.asarray(look)
    last, place = last[..., None], place[..., None]
    looks = np.arange(info.shape[-1])
    stop = looks == place
    reached = np.sum(np.where(stop, info, 0), axis=-1, keepdims=True)
    t = np.where((looks > place) | np.isnan(last) | np.isnan(reached), np.nan, info / reached)
    upper = np.where(stop, last, _known(bounds, np.inf))
    lower = np.where(stop, last, _known(lower_bounds, -np.inf))
    early = np.where(stop, -np.inf, lower)
    p_value = np.nansum(crossing_probabilities(t, upper, early).efficacy, axis=-1)
    estimates = _drifts(
        t, upper, lower, np.array([0.5, (1 - confidence) / 2, (1 + confidence) / 2])
    )
    known = ~np.isnan(t).all(axis=-1)
    effects = (np.asarray(drift / np.sqrt(reached[..., 0])) for drift in estimates)
    return Stagewise(np.where(known, p_value, np.nan), *effects)


def _known(bounds: ArrayLike | None, otherwise: float) -> Floats:
    """Return bounds, those not known being such that no trial crosses them."""
    given = np.asarray(otherwise if bounds is None else bounds, float)
    return np.where(np.isnan(given), otherwise, given)


def _drifts(t: Floats, upper: Floats, lower: Floats, shares: Floats) -> tuple[Floats, ...]:
    """Return the drifts, each (...,), under which what is at least as extreme has these shares.

    The drift is the expected z at the stop, where both bounds are the z that was seen.
    """
    low, high = _brackets(t, upper, lower, shares)
    centre, half = _middle(low, high)
    root = np.sqrt(t)
    reach = REACH + half[..., None] * root
    lowest, highest = (
        np.clip(bound - centre[..., None] * root, -reach, reach) for bound in (lower, upper)
    )
    work = partial(_solve_drifts, shares=shares)
    found = over_trials(work, len(shares), t, lowest, highest, upper, lower)
    return tuple(np.fmax.reduce(one, axis=-1) for one in found)


def _brackets(t: Floats, upper: Floats, lower: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Return drifts below and above those sought, (..., shares), by adding up single looks."""
    looks = np.sum(~np.isnan(t), axis=-1, keepdims=True)
    spare, root = np.maximum(looks, 1), np.sqrt(t)[..., None, :]
    below, above = (scipy.special.ndtri(share / spare)[..., None] for share in (shares, 1 - shares))
    low = np.fmin.reduce((upper[..., None, :] + below) / root, axis=-1)
    high = np.fmax.reduce((lower[..., None, :] - above) / root, axis=-1)
    return low, high


def _middle(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the middle drift of all that is sought, and how far the others may be, (...,)."""
    least, most = low.min(axis=-1), high.max(axis=-1)
    return (least + most) / 2, (most - least) / 2


def _solve_drifts(
    t: Floats, nodes: list[int], upper: Floats, lower: Floats, shares: Floats
) -> tuple[Floats, ...]:
    """Follow the trials once, under the middle drift; any other weighs them anew."""
    low, high = _brackets(t, upper, lower, shares)
    centre, half = _middle(low, high)
    root, way = np.sqrt(t), steps(t)
    uppers, lowers = (bound - centre[:, None] * root for bound in (upper, lower))
    followed = [start(len(t))]
    for look, size in enumerate(nodes):
        reach = REACH + half * root[:, look]
        followed.append(
            go_on(followed[-1], way[look], lowers[:, look], uppers[:, look], size, reach)
        )
    found = []
    for share, least, most in zip(shares, low.T - centre, high.T - centre, strict=True):
        first = np.clip(uppers[:, -1] + scipy.special.ndtri(share), least, most)
        drift = _solve(partial(_at_least, followed, way, root, uppers), share, first, least, most)
        found.append(np.broadcast_to((centre + drift)[:, None], t.shape))
    return tuple(found)


def _at_least(
    followed: list[Ongoing], way: list[Step], root: Floats, uppers: Floats, drift: Floats
) -> tuple[Floats, Floats]:
    """Return the probability of what is at least as extreme, and its slope, at a drift (trials,).

    The drift comes on top of that of the trials followed: the densities of the same z under two
    drifts differ by the factor exp(d sqrt(t) z - d**2 t / 2).
    """
    probability, slope = np.zeros(len(drift)), np.zeros(len(drift))
    before: Floats = np.zeros(len(drift))
    for look, (ongoing, step) in enumerate(zip(followed, way, strict=True)):
        now = root[:, look]
        moved, gain = drift * before, now * step.spread
        score = before[:, None] * (ongoing.z - moved[:, None])
        factor = moved[:, None] * (ongoing.z - moved[:, None] / 2)
        mass = ongoing.mass * np.exp(np.minimum(factor, 700.0))
        place = (step.correlation[:, None] * ongoing.z - uppers[:, look, None]) / step.spread[
            :, None
        ] + (drift * gain)[:, None]
        above = scipy.special.ndtr(place)
        density = np.exp(-0.5 * place**2) / np.sqrt(2 * np.pi)
        probability += (mass * above).sum(axis=1)
        slope += (mass * (score * above + density * gain[:, None])).sum(axis=1)
        before = now
    return probability, slope


def _solve(
    probability: Callable[[Floats], tuple[Floats, Floats]],
    share: float,
    drift: Floats,
    least: Floats,
    most: Floats,
) -> Floats:
    """Return the drifts (trials,) at which a rising probability has the share.

    Newton's method on the probit of the probability, which is nearly straight, within a bracket
    that closes in; by halves where a step would leave it.
    """
    going = np.ones(len(drift), bool)
    wanted = scipy.special.ndtri(share)
    for _ in range(100):
        reached, slope = probability(drift)
        least = np.where(reached < share, drift, least)
        most = np.where(reached < share, most, drift)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            probit = scipy.special.ndtri(reached)
            density = np.exp(-0.5 * probit**2) / np.sqrt(2 * np.pi)
            better = drift - (probit - wanted) * density / slope
        inside = (better >= least) & (better <= most)
        better = np.where(inside, better, (least + most) / 2)
        change = np.abs(better - drift)
        drift = np.where(going, better, drift)
        going &= change > 1e-8
        if not going.any():
            break
    return drift

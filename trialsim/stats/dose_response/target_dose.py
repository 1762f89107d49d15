"""The smallest dose whose effect reaches a target, by a fitted curve, and an interval of it."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.dose_response.curves import Curve, along_shape, parameter_grid
from trialsim.stats.dose_response.shapes import rise

_STEPS: Final = 128
"""Parts of the range of the doses in which the first that reaches the target is looked for."""
_HALVINGS: Final = 40
_TRIED: Final = 100
"""Doses that are tried for an interval; between them it is interpolated."""


class DoseRange(NamedTuple):
    """The doses that an interval holds; NaN where none up to the largest is among them."""

    low: Floats
    high: Floats
    """Infinite where the largest dose is among them, so that nothing bounds it."""


def target_dose(effect: Callable[[Floats], Floats], target: float, top: float) -> Floats:
    """Return the smallest dose that reaches a target, shape (...); NaN where none up to the top.

    Parameters
    ----------
    effect
        Doses, shape (..., doses), to the effect of each trial at them, such as `Curve.at`.

    >>> target_dose(lambda doses: doses / 10 + np.zeros((2, 1)), 1.5, 60.0).round(6).tolist()
    [15.0, 15.0]
    """
    doses = np.linspace(0.0, top, _STEPS + 1)
    reached = effect(doses) >= target
    first = reached.argmax(axis=-1)
    high = doses[first]
    low = doses[np.maximum(first - 1, 0)]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = effect(middle[..., np.newaxis])[..., 0] >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached.any(axis=-1), high, np.nan)


def target_interval(
    curve: Curve,
    doses: Floats,
    effects: Floats,
    whiten: Floats,
    target: float,
    confidence: float,
) -> DoseRange:
    """Return the doses that can be the target dose, by the profile of the fit, in each trial.

    A dose is left out where no curve of the shape that first reaches the target there fits within
    a quantile of chi-squared of the best one (Baayen and Hougaard 2015, Statistics in Medicine
    34:3546): unlike a normal interval it stays within the possible doses, and holds where the fit
    is at the end of a parameter's range.
    """
    top = float(doses.max())
    tried = np.linspace(0.0, top, _TRIED + 1)[1:]
    values = parameter_grid(curve.shape, top, _scale(curve))
    along = along_shape(curve.shape, doses, whiten[..., np.newaxis, :, :], values)
    white = (whiten @ effects[..., np.newaxis])[..., 0]
    product = (along * white[..., np.newaxis, :]).sum(axis=-1)
    size, whole = (along**2).sum(axis=-1), (white**2).sum(axis=-1)
    rises = rise(curve.shape, tried, values) + np.zeros((product.shape[-1], 1))
    excess = np.empty((*whole.shape, _TRIED))
    for place, reached in enumerate(_first_reaching(rises, target)):
        found = size * reached**2 - 2 * product * reached
        excess[..., place] = np.nanmin(found, axis=-1, initial=np.inf) + whole
    allowed = curve.misfit + float(scipy.special.chdtri(1, 1 - confidence))
    return _ends(np.nan_to_num(excess - allowed[..., np.newaxis], nan=np.inf), tried)


def _scale(curve: Curve) -> float:
    return float(curve.parameters[-1].flat[0]) if curve.shape == "beta" else 0.0


def _first_reaching(rises: Floats, target: float) -> Floats:
    """Return the height with which each curve first reaches the target at each dose.

    Shape (doses, curves); NaN where it has reached more at a lower dose.
    """
    before = np.maximum.accumulate(np.insert(rises, 0, 0.0, axis=1), axis=1)[:, :-1]
    least = np.minimum.accumulate(np.insert(rises, 0, 0.0, axis=1), axis=1)[:, :-1]
    first = np.where(rises > 0, before < rises, least > rises)
    return np.asarray(target / np.where(first, rises, np.nan)).T


def _ends(excess: Floats, tried: Floats) -> DoseRange:
    """Return where the excess changes its sign, first and last."""
    held = excess <= 0
    any_held, last = held.any(axis=-1), len(tried) - 1
    low, high = held.argmax(axis=-1), last - held[..., ::-1].argmax(axis=-1)
    at_low = _crossing(excess, tried, np.maximum(low - 1, 0), low)
    at_low = np.where(low == 0, 0.0, at_low)
    at_high = _crossing(excess, tried, np.minimum(high + 1, last), high)
    at_high = np.where(high == last, np.inf, at_high)
    return DoseRange(np.where(any_held, at_low, np.nan), np.where(any_held, at_high, np.nan))


def _crossing(excess: Floats, tried: Floats, outside: Integers, inside: Integers) -> Floats:
    """Return the dose between two at which the excess is 0."""
    out, within = (
        np.take_along_axis(excess, place[..., np.newaxis], axis=-1)[..., 0]
        for place in (outside, inside)
    )
    beyond = np.isfinite(out) & (out > 0)
    share = divide(-within, np.where(beyond, out - within, 0.0), 0.0)
    return np.asarray(tried[inside] + np.clip(share, 0.0, 1.0) * (tried[outside] - tried[inside]))

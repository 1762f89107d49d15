"""The contrasts that find each candidate shape best, and the chance of the largest of them.

Of effects with covariance V the contrast with weights V^-1 f, f being the shape, has the largest
power (Pinheiro et al. 2014, section 2.2). With V = L L', its statistic is the projection of L^-1
effects on the unit vector along L^-1 f. So all of them are projections of one vector of independent
variables; the chance that any exceeds t is the sum, over contrasts, of the chance that it is this
one which exceeds t and is the largest of all, and that is an integral over what lies along its
direction and across it. Fixed points are taken, so that a p-value is the same wherever it is made.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, divide

_ON_CIRCLE: Final = 24
"""Directions across a contrast among three doses; each counts with the opposite one."""
_ON_SPHERE: Final = 192
"""The same among four doses."""
_BEYOND: Final = 512
"""The same among more."""
_ALONG: Final = 8
"""Values of a contrast beyond its statistic (Gauss and Legendre)."""
_SINGULAR: Final = 1e-9
"""The least eigenvalue of a correlation matrix that is not zero but for rounding."""
_ALIKE: Final = 1e-9
"""Contrasts whose correlation is so near 1 are one."""
_FAR: Final = 1e150
"""A length that nothing reaches, whose square is a number."""
_LEAST: Final = 1e-300
"""A chance that is not 0, whose quantile is a number."""


def whitening(covariance: Floats) -> Floats:
    """Return L^-1 of covariances L L', shape (..., doses, doses); NaN where it has no inverse.

    >>> whitening(np.array([[4.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    doses = covariance.shape[-1]
    sizes = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))
    products = sizes[..., :, np.newaxis] * sizes[..., np.newaxis, :]
    correlation = divide(np.nan_to_num(covariance), np.nan_to_num(products), 0.0)
    sound = np.linalg.eigvalsh(correlation)[..., 0] > _SINGULAR
    kept = np.where(sound[..., np.newaxis, np.newaxis], covariance, np.eye(doses))
    inverse = np.linalg.inv(np.linalg.cholesky(kept))
    return np.where(sound[..., np.newaxis, np.newaxis], inverse, np.nan)


def contrast_directions(shapes: Floats, whiten: Floats) -> Floats:
    """Return the unit vector of each shape's contrast, shape (..., shapes, doses).

    Parameters
    ----------
    shapes
        The rise of each shape at the doses, shape (shapes, doses).
    whiten
        See `whitening`.
    """
    along = shapes @ np.swapaxes(whiten, -1, -2)
    return np.asarray(along / np.sqrt((along**2).sum(axis=-1, keepdims=True)))


def optimal_contrasts(shapes: Floats, covariance: Floats) -> Floats:
    """Return the weights of all arms, the control first, with a sum of 0 and of squares of 1.

    >>> found = optimal_contrasts(np.array([[1.0, 3.0]]), np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> found.round(4).tolist()
    [[-0.6172, -0.1543, 0.7715]]
    """
    whiten = whitening(covariance)
    weights = contrast_directions(shapes, whiten) @ whiten
    whole = np.concatenate([-weights.sum(axis=-1, keepdims=True), weights], axis=-1)
    return np.asarray(whole / np.sqrt((whole**2).sum(axis=-1, keepdims=True)))


def contrast_statistics(effects: Floats, whiten: Floats, directions: Floats) -> Floats:
    """Return the statistic of each contrast, shape (..., shapes); 0 is no effect of any dose."""
    white = whiten @ effects[..., np.newaxis]
    return np.asarray((directions @ white)[..., 0])


def chance_of_larger(statistics: Floats, directions: Floats, freedom: Floats) -> Floats:
    """Return the chance that any contrast exceeds each statistic where no dose has an effect.

    Multivariate normal or, with one pooled variance, multivariate t. Of up to four doses the error
    is below 0.3% of the chance, of more below 1%.

    Parameters
    ----------
    statistics
        Shape (..., statistics).
    directions
        Shape (..., shapes, doses), of the same batch; at least two doses.
    freedom
        Degrees of freedom of the variance, shape (...); infinite where it is known.

    >>> alone = np.array([[0.6, 0.8]])
    >>> chance_of_larger(np.array([1.959964]), alone, np.array(np.inf)).round(4).tolist()
    [0.025]
    """
    highest, lowest, counts = _lengths(directions)
    freedom = np.asarray(freedom, np.float64)
    known = [
        _chance(statistics[..., place], highest, lowest, counts, directions.shape[-1], freedom)
        for place in range(statistics.shape[-1])
    ]
    return np.stack(known, axis=-1)


def _lengths(directions: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far from each contrast's direction it stays the largest, and the least.

    The parts across it, for a part along it of one, in each of the fixed directions across it:
    shapes (..., shapes, across). With them which contrasts count, as one that repeats another does
    not.
    """
    shapes, doses = directions.shape[-2:]
    alike = directions @ np.swapaxes(directions, -1, -2)
    before = np.tril(np.ones((shapes, shapes)), -1) > 0
    counts = ~((alike > 1 - _ALIKE) & before).any(axis=-1)
    fixed = np.concatenate([_directions(doses - 1), -_directions(doses - 1)], axis=1)
    across = _turned(directions)[..., 1:] @ fixed
    away = np.maximum(1 - alike, 0.0)[..., np.newaxis]
    itself = (alike > 1 - _ALIKE)[..., np.newaxis]
    ratio = divide(away, across, np.inf)
    highest = np.where(itself, np.inf, ratio).min(axis=-2)
    lowest = np.where(itself, 0.0, ratio).max(axis=-2)
    return highest, lowest, np.asarray(counts, np.float64)


def _turned(directions: Floats) -> Floats:
    """Return all directions as seen from each, which becomes the first axis.

    Shape (..., from, shapes, doses), by Householder's reflection.
    """
    mirror = directions.copy()
    mirror[..., 0] += np.where(mirror[..., 0] < 0, -1.0, 1.0)
    size = (mirror**2).sum(axis=-1)[..., np.newaxis]
    along = directions @ np.swapaxes(mirror, -1, -2)  # (..., shape, from)
    shift = 2 * np.swapaxes(along, -1, -2) / size
    return np.asarray(
        directions[..., np.newaxis, :, :] - shift[..., np.newaxis] * mirror[..., np.newaxis, :]
    )


def _chance(
    statistic: Floats,
    highest: Floats,
    lowest: Floats,
    counts: Floats,
    doses: int,
    freedom: Floats,
) -> Floats:
    """Return the chance that the largest contrast exceeds a statistic, shape (...).

    Above 0 it is the sum over contrasts of the chance that this one exceeds it and is the largest;
    below 0 it is one less the like sum of the chance that all are below.
    """
    at = np.nan_to_num(np.abs(statistic), nan=0.0, posinf=_FAR)
    tail = _tail(at, freedom)
    above = (statistic >= 0)[..., np.newaxis, np.newaxis]
    limit = np.where(above, highest, lowest)
    total = np.zeros(limit.shape[:-2])
    for node, weight in zip(*np.polynomial.legendre.leggauss(_ALONG), strict=True):
        along = _value_of(tail * (1 + node) / 2, freedom)
        within = _shorter(limit, along, doses - 1, freedom)
        inside = np.where(above, within, 1 - within).mean(axis=-1)
        total = total + weight / 2 * (inside * counts).sum(axis=-1)
    chance = np.where(statistic >= 0, tail * total, 1 - tail * total)
    unknown = np.isnan(statistic) | np.isnan(highest).any(axis=(-1, -2))
    return np.where(unknown, 1.0, np.clip(chance, 0.0, 1.0))


def _tail(value: Floats, freedom: Floats) -> Floats:
    """Return the chance of one statistic above a value."""
    normal = np.isinf(freedom)
    of_t = scipy.special.stdtr(np.where(normal, 1.0, freedom), -value)
    return np.where(normal, scipy.special.ndtr(-value), of_t)


def _value_of(tail: Floats, freedom: Floats) -> Floats:
    """Return the value above which one statistic has a chance."""
    normal, kept = np.isinf(freedom), np.maximum(tail, _LEAST)
    of_t = scipy.special.stdtrit(np.where(normal, 1.0, freedom), kept)
    return -np.where(normal, scipy.special.ndtri(kept), of_t)


def _shorter(limit: Floats, along: Floats, doses: int, freedom: Floats) -> Floats:
    """Return the chance that the part across is within a limit, for a part along of one.

    Of a multivariate t the part across, given the one along, is again one, of a freedom more by 1
    (Kotz and Nadarajah 2004, Multivariate t Distributions, section 1.11).
    """
    along, freedom = along[..., np.newaxis, np.newaxis], freedom[..., np.newaxis, np.newaxis]
    squares = np.minimum(limit * along, _FAR) ** 2
    normal = np.isinf(freedom)
    if normal.all():
        return np.asarray(scipy.special.chdtr(doses, squares))
    degrees = np.where(normal, 1.0, freedom)
    scaled = squares * (degrees + 1) / (degrees + along**2) / doses
    of_t = scipy.special.fdtr(doses, degrees + 1, scaled)
    return np.where(normal, scipy.special.chdtr(doses, squares), of_t)


@lru_cache(16)
def _directions(axes: int) -> Floats:
    """Return fixed directions, each for itself and its opposite, shape (axes, directions).

    On the circle they are equally spaced, on the sphere a spiral with the golden section; in more
    dimensions normal quantiles of Sobol's sequence, brought to length one.
    """
    if axes == 1:
        return np.ones((1, 1))
    if axes == 2:
        angles = np.pi * (np.arange(_ON_CIRCLE) + 0.5) / _ON_CIRCLE
        return np.stack([np.cos(angles), np.sin(angles)])
    if axes == 3:
        place = np.arange(_ON_SPHERE) + 0.5
        height, turn = place / _ON_SPHERE, np.pi * (5**0.5 - 1) * place
        width = np.sqrt(1 - height**2)
        return np.stack([width * np.cos(turn), width * np.sin(turn), height])
    from scipy.stats.qmc import Sobol

    uniform = Sobol(axes, scramble=False).random(_BEYOND) + 0.5 / _BEYOND
    normal = scipy.special.ndtri(uniform.T)
    return np.asarray(normal / np.sqrt((normal**2).sum(axis=0)))


def critical_value(directions: Floats, freedom: float, alpha: float) -> float:
    """Return what the largest contrast exceeds with a chance of alpha, of one set of directions.

    >>> round(critical_value(np.array([[1.0]]), np.inf, 0.025), 4)
    1.96
    """

    def above(value: float) -> float:
        chance = chance_of_larger(np.array([value]), directions, np.array(freedom))
        return float(chance[0]) - alpha

    return float(scipy.optimize.brentq(above, 0.0, 50.0, xtol=1e-10))


def significant(
    statistics: Floats, directions: Floats, freedom: Floats, alpha: float
) -> tuple[Floats, Booleans]:
    """Return the adjusted p-value of the largest contrast, and which are significant.

    Adjusted p-values of the others are computed only where the largest is significant.
    """
    p_value = chance_of_larger(statistics.max(axis=-1, keepdims=True), directions, freedom)[..., 0]
    any_of = p_value <= alpha
    which = np.zeros(statistics.shape, np.bool_)
    each = chance_of_larger(statistics[any_of], directions[any_of], freedom[any_of])
    which[any_of] = each <= alpha
    return p_value, which

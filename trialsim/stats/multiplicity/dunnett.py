"""Several arms against one control have tests that are correlated through the control.

Dunnett (1955, JASA 50:1096): the statistics are jointly normal, or Student's t with one pooled
variance, and any two have the correlation of the product of their loadings on what they share. So
given the control's mean they are independent, and every probability is a sum over a few values of
it. The last axis is the arms, all axes before it are batch.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats

_SHARED: Final = 64
"""Values of the control's mean (Gauss and Hermite)."""
_SPREADS: Final = 32
"""Values of the pooled standard deviation (Gauss and Legendre)."""
_TAIL: Final = 1e-9
"""Left out at either end of the standard deviation."""
_MOST_SHARED: Final = 0.995
"""Of a loading: a control so small beside the arms that they all but have one statistic."""


class Law(NamedTuple):
    """The joint distribution of the statistics of several arms where none differs."""

    loadings: Floats
    """Of each statistic on the control's mean, shape (..., arms): any two correlate by their
    product."""
    freedom: Floats | None = None
    """Degrees of freedom of the pooled variance, shape (...); None where it is known."""
    two_sided: bool = False


def loadings_of_sizes(treated: Floats, control: Floats) -> Floats:
    """Return the loadings of arms of these sizes and one variance, shape (..., arms).

    >>> (loadings_of_sizes(np.array([30.0, 30.0]), np.array(30.0)) ** 2).round(3).tolist()
    [0.5, 0.5]
    """
    control = np.asarray(control)[..., np.newaxis]
    return np.asarray(np.sqrt(treated / np.maximum(treated + control, 1.0)))


def loadings_of_correlations(correlations: Floats) -> Floats:
    """Return the loadings on one shared factor of correlations, shape (..., arms, arms).

    Exact for two arms, and for more where one factor explains the correlations; otherwise it is
    Spearman's estimate over all triads (Harman 1976, Modern Factor Analysis, section 7.4).

    >>> shared = np.array([0.6, 0.7, 0.8])
    >>> loadings_of_correlations(shared[:, None] * shared).round(6).tolist()
    [0.6, 0.7, 0.8]
    """
    arms = correlations.shape[-1]
    between = np.nan_to_num(correlations * (1 - np.eye(arms)))
    sums = between.sum(axis=-1)
    if arms < 3:
        return _bounded(np.sqrt(np.maximum(sums, 0.0)))
    squares, others = (between**2).sum(axis=-1), between.sum(axis=(-1, -2))[..., np.newaxis]
    remaining = others - 2 * sums  # twice the sum of the correlations without the arm
    shared = (sums**2 - squares) / np.where(remaining > 0, remaining, np.inf)
    return _bounded(np.sqrt(np.maximum(shared, 0.0)))


def chance_of_any(limits: Floats, law: Law) -> Floats:
    """Return the chance that any statistic reaches its limit where no arm differs, shape (...).

    Parameters
    ----------
    limits
        Shape (..., arms); infinity for an arm that does not count.

    >>> law = Law(np.full(3, 0.5**0.5), two_sided=True)
    >>> chance_of_any(np.full(3, 2.34897), law).round(5).item()
    0.05
    """
    loadings = _bounded(law.loadings)
    if law.freedom is None:
        return _chance(limits, loadings, law.two_sided)
    total = np.zeros(np.broadcast_shapes(limits.shape[:-1], np.shape(law.freedom)))
    for at, weight in _spreads(law.freedom):
        scaled = limits * at[..., np.newaxis]
        total = total + weight * _chance(scaled, loadings, law.two_sided)
    return total


def dunnett(statistics: Floats, law: Law) -> Floats:
    """Adjust the statistics of several arms, shape (..., arms), in a single step.

    >>> dunnett(np.array([2.5, 1.0]), Law(np.full(2, 0.5**0.5))).round(4).tolist()
    [0.0117, 0.2548]
    """
    every = _at(statistics, law)
    return np.stack(
        [chance_of_any(np.repeat(one, every.shape[-1], -1), law) for one in _each(every)], axis=-1
    )


def step_down_dunnett(statistics: Floats, law: Law) -> Floats:
    """Adjust the statistics of several arms, the largest first, each among those not yet rejected.

    Dunnett and Tamhane (1991, Statistics in Medicine 10:939): the closed test by the largest
    statistic of each intersection.

    >>> step_down_dunnett(np.array([2.5, 1.0]), Law(np.full(2, 0.5**0.5))).round(4).tolist()
    [0.0117, 0.1587]
    """
    every = _at(statistics, law)
    rank = np.argsort(np.argsort(-every, axis=-1, kind="stable"), axis=-1, kind="stable")
    adjusted, reached = np.zeros(every.shape), np.zeros(every.shape[:-1])
    for place in range(every.shape[-1]):
        first = rank == place
        largest = np.where(first, every, -np.inf).max(axis=-1, keepdims=True)
        chance = chance_of_any(np.where(rank >= place, largest, np.inf), law)
        reached = np.maximum(reached, chance)
        adjusted = np.where(first, reached[..., np.newaxis], adjusted)
    return adjusted


def statistics_of(p_values: Floats, two_sided: bool) -> Floats:
    """Return the standard normal statistics that have these p-values, by size if two-sided.

    >>> statistics_of(np.array([0.025, 0.05]), two_sided=False).round(2).tolist()
    [1.96, 1.64]
    """
    known = np.where(np.isnan(p_values), 1.0, p_values)
    return np.asarray(-scipy.special.ndtri(known / 2 if two_sided else known))


class Block(NamedTuple):
    """Hypotheses whose joint distribution is known, by their places, and that distribution."""

    places: list[int]
    law: Law


def parametric_test(
    p_values: Floats, weights: Floats, members: Booleans, blocks: Sequence[Block]
) -> Floats:
    """Return the p-value of an intersection by the joint distributions that are known.

    Bretz et al. (2011), section 3.2; Xi, Glimm, Maurer and Bretz (2017, Biometrical Journal
    59:918): the chance that any p-value for its weight is as small as the smallest of them, summed
    over blocks, as nothing is known of the dependence between them.
    """
    own = np.where(members, weights, 0.0)
    some = own > 0
    if not some.any():
        return np.ones(p_values.shape[:-1])
    smallest = np.where(some, p_values / np.where(some, own, 1.0), np.inf).min(axis=-1)
    levels = np.minimum(own * smallest[..., np.newaxis], 1.0)
    chance = sum(
        chance_of_any(statistics_of(levels[..., places], law.two_sided), law)
        for places, law in blocks
        if own[places].any()
    )
    return np.asarray(chance / own.sum())


def _chance(limits: Floats, loadings: Floats, two_sided: bool) -> Floats:
    """Return the chance that any of jointly normal statistics reaches its limit."""
    own = np.sqrt(1 - loadings**2)
    total = np.zeros(np.broadcast_shapes(limits.shape, loadings.shape)[:-1])
    for shared, weight in zip(*_hermite(), strict=True):
        below = scipy.special.ndtr((limits - loadings * shared) / own)
        if two_sided:
            below = below - scipy.special.ndtr((-limits - loadings * shared) / own)
        total = total + weight * np.maximum(below, 0.0).prod(axis=-1)
    return np.clip(1 - total, 0.0, 1.0)


def _at(statistics: Floats, law: Law) -> Floats:
    """Return statistics as they are compared, the least possible for what could not be tested."""
    sizes = np.abs(statistics) if law.two_sided else statistics
    return np.where(np.isnan(sizes), 0.0 if law.two_sided else -np.inf, sizes)


def _each(values: Floats) -> list[Floats]:
    return [values[..., place : place + 1] for place in range(values.shape[-1])]


def _bounded(loadings: Floats) -> Floats:
    """Return loadings at which every chance can be computed; none shared where not known."""
    return np.minimum(np.nan_to_num(loadings), _MOST_SHARED)


@lru_cache(1)
def _hermite() -> tuple[list[float], list[float]]:
    at, weights = np.polynomial.hermite_e.hermegauss(_SHARED)
    return at.tolist(), (weights / weights.sum()).tolist()


def _spreads(freedom: Floats) -> list[tuple[Floats, Floats]]:
    """Return values of the pooled standard deviation, where the true one is 1, and their weights.

    Each has the shape of the degrees of freedom.
    """
    from scipy.stats import chi

    degrees = np.maximum(np.asarray(freedom, float), 1.0)
    root = np.sqrt(degrees)
    low, high = (chi.ppf(end, degrees) / root for end in (_TAIL, 1 - _TAIL))
    middle, half = (low + high) / 2, (high - low) / 2
    found = []
    for at, weight in zip(*np.polynomial.legendre.leggauss(_SPREADS), strict=True):
        spread = middle + half * at
        found.append((spread, weight * half * chi.pdf(spread * root, degrees) * root))
    return found

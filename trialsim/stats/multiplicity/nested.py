"""A subgroup is a part of the overall population, so that the tests of both are correlated.

Where neither population has an effect the two statistics are jointly normal. The intersection is
tested with a share of the level for the overall population, and with all that the correlation then
leaves for the subgroup (Spiessens and Debois 2010, Contemporary Clinical Trials 31:647). Song and
Chi (2007, Statistics in Medicine 26:3535) test the subgroup only where the overall population
reaches a lenient level; its own level is then larger. Behind the intersection each hypothesis is
tested at the whole level (closed test).
"""

from typing import Final

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.multiplicity.dunnett import statistics_of
from trialsim.stats.ranks.mann_whitney import summarise_counts

_STEPS: Final = 12
"""Of Newton's, to rounding."""
_SMALLEST: Final = 1e-300
_LARGEST: Final = 1 - 1e-16
_LEAST: Final = 1e-150
"""Stands in for a limit of exactly 0, at which Owen's formula divides by it."""
_MOST_CORRELATED: Final = 1 - 1e-12


def adjust_nested(
    statistics: Floats,
    correlation: Floats,
    share: float,
    lenient: float = 1.0,
    two_sided: bool = False,
) -> Floats:
    """Adjust the p-values of the overall population and a subgroup, shape (..., 2), in this order.

    Two-sided, both directions are tested at half of each level, so that the overall population can
    only reach the lenient level on the side on which the subgroup is tested.

    Parameters
    ----------
    statistics
        Normal, positive in one direction; NaN for what could not be tested.
    correlation
        Of the two statistics without an effect, shape (...).
    share
        Of the level for the overall population, between 0 and 1.
    lenient
        The p-value of the overall population up to which the subgroup is tested; 1 for any.

    >>> statistics = np.array([1.8, 2.6])
    >>> adjust_nested(statistics, np.array(0.5**0.5), 0.8).round(4).tolist()
    [0.0359, 0.0144]
    >>> adjust_nested(statistics, np.array(0.5**0.5), 0.8, lenient=0.2).round(4).tolist()
    [0.0359, 0.0135]
    """
    known = np.where(np.isnan(statistics), 0.0 if two_sided else -np.inf, statistics)
    sides = 2 if two_sided else 1
    directions = (known, -known) if two_sided else (known,)
    each = [_intersection(one, correlation, share, lenient / sides) for one in directions]
    together = np.minimum(sides * np.minimum.reduce(each), 1.0)
    own = scipy.special.ndtr(-np.abs(known)) * 2 if two_sided else scipy.special.ndtr(-known)
    return np.asarray(np.maximum(np.minimum(own, 1.0), together[..., np.newaxis]))


def subgroup_level(
    alpha: float, share: float, correlation: float, lenient: float = 1.0, two_sided: bool = False
) -> float:
    """Return the level that is left for the subgroup in the test of the intersection.

    >>> round(subgroup_level(0.05, 0.8, 0.5**0.5), 4), round(subgroup_level(0.05, 0.8, 0.0), 4)
    (0.0193, 0.0104)
    """
    from scipy.optimize import brentq

    sides = 2 if two_sided else 1

    def excess(level: float) -> float:
        found = _level_that_leaves(np.array(level), share, lenient / sides, np.array(correlation))
        return float(found) - alpha / sides

    return float(sides * brentq(excess, 0.0, 1.0, xtol=1e-12))


def correlation_of_sizes(overall: Floats, subgroup: Floats) -> Floats:
    """Return the root of the subgroup's share of the information, from patients by arm.

    Parameters
    ----------
    overall, subgroup
        Treated and controls, shape (..., 2).

    >>> correlation_of_sizes(np.array([100.0, 100]), np.array([25.0, 25])).item()
    0.5
    """
    whole, part = (divide(one.prod(axis=-1), one.sum(axis=-1), 0.0) for one in (overall, subgroup))
    return np.asarray(np.sqrt(np.minimum(divide(part, whole, 0.0), 1.0)))


def correlation_of_ranks(overall: Integers, subgroup: Integers) -> Floats:
    """Return the correlation of the Mann-Whitney tests of a population and a part of it.

    It is the root of the share of the information, times the correlation in the subgroup between
    the midranks among all and those in the subgroup, which falls short of 1 where the subgroup
    lies at one end of the scale.

    Parameters
    ----------
    overall, subgroup
        Patients by arm and cell, shape (..., 2, cells).

    >>> counts = np.array([[1000, 1000, 2000], [2000, 1000, 1000]])
    >>> round(correlation_of_ranks(counts, counts // 5).item() ** 2, 3)
    0.2
    """
    sizes = [one.sum(axis=-1) for one in (overall, subgroup)]
    ranks, variances = [], []
    for counts in (overall, subgroup):
        both = counts.sum(axis=-2)
        patients = both.sum(axis=-1, keepdims=True)
        ranks.append(divide(np.cumsum(both, axis=-1) - both / 2, patients, 0.0))
        ties = summarise_counts(counts[..., 0, :], counts[..., 1, :])
        variances.append(np.nan_to_num(ties.null_variance))
    within = subgroup.sum(axis=-2)
    patients = within.sum(axis=-1)
    away = ranks[1] - divide((within * ranks[1]).sum(-1), patients, 0.0)[..., np.newaxis]
    product = divide((within * ranks[0] * away).sum(axis=-1), patients - 1, 0.0)
    per_arm = divide(np.ones(sizes[0].shape), sizes[0], 0.0).sum(axis=-1)
    covariance = product * per_arm
    found = divide(covariance, np.sqrt(variances[0] * variances[1]), 0.0)
    return np.clip(found, 0.0, 1.0)


def signed_statistics(p_values: Floats, upwards: Booleans, two_sided: bool) -> Floats:
    """Return normal statistics with these p-values, two-sided ones with the sign of the effect.

    >>> upwards = np.array([True, False])
    >>> signed_statistics(np.array([0.05, 0.05]), upwards, two_sided=True).round(2).tolist()
    [1.96, -1.96]
    """
    sizes = statistics_of(p_values, two_sided)
    return np.where(upwards, sizes, -sizes) if two_sided else sizes


def _intersection(statistics: Floats, correlation: Floats, share: float, lenient: float) -> Floats:
    """Return the one-sided p-value of the hypothesis that neither population has an effect.

    It is the least level at which either is rejected: that of the overall population for its share,
    or that at which what is left for the subgroup reaches the subgroup's p-value.
    """
    overall, subgroup = np.moveaxis(scipy.special.ndtr(-statistics), -1, 0)
    left = _level_that_leaves(subgroup, share, lenient, np.nan_to_num(correlation))
    by_subgroup = np.where(overall <= lenient, left, 1.0)
    return np.asarray(np.minimum(np.minimum(overall / share, by_subgroup), 1.0))


def _level_that_leaves(
    subgroup: Floats, share: float, lenient: float, correlation: Floats
) -> Floats:
    """Return the level of which as much is left for the subgroup as its one-sided p-value.

    The chance of a rejection is a convex function of the level, so that Newton's steps from a level
    too small rise to the one that is equal to it.
    """
    within = _both(np.array(lenient), subgroup, correlation)
    level = within
    for _ in range(_STEPS):
        own = share * level
        spent = own + np.maximum(within - _both(own, subgroup, correlation), 0.0)
        slope = share * (1 - _given(own, subgroup, correlation))
        level = np.minimum(level + (spent - level) / (1 - slope), 1.0)
    return np.asarray(level)


def _given(overall: Floats, subgroup: Floats, correlation: Floats) -> Floats:
    """Return the chance of a p-value of the subgroup at most as large, given the overall one."""
    rho, h, k = _limits(overall, subgroup, correlation)
    return np.asarray(scipy.special.ndtr((k - rho * h) / np.sqrt(1 - rho**2)))


def _both(first: Floats, second: Floats, correlation: Floats) -> Floats:
    """Return the chance that two one-sided p-values of correlated normals are at most as large.

    Owen (1956, Annals of Mathematical Statistics 27:1075), eq. 2.1.
    """
    rho, h, k = _limits(first, second, correlation)
    spread = np.sqrt(1 - rho**2)
    tails = scipy.special.owens_t(h, (k / h - rho) / spread)
    tails = tails + scipy.special.owens_t(k, (h / k - rho) / spread)
    opposite = np.where(h * k < 0, 0.5, 0.0)
    mean = (scipy.special.ndtr(h) + scipy.special.ndtr(k)) / 2
    return np.asarray(np.clip(mean - tails - opposite, 0.0, np.minimum(first, second)))


def _limits(first: Floats, second: Floats, correlation: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a correlation below 1, and the normal quantiles of two p-values, neither of them 0."""
    h, k = (scipy.special.ndtri(np.clip(p, _SMALLEST, _LARGEST)) for p in (first, second))
    rho = np.minimum(correlation, _MOST_CORRELATED)
    return rho, _not_zero(h), _not_zero(k)


def _not_zero(limits: Floats) -> Floats:
    return np.where(np.abs(limits) < _LEAST, _LEAST, limits)

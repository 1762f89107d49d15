"""Effects of two whole populations, from the histograms that many samples of them leave.

Histograms have the shape (replicates, cells), worst cell first. All pairs of the pooled samples
are compared, those of different replicates too, so an effect is that of the populations and no
mean of estimates. Its Monte Carlo error is by the influence of each replicate, to first order: the
infinitesimal jackknife over replicates, so the two samples of a replicate may be of the same
patients. A replicate of NaN is left out; an arm that is empty in all has no effect, NaN.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import Mean, RatioOfMeans, mean_over_replicates


class Pairs(NamedTuple):
    """The shares of all pairs that the treated win and lose."""

    wins: RatioOfMeans
    losses: RatioOfMeans


def pairs_of_populations(treated: Floats, control: Floats) -> Pairs:
    """Return the shares of pairs in which the treated one is better, and worse.

    >>> wins, losses = pairs_of_populations(np.array([[0.0, 1, 3]]), np.array([[2.0, 1, 1]]))
    >>> wins.mean.estimate.item(), losses.mean.estimate.item()
    (0.6875, 0.0625)
    """
    below, above = _below(control), _below(control[:, ::-1])[::-1]
    better, worse = _below(treated[:, ::-1])[::-1], _below(treated)
    return Pairs(
        _both(_mean(treated, below), _mean(control, better)),
        _both(_mean(treated, above), _mean(control, worse)),
    )


def effect_of_populations(treated: Floats, control: Floats) -> RatioOfMeans:
    """Return the Mann-Whitney effect, ties counted half.

    >>> effect = effect_of_populations(np.array([[0.0, 1, 3]]), np.array([[2.0, 1, 1]]))
    >>> effect.mean.estimate.item()
    0.8125
    """
    wins, losses = pairs_of_populations(treated, control)
    theta = 0.5 + (wins.mean.estimate - losses.mean.estimate) / 2
    return with_influence(theta, (wins.influence - losses.influence) / 2)


def difference_of_means(treated: Floats, control: Floats, points: Floats) -> RatioOfMeans:
    """Return the difference of two means, of the points that each cell stands for.

    >>> points = np.array([0.0, 10, 20])
    >>> found = difference_of_means(np.array([[0.0, 1, 3]]), np.array([[2.0, 1, 1]]), points)
    >>> found.mean.estimate.item()
    10.0
    """
    first, second = _mean(treated, points), _mean(control, points)
    difference = first.mean.estimate - second.mean.estimate
    return with_influence(difference, first.influence - second.influence)


def ratio_of_means(treated: Floats, control: Floats, points: Floats) -> RatioOfMeans:
    """Return the ratio of two means, of the points that each cell stands for.

    >>> points = np.array([0.0, 1.0])
    >>> ratio_of_means(np.array([[1.0, 3]]), np.array([[2.0, 2]]), points).mean.estimate.item()
    1.5
    """
    first, second = _mean(treated, points), _mean(control, points)
    below = np.where(second.mean.estimate > 0, second.mean.estimate, np.nan)
    ratio = first.mean.estimate / below
    return with_influence(ratio, (first.influence - ratio * second.influence) / below)


def odds_ratio_of_means(treated: Floats, control: Floats, points: Floats) -> RatioOfMeans:
    """Return the odds ratio of two shares, of the cells that have one point and not none.

    >>> points = np.array([0.0, 1.0])
    >>> odds_ratio_of_means(np.array([[1.0, 3]]), np.array([[2.0, 2]]), points).mean.estimate.item()
    3.0
    """
    first, second = _mean(treated, points), _mean(control, points)
    t, c = (
        np.where((share > 0) & (share < 1), share, np.nan)
        for share in (first.mean.estimate, second.mean.estimate)
    )
    ratio = t * (1 - c) / (c * (1 - t))
    influence = first.influence / (t * (1 - t)) - second.influence / (c * (1 - c))
    return with_influence(ratio, ratio * influence)


def with_influence(value: Floats, influence: Floats) -> RatioOfMeans:
    """Return a value with the Monte Carlo error that the influences of replicates give."""
    _, mcse, sd = mean_over_replicates(influence)
    return RatioOfMeans(Mean(np.asarray(value), mcse, sd), influence)


def by_slope(found: RatioOfMeans, value: Floats, slope: Floats) -> RatioOfMeans:
    """Return a function of a value, with its slope there (the delta method)."""
    return with_influence(value, slope * found.influence)


def _below(histograms: Floats) -> Floats:
    """Return the share of a population in cells below each, shape (cells,)."""
    pooled = np.nansum(histograms, axis=0)
    total = pooled.sum()
    return np.asarray((np.cumsum(pooled) - pooled) / (total if total > 0 else np.nan))


def _mean(histograms: Floats, points: Floats) -> RatioOfMeans:
    """Return the mean of the points of a population, and the influences on it."""
    known = ~np.isnan(histograms).any(axis=1)
    patients = histograms.sum(axis=1)
    total = patients[known].sum()
    if total == 0:
        return with_influence(np.asarray(np.nan), np.full(len(histograms), np.nan))
    sums = (histograms * points).sum(axis=1)
    mean = np.asarray(sums[known].sum() / total)
    return with_influence(mean, (sums - mean * patients) / (total / known.sum()))


def _both(of_treated: RatioOfMeans, of_control: RatioOfMeans) -> RatioOfMeans:
    """Return a share of pairs, which each population moves while the other stays."""
    return with_influence(of_treated.mean.estimate, of_treated.influence + of_control.influence)

"""A simulated answer is a measurement, so it carries the error that its replicates leave in it.

The last axis of an array of results is replicates. A Monte Carlo standard error is written mcse;
those of a bias, a coverage and a power are in Morris, White and Crowther (2019), Statistics in
Medicine 38:2074, table 6.
"""

import math
from bisect import bisect_left
from typing import Any, Final, NamedTuple, get_args

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Floats


class Proportion(NamedTuple):
    """A share of the replicates (power, coverage, type I error) with its Monte Carlo error."""

    estimate: Floats
    mcse: Floats
    low: Floats
    high: Floats


class Mean(NamedTuple):
    """A mean over replicates, their standard deviation, and the error of the mean."""

    estimate: Floats
    mcse: Floats
    sd: Floats


class Quantile(NamedTuple):
    """A quantile over replicates, such as the median, and the limits of its Monte Carlo error."""

    estimate: Floats
    low: Floats
    high: Floats


class PairedDifference(NamedTuple):
    """The difference of two shares over the same replicates.

    `independent_replicates` is how many replicates of each design, drawn independently, would
    give the same standard error. It is infinite when the designs never
    disagree though their results vary, and the number of pairs when nothing varies.
    """

    estimate: Floats
    mcse: Floats
    low: Floats
    high: Floats
    independent_replicates: Floats


def wilson_interval(
    successes: ArrayLike, replicates: ArrayLike, confidence: float = 0.95
) -> Proportion:
    """Return a share with the score interval of Wilson (1927), JASA 22:209; arguments broadcast.

    Its coverage is near the confidence on average, a little above or below it for each share.
    No replicates leave the estimate and its error NaN and the interval (0, 1).

    >>> [round(x.item(), 4) for x in wilson_interval(8, 10)]
    [0.8, 0.1265, 0.4902, 0.9433]
    """
    x, n = _counts(successes, replicates)
    estimate = x / np.where(n > 0, n, np.nan)
    limits = wilson_limits(x, n, _quantile(confidence))
    return Proportion(estimate, mcse_of_proportion(estimate, n), *limits)


def wilson_limits(x: Floats, n: Floats, quantile: Floats | float) -> tuple[Floats, Floats]:
    """Return the score limits of the share x / n at a normal quantile; (0, 1) without any of n.

    >>> [round(end.item(), 4) for end in wilson_limits(np.array(8.0), np.array(10.0), 1.959964)]
    [0.4902, 0.9433]
    """
    square = quantile**2
    centre = (x + square / 2) / (n + square)
    spread = x * (n - x) / np.maximum(n, 1) + square / 4
    half = np.sqrt(square * spread) / (n + square)
    low = np.where(x > 0, centre - half, 0.0)
    high = np.where(x < n, centre + half, 1.0)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def mcse_of_proportion(proportion: ArrayLike, replicates: ArrayLike) -> Floats:
    """Return the standard error sqrt(p (1 - p) / n) of a power, a coverage or a type I error.

    It is zero for a share of 0 or 1, where only the interval is honest; NaN without replicates.

    >>> mcse_of_proportion(0.9, 10_000).round(6).item()
    0.003
    """
    p, n = np.broadcast_arrays(np.asarray(proportion, float), np.asarray(replicates, float))
    return np.asarray(np.sqrt(p * (1 - p) / np.where(n > 0, n, np.nan)))


def mean_over_replicates(values: Floats) -> Mean:
    """Return the mean over replicates, shape (..., replicates); NaN marks a failed one, left out.

    The mcse is sd / sqrt(n), with the sample SD (n - 1). For two designs on the same replicates
    give the differences: the error is then that of the paired comparison. Without replicates all
    is NaN; with one, the SD and the error.

    >>> mean_over_replicates(np.array([0.6, 0.7, np.nan, 0.8])).estimate.round(12).item()
    0.7
    """
    known = ~np.isnan(values)
    n = known.sum(axis=-1).astype(float)
    mean = np.where(known, values, 0.0).sum(axis=-1) / np.where(n > 0, n, np.nan)
    residuals = np.where(known, values - mean[..., None], 0.0)
    variance = (residuals**2).sum(axis=-1) / np.where(n > 1, n - 1, np.nan)
    return Mean(mean, np.sqrt(variance / np.where(n > 0, n, np.nan)), np.sqrt(variance))


def variance_saved(values: Floats, base: Floats) -> Mean:
    """Return 1 less the ratio of two variances over the same replicates, shape (replicates,).

    Of two estimates of one effect it is the share of patients that the first saves: variances fall
    as their number rises. The mcse is by the influence of each replicate on both, to first order,
    so that it is that of the pairs. NaN in either leaves a replicate out; NaN without spread.

    >>> saved = variance_saved(np.array([1.0, 2, 3, 4]), np.array([2.0, 4, 6, 8]))
    >>> saved.estimate.item(), saved.mcse.round(12).item()
    (0.75, 0.0)
    """
    known = np.isfinite(values) & np.isfinite(base)
    own, other = ((one[known] - one[known].mean()) ** 2 for one in (values, base))
    if known.sum() < 2 or not (other.sum() > 0 and own.sum() > 0):
        return Mean(*(np.asarray(np.nan),) * 3)
    ratio = own.sum() / other.sum()
    influence = ratio * (own / own.mean() - other / other.mean())
    _, mcse, sd = mean_over_replicates(influence)
    return Mean(np.asarray(1 - ratio), mcse, sd)


def quantile_over_replicates(values: Floats, share: float, confidence: float = 0.95) -> Quantile:
    """Return a quantile over replicates, shape (replicates,), with limits from order statistics.

    They hold the quantile of whatever distribution with the confidence at least (Conover 1999,
    Practical Nonparametric Statistics, section 3.2); a limit that too few replicates give is
    infinite. Between two values it lies straight. Infinite values count; NaN marks a failed
    replicate, left out.

    >>> [x.item() for x in quantile_over_replicates(np.arange(101.0), 0.05)]
    [5.0, 0.0, 10.0]
    """
    known = np.sort(values[~np.isnan(values)])
    n = len(known)
    if n == 0:
        return Quantile(*(np.asarray(np.nan),) * 3)
    check_probability("confidence", confidence)
    check_probability("share", share)
    place, chances = (n - 1) * share, [(1 - confidence) / 2, (1 + confidence) / 2]
    below, above = known[math.floor(place)], known[math.ceil(place)]
    part = place - math.floor(place)
    middle = below if below == above else below * (1 - part) + above * part
    # so many values lie below the quantile with the confidence at least
    least, most = (
        bisect_left(range(n), chance, key=lambda count: float(scipy.special.bdtr(count, n, share)))
        for chance in chances
    )
    low, high = known[least - 1] if least else -np.inf, known[most] if most < n else np.inf
    return Quantile(*map(np.asarray, (middle, low, high)))


def geometric_mean(ratios: Floats) -> Mean:
    """Return the mean of ratios by their logarithms, its errors by the delta method.

    A ratio of 0 or infinity has no logarithm and is left out, as NaN is.

    >>> geometric_mean(np.array([0.5, 2.0, np.inf])).estimate.item()
    1.0
    """
    mean = mean_over_replicates(logarithms(ratios))
    centre: Floats = np.exp(mean.estimate)
    return Mean(centre, centre * mean.mcse, centre * mean.sd)


class RatioOfMeans(NamedTuple):
    """The mean of one number over replicates divided by that of another."""

    mean: Mean
    influence: Floats
    """By how much each replicate moves the ratio, times their number; NaN where it has no part."""


def ratio_of_means(over: Floats, under: Floats) -> RatioOfMeans:
    """Return a ratio of two means over replicates, shape (replicates,); NaN is left out.

    Its error is that of the linearised ratio (Cochran 1977, Sampling Techniques, section 2.11).

    >>> ratio_of_means(np.array([0.8, 0.6]), np.array([0.2, 0.4])).mean.estimate.round(12).item()
    2.333333333333
    """
    known = ~(np.isnan(over) | np.isnan(under))
    above, below = (np.where(known, part, 0.0).sum() for part in (over, under))
    ratio = np.asarray(above / below if below > 0 else np.inf if above > 0 else np.nan)
    count = known.sum()
    if not np.isfinite(ratio):
        return RatioOfMeans(Mean(ratio, np.asarray(np.nan), np.asarray(np.nan)), over * np.nan)
    influence = (over - ratio * under) / (below / count)
    _, mcse, sd = mean_over_replicates(influence)
    return RatioOfMeans(Mean(ratio, mcse, sd), influence)


def bias(estimates: Floats, truth: ArrayLike) -> Mean:
    """Return the bias of estimates, shape (..., replicates), for a truth of shape (...).

    A truth that differs between replicates is subtracted before: `mean_over_replicates`.

    >>> bias(np.array([0.6, 0.7, 0.8]), 0.65).estimate.round(12).item()
    0.05
    """
    return mean_over_replicates(estimates - np.asarray(truth, float)[..., None])


def coverage(low: Floats, high: Floats, truth: ArrayLike, confidence: float = 0.95) -> Proportion:
    """Return the share of intervals, shapes (..., replicates), that hold a truth of shape (...).

    Bounds are part of the interval. A replicate with a NaN bound has failed and is left out.
    `confidence` is that of the Monte Carlo interval (Wilson) around the share.

    >>> coverage(np.array([0.5, 0.7]), np.array([0.7, 0.9]), 0.65).estimate.item()
    0.5
    """
    target = np.asarray(truth, float)[..., None]
    known = ~(np.isnan(low) | np.isnan(high))
    held = (low <= target) & (target <= high)
    return wilson_interval(held.sum(axis=-1), known.sum(axis=-1), confidence)


def paired_difference(
    changed: Booleans, base: Booleans, confidence: float = 0.95
) -> PairedDifference:
    """Compare two designs on the same replicates: share of `changed` less share of `base`.

    Shapes (..., replicates). With b replicates won by the change alone and c by the base alone, the
    difference is (b - c) / n and its error sqrt(b + c - (b - c)**2 / n) / n (McNemar's table). The
    interval is that of Agresti and Min (2005), Statistics in Medicine 24:729: half a replicate
    added to each of the four cells, so that it has a width even where the designs never disagree.
    Without replicates the estimate and its error are NaN and the interval is (-1, 1).

    >>> base = np.array([True, True, False, False, False])
    >>> paired_difference(base | np.array([False, False, True, False, False]), base).estimate.item()
    0.2
    """
    quantile = _quantile(confidence)
    changed, base = np.broadcast_arrays(changed, base)
    n = np.asarray(float(base.shape[-1]))
    gained = (changed & ~base).sum(axis=-1).astype(float)
    lost = (base & ~changed).sum(axis=-1).astype(float)
    known = np.where(n > 0, n, np.nan)
    mcse = _paired_error(gained, lost, known)
    shares = (changed.sum(axis=-1) / known, base.sum(axis=-1) / known)
    independent = sum(share * (1 - share) for share in shares)
    centre = (gained - lost) / (n + 2)
    half = quantile * _paired_error(gained + 0.5, lost + 0.5, n + 2)
    empty = n == 0
    return PairedDifference(
        estimate=(gained - lost) / known,
        mcse=mcse,
        low=np.where(empty, -1.0, np.maximum(centre - half, -1.0)),
        high=np.where(empty, 1.0, np.minimum(centre + half, 1.0)),
        independent_replicates=_worth(np.asarray(independent), mcse, n),
    )


def check_probability(name: str, value: float) -> None:
    """Raise ValueError unless the value lies strictly between 0 and 1.

    >>> check_probability("confidence", 0.95)
    """
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1 (got {value})")


def check_choice(name: str, value: str, choices: Any) -> None:
    """Raise ValueError unless the value is one of the words of a `Literal`.

    >>> from typing import Literal
    >>> check_choice("interval", "wald", Literal["wald", "profile"])
    """
    if value not in get_args(choices):
        raise ValueError(f"{name} must be one of {', '.join(get_args(choices))} (got {value!r})")


def _counts(successes: ArrayLike, replicates: ArrayLike) -> tuple[Floats, Floats]:
    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(replicates, float))
    if np.any((x < 0) | (x > n)):
        raise ValueError(f"successes must lie between 0 and replicates (got {x.tolist()})")
    return x, n


def _quantile(confidence: float) -> float:
    check_probability("confidence", confidence)
    return float(scipy.special.ndtri((1 + confidence) / 2))


def _paired_error(gained: Floats, lost: Floats, pairs: Floats) -> Floats:
    return np.sqrt(gained + lost - (gained - lost) ** 2 / pairs) / pairs


def _worth(independent: Floats, mcse: Floats, pairs: Floats) -> Floats:
    """Replicates at which independent designs, of summed variance `independent`, have this mcse."""
    never_disagree = np.where(independent > 0, np.inf, pairs)
    equivalent = independent / np.where(mcse > 0, mcse, np.nan) ** 2
    return np.where(mcse > 0, equivalent, never_disagree)


def without_logarithm(ratios: Floats) -> int:
    """Return how many ratios are 0 or infinite, so that a mean of logarithms leaves them out.

    >>> without_logarithm(np.array([1.0, 0.0, np.inf, np.nan]))
    2
    """
    return int((np.isnan(logarithms(ratios)) & ~np.isnan(ratios)).sum())


def logarithms(ratios: Floats) -> Floats:
    """Return the logarithms of ratios; NaN where they have none.

    >>> logarithms(np.array([1.0, 0.0, np.inf])).tolist()
    [0.0, nan, nan]
    """
    known = np.isfinite(ratios) & (ratios > 0)
    return np.where(known, np.log(np.where(known, ratios, 1.0)), np.nan)


_LEFT_OUT: Final = 0.001


def most_left_out(replicates: int) -> int:
    """Return how many extreme values a mean over replicates may leave out and still stand for all.

    One, or one in a thousand: without them the mean of a normal logarithm is off by 0.003 of its
    standard deviation, less than the Monte Carlo error of 10,000 replicates.

    >>> most_left_out(10_000), most_left_out(600)
    (10, 1)
    """
    return max(1, int(_LEFT_OUT * replicates))

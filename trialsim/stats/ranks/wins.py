"""Win odds and net benefit are the Mann-Whitney effect on other scales; the win ratio drops ties.

A win is a pair of patients in which the treated one does better.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.ranks.effect_intervals import IntervalMethod, effect_interval
from trialsim.stats.ranks.mann_whitney import RankSummary, cell_counts


class WinEstimate(NamedTuple):
    """An estimate and its confidence interval."""

    estimate: Floats
    low: Floats
    high: Floats


class WinRatio(NamedTuple):
    """Pairs won, lost and tied by the treated; wins over losses and its confidence interval."""

    wins: Floats
    losses: Floats
    ties: Floats
    estimate: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    """Of the logarithm of the ratio; infinite where the data set no bound."""


def net_benefit(
    summary: RankSummary, method: IntervalMethod = "logit", confidence: float = 0.95
) -> WinEstimate:
    """Net benefit P(T > C) - P(T < C) = 2 theta - 1, with the interval of theta carried over.

    Buyse (2010), Statistics in Medicine 29:3245; also Somers' d and Cliff's delta. NaN, with the
    interval (-1, 1), when an arm is empty.

    >>> summary = RankSummary(*map(np.array, (0.75, 9, 9, 0.0, 0.05, 0.05)))
    >>> net_benefit(summary).estimate.item()
    0.5
    """
    interval = effect_interval(summary, method, confidence)
    return WinEstimate(*(2 * theta - 1 for theta in (summary.effect, *interval)))


def win_odds(
    summary: RankSummary, method: IntervalMethod = "logit", confidence: float = 0.95
) -> WinEstimate:
    """Win odds theta / (1 - theta), ties split evenly, with the interval of theta carried over.

    Dong et al. (2020), Statistics in Biopharmaceutical Research 12:99; Brunner, Vandemeulebroecke
    and Mutze (2021), Statistics in Medicine 40:3367. Infinite where theta is 1. NaN, with the
    interval (0, infinity), when an arm is empty.

    >>> summary = RankSummary(*map(np.array, (0.75, 9, 9, 0.0, 0.05, 0.05)))
    >>> win_odds(summary).estimate.item()
    3.0
    """
    interval = effect_interval(summary, method, confidence)
    return WinEstimate(*(odds(theta) for theta in (summary.effect, *interval)))


def win_ratio(treated: Floats, control: Floats, confidence: float = 0.95) -> WinRatio:
    """Win ratio of two samples, shapes (..., m) and (..., n), NaN left out: `win_ratio_counts`.

    >>> win_ratio(np.array([3.0, 4, 5, 2]), np.array([1.0, 2, 3, 4])).estimate.item()
    3.3333333333333335
    """
    return win_ratio_counts(*cell_counts(treated, control), confidence)


def win_ratio_counts(treated: Integers, control: Integers, confidence: float = 0.95) -> WinRatio:
    """Win ratio P(T > C) / P(T < C) of counts over the cells of a scale, shapes (..., cells).

    Pocock et al. (2012), European Heart Journal 33:176, with the interval of Bebu and Lachin
    (2016), Biostatistics 17:178: normal on the log scale, its variance by the delta method from the
    U-statistics of wins and losses, with sample variances (n - 1) of each arm's shares. (R's
    BuyseTest divides by n.)

    Without losses the ratio is infinite, without wins 0, with neither NaN. Then, as with fewer than
    two patients in an arm or no variance, the interval is (0, infinity): the data set no bound.

    >>> win_ratio_counts(np.array([0, 1, 3]), np.array([2, 1, 1])).estimate.item()
    11.0
    """
    t, c = (np.asarray(counts, dtype=np.float64) for counts in (treated, control))
    return win_ratio_of_pairs(
        Fought(t, _below(c), _above(c)), Fought(c, _below(t), _above(t)), confidence
    )


class Fought(NamedTuple):
    """How many patients of one arm there are of each kind, and the pairs that each wins and loses.

    A kind is a cell of a scale, or one patient; shape (..., kinds) each.
    """

    patients: Floats
    won: Floats
    lost: Floats


def win_ratio_of_pairs(treated: Fought, control: Fought, confidence: float = 0.95) -> WinRatio:
    """Win ratio of pairs, however they are decided; see `win_ratio_counts`.

    >>> treated = Fought(np.ones(2), np.array([2.0, 1]), np.array([0.0, 1]))
    >>> control = Fought(np.ones(2), np.array([1.0, 0]), np.array([1.0, 2]))
    >>> win_ratio_of_pairs(treated, control).estimate.item()
    3.0
    """
    check_probability("confidence", confidence)
    m, n = treated.patients.sum(axis=-1), control.patients.sum(axis=-1)
    wins = np.einsum("...k,...k->...", treated.patients, treated.won)
    losses = np.einsum("...k,...k->...", treated.patients, treated.lost)
    variance = _sum_variance(treated, wins, losses) + _sum_variance(control, losses, wins)
    error = np.sqrt(np.where((variance > 0) & (wins > 0) & (losses > 0), variance, np.inf))
    margin = float(scipy.special.ndtri((1 + confidence) / 2)) * error
    estimate = np.where(
        losses > 0, divide(wins, losses, np.inf), np.where(wins > 0, np.inf, np.nan)
    )
    centre = np.log(np.where((wins > 0) & (losses > 0), estimate, 1.0))
    return WinRatio(
        wins,
        losses,
        m * n - wins - losses,
        estimate,
        np.exp(centre - margin),
        np.exp(centre + margin),
        error,
    )


def odds(theta: Floats) -> Floats:
    """Return theta / (1 - theta), infinite where theta is 1, NaN where it is not known.

    >>> odds(np.array([0.75, 1.0, np.nan])).tolist()
    [3.0, inf, nan]
    """
    return np.where(np.isnan(theta), np.nan, divide(theta, 1 - theta, np.inf))


def _below(counts: Floats) -> Floats:
    return np.cumsum(counts, axis=-1) - counts


def _above(counts: Floats) -> Floats:
    return np.asarray(counts.sum(axis=-1, keepdims=True) - np.cumsum(counts, axis=-1))


def _sum_variance(arm: Fought, won: Floats, lost: Floats) -> Floats:
    """Variance that an arm adds to log(won / lost), from whole-number sums.

    The derivative by a patient's wins and losses is w / won - l / lost, whose mean is zero.
    """
    patients = arm.patients.sum(axis=-1)
    squares, products, losses = (
        np.einsum("...k,...k->...", arm.patients * one, other)
        for one, other in ((arm.won, arm.won), (arm.won, arm.lost), (arm.lost, arm.lost))
    )
    total = (
        divide(squares, won * won, 0.0)
        - divide(2 * products, won * lost, 0.0)
        + divide(losses, lost * lost, 0.0)
    )
    return divide(patients * total, patients - 1, np.nan)

"""The exact rank test conditions on the ties: all permutations of the labels are equally likely.

Two-sided extremes are the rank sums at least as far from their mean as the observed one, as in R's
`coin`. Under ties, and unequal arms, this may differ from twice the smaller tail.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.p_values import Alternative, check_alternative
from trialsim.stats.ranks.mann_whitney import (
    RankSummary,
    RankTest,
    cell_counts,
    summarise,
    summarise_counts,
)
from trialsim.stats.ranks.reallocation import permuted_counts, tail_share

MOST_PATIENTS = 500


def exact_rank_test(
    treated: Floats, control: Floats, alternative: Alternative = "two-sided"
) -> RankTest:
    """Exact Wilcoxon-Mann-Whitney test of samples, shapes (..., m) and (..., n), NaN left out.

    See `exact_rank_test_counts`.

    >>> test = exact_rank_test(np.array([6.0, 7, 8, 9, 10]), np.array([1.0, 2, 3, 4, 5]))
    >>> round(test.p_value.item(), 6)
    0.007937
    """
    return exact_rank_test_counts(*cell_counts(treated, control), alternative)


def exact_rank_test_counts(
    treated: Integers, control: Integers, alternative: Alternative = "two-sided"
) -> RankTest:
    """Exact Wilcoxon-Mann-Whitney test of counts over the cells of a scale, shapes (..., cells).

    z is the distance of the effect from 0.5 in standard errors of this same distribution. When all
    values are equal, or an arm is empty, every allocation is alike: the p-value is 1.

    Trials with the same ties and sizes share one distribution, that of `rank_sum_distribution`;
    others cost one each: below a millisecond at 8 patients an arm, some 150 at 104. The patients
    are drawn from in two halves, the low and the high ranks, and of their sums only the tail is put
    together. Raises ValueError beyond MOST_PATIENTS in a trial: see `permutation_rank_test`.

    >>> exact_rank_test_counts(np.array([0, 0, 4]), np.array([3, 0, 0])).p_value.round(6).item()
    0.028571
    """
    check_alternative(alternative)
    summary = summarise_counts(treated, control)
    totals = np.asarray(treated) + np.asarray(control)
    patterns = np.concatenate([totals, summary.treated[..., None]], axis=-1)
    rows = patterns.reshape(-1, patterns.shape[-1])
    distinct, which = np.unique(rows, axis=0, return_inverse=True)
    observed = _doubled_rank_sum(treated, totals).reshape(-1)
    p_values = np.ones(len(rows))
    for number, pattern in enumerate(distinct):
        trials = which.reshape(-1) == number
        cells, drawn = pattern[:-1], int(pattern[-1])
        if cells.sum() > 0:
            mean = drawn * (int(cells.sum()) + 1)
            p_values[trials] = _tail(observed[trials], _halves(cells, drawn), mean, alternative)
    return RankTest(summary.effect, _standardised(summary), p_values.reshape(totals.shape[:-1]))


def permutation_rank_test(
    treated: Floats,
    control: Floats,
    permutations: Integers,
    alternative: Alternative = "two-sided",
) -> RankTest:
    """Monte Carlo version of `exact_rank_test`, for arms too large for it.

    `permutations` has shape (..., permutations, m + n) and is drawn by the caller (see
    `permuted_counts`). The observed allocation counts as one more of them, so that the p-value is
    never 0 and the test keeps its level (Phipson and Smyth 2010, Statistical Applications in
    Genetics and Molecular Biology 9:39).

    >>> shuffled = np.argsort(np.random.default_rng(1).random((999, 10)), axis=-1)
    >>> samples = np.array([6.0, 7, 8, 9, 10]), np.array([1.0, 2, 3, 4, 5])
    >>> permutation_rank_test(*samples, shuffled).p_value.item()
    0.014
    """
    check_alternative(alternative)
    summary = summarise(treated, control)
    z = _standardised(summary)
    others = _standardised(summarise_counts(*permuted_counts(treated, control, permutations)))
    return RankTest(summary.effect, z, tail_share(z[..., None], others, alternative))


def rank_sum_distribution(totals: Integers, treated: int) -> tuple[Integers, Floats]:
    """Distribution of twice the midrank sum of `treated` patients drawn from cells of `totals`.

    The shift algorithm of Streitberg and Roehmel (1986), Statistical Software Newsletter 12:10:
    with one more patient of doubled midrank r, the ways to reach a sum s with j treated patients
    are those without them and those that reach s - r with j - 1. Returns the attainable sums in
    order and their probabilities. Raises ValueError beyond MOST_PATIENTS, where it would
    take a gigabyte and minutes: see `permutation_rank_test`.

    >>> sums, chances = rank_sum_distribution(np.array([2, 1]), 2)
    >>> sums.tolist(), chances.round(3).tolist()
    ([6, 9], [0.333, 0.667])
    """
    scores = np.repeat(_doubled_midranks(totals), totals)
    _check_size(scores)
    least = int(scores[0]) if scores.size else 0
    step = _step(scores)
    ways = _ways((scores - least) // step, treated)
    chances = ways[treated] / ways[treated].sum()
    attainable = np.flatnonzero(chances)
    return treated * least + step * attainable, chances[attainable]


class _Halves(NamedTuple):
    """The ways to deal some of the low ranks, and some of the high ones, to each sum of steps."""

    low: Floats  # (drawn of them, sum)
    high: Floats
    least: tuple[int, int]
    """The lowest score of either half."""
    step: int
    drawn: int


def _halves(totals: Integers, drawn: int) -> _Halves:
    scores = np.repeat(_doubled_midranks(totals), totals)
    _check_size(scores)
    parts = scores[: len(scores) // 2], scores[len(scores) // 2 :]
    step = _step(scores)
    least = tuple(int(part[0]) if part.size else 0 for part in parts)
    low, high = (
        _ways((part - first) // step, min(drawn, len(part)))
        for part, first in zip(parts, least, strict=True)
    )
    return _Halves(low, high, (least[0], least[1]), step, drawn)


def _ways(shifts: Integers, most: int) -> Floats:
    """Return the ways to reach each sum with up to `most` of the ascending shifts."""
    ways = np.zeros((most + 1, int(shifts[len(shifts) - most :].sum()) + 1))
    ways[0, 0] = 1.0
    for patient, shift in enumerate(shifts.tolist(), start=1):
        # The highest sum before this patient is of `most` earlier ones, all at most `shift`.
        end = min(most * shift + 1, ways.shape[1])
        rows = min(most, patient)
        ways[1 : rows + 1, shift:end] += ways[:rows, : end - shift].copy()
    return ways


def _check_size(scores: Integers) -> None:
    if len(scores) > MOST_PATIENTS:
        raise ValueError(
            f"an exact test takes at most {MOST_PATIENTS} patients (got {len(scores)})"
        )


def _step(scores: Integers) -> int:
    return max(int(np.gcd.reduce(scores - scores[0])), 1) if scores.size else 1


def _doubled_midranks(totals: Integers) -> Integers:
    return 2 * np.cumsum(totals, axis=-1) - totals + 1


def _doubled_rank_sum(treated: Integers, totals: Integers) -> Integers:
    return np.asarray((treated * _doubled_midranks(totals)).sum(axis=-1))


def _tail(observed: Integers, halves: _Halves, mean: int, alternative: Alternative) -> Floats:
    """Probability of sums at least as extreme as the observed ones, compared as whole numbers."""
    match alternative:
        case "greater":
            return _chance(halves, observed, above=True)
        case "less":
            return _chance(halves, observed, above=False)
        case _:
            away = np.abs(observed - mean)
            both = _chance(halves, mean + away, above=True)
            both = both + _chance(halves, mean - away, above=False)
            return np.where(away > 0, np.minimum(both, 1.0), 1.0)


def _chance(halves: _Halves, bounds: Integers, above: bool) -> Floats:
    """Probability of sums at or above each bound, or at or below it."""
    reached, ways = np.zeros(len(bounds)), 0.0
    of_low = np.arange(halves.low.shape[1])
    most_high = halves.high.shape[0] - 1
    for low in range(max(0, halves.drawn - most_high), halves.low.shape[0]):
        few, many = halves.low[low], halves.high[halves.drawn - low]
        base = low * halves.least[0] + (halves.drawn - low) * halves.least[1]
        steps = bounds - base
        if above:
            needed = -(-steps // halves.step)
            tail = np.append(np.cumsum(many[::-1])[::-1], 0.0)
        else:
            needed = steps // halves.step + 1
            tail = np.append(0.0, np.cumsum(many))
        place = np.clip(needed[:, np.newaxis] - of_low, 0, len(many))
        # A sum, because a matrix product may round otherwise in a batch of another size.
        reached += (few * tail[place]).sum(axis=-1)
        ways += few.sum() * many.sum()
    return np.minimum(reached / ways, 1.0)


def _standardised(summary: RankSummary) -> Floats:
    error = np.nan_to_num(np.sqrt(summary.null_variance))
    return divide(np.nan_to_num(summary.effect - 0.5), error, 0.0)

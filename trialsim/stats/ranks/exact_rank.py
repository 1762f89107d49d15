"""The exact rank test conditions on the ties: every way of dealing the patients is as likely.

Two-sided extremes are the rank sums at least as far from their mean as the observed one, as in R's
`coin`. Under ties, and unequal arms, this may differ from twice the smaller tail.
"""

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

    Trials with the same ties and sizes share one distribution, found by `rank_sum_distribution`;
    others cost one each: below a millisecond at 8 patients an arm, half a second at 104. Raises
    ValueError beyond MOST_PATIENTS in a trial: see `permutation_rank_test`.

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
        cells, dealt = pattern[:-1], int(pattern[-1])
        mean = dealt * (int(cells.sum()) + 1)
        sums, chances = rank_sum_distribution(cells, dealt)
        p_values[trials] = _tail(observed[trials], sums, chances, mean, alternative)
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
    """Distribution of twice the midrank sum of `treated` patients dealt from cells of `totals`.

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
    if len(scores) > MOST_PATIENTS:
        raise ValueError(
            f"an exact test takes at most {MOST_PATIENTS} patients (got {len(scores)})"
        )
    least = int(scores[0]) if scores.size else 0
    step = max(int(np.gcd.reduce(scores - least)), 1) if scores.size else 1
    shifts = (scores - least) // step
    ways = np.zeros((treated + 1, int(shifts[len(shifts) - treated :].sum()) + 1))
    ways[0, 0] = 1.0
    for patient, shift in enumerate(shifts.tolist(), start=1):
        # The highest sum before this patient is of `treated` earlier ones, all at most `shift`.
        end = min(treated * shift + 1, ways.shape[1])
        most = min(treated, patient)
        ways[1 : most + 1, shift:end] += ways[:most, : end - shift].copy()
    chances = ways[treated] / ways[treated].sum()
    attainable = np.flatnonzero(chances)
    return treated * least + step * attainable, chances[attainable]


def _doubled_midranks(totals: Integers) -> Integers:
    return 2 * np.cumsum(totals, axis=-1) - totals + 1


def _doubled_rank_sum(treated: Integers, totals: Integers) -> Integers:
    return np.asarray((treated * _doubled_midranks(totals)).sum(axis=-1))


def _tail(
    observed: Integers, sums: Integers, chances: Floats, mean: int, alternative: Alternative
) -> Floats:
    """Probability of sums at least as extreme as the observed ones, compared as whole numbers."""
    match alternative:
        case "greater":
            extreme = sums >= observed[:, None]
        case "less":
            extreme = sums <= observed[:, None]
        case _:
            extreme = np.abs(sums - mean) >= np.abs(observed[:, None] - mean)
    # A sum, because a matrix product may round otherwise in a batch of another size.
    return np.asarray(np.minimum(np.where(extreme, chances, 0.0).sum(axis=-1), 1.0))


def _standardised(summary: RankSummary) -> Floats:
    error = np.nan_to_num(np.sqrt(summary.null_variance))
    return divide(np.nan_to_num(summary.effect - 0.5), error, 0.0)

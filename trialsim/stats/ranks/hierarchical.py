"""A hierarchical composite compares each pair of patients by the first level that decides it.

Levels stand in the order of their importance, such as death, disability, arm function. At a level a
patient wins who is better by at least its `difference`, or by anything where that is 0; a pair that
no level decides is a tie. Pocock et al. (2012), European Heart Journal 33:176; Buyse (2010),
Statistics in Medicine 29:3245.

With a difference above 0 the order is not transitive, and all pairs are compared. Where every
difference is 0 and every value known, the composite is one rank, and patients are sorted: both ways
count the same pairs, so that they give the same bits.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.ranks.mann_whitney import (
    RankSummary,
    cells_of,
    count,
    look_up,
    variance_of_placements,
)
from trialsim.stats.ranks.wins import Fought, WinRatio, win_ratio_of_pairs

_PAIRS_AT_ONCE: Final = 2**18
"""Pairs of patients that are compared at once: more leave the cache."""


class Known(NamedTuple):
    """Between which two values each patient lies at each level, shape (..., level, patient).

    More is better. The two are one where the value is known; a patient of whom nothing is known at
    a level lies between -infinity and infinity, one who was last seen alive on day 30 died on day
    31 at the earliest. NaN at every level is a place without a patient.
    """

    low: Floats
    high: Floats

    @property
    def there(self) -> Booleans:
        """Which places have a patient, shape (..., patient)."""
        return np.asarray(~np.isnan(self.low[..., 0, :]))


class PairsWon(NamedTuple):
    """The pairs that each patient wins and loses at each level, shape (..., level, patient).

    Whole numbers; 0 for a place without a patient.
    """

    treated_won: Floats
    treated_lost: Floats
    control_won: Floats
    control_lost: Floats
    treated: Booleans
    """Which places have a patient, shape (..., patient)."""
    control: Booleans

    @property
    def wins(self) -> Floats:
        """The pairs that the treated win at each level, shape (..., level)."""
        return np.asarray(self.treated_won.sum(axis=-1))

    @property
    def losses(self) -> Floats:
        """The pairs that the treated lose at each level, shape (..., level)."""
        return np.asarray(self.treated_lost.sum(axis=-1))

    @property
    def pairs(self) -> Floats:
        """How many pairs there are, shape (...)."""
        return np.asarray(1.0 * self.treated.sum(axis=-1) * self.control.sum(axis=-1))


def exactly(values: Floats) -> Known:
    """Return values that are known, shape (..., level, patient).

    >>> exactly(np.array([[3.0, np.nan]])).there.tolist()
    [True, False]
    """
    return Known(values, values)


def pairs_won(treated: Known, control: Known, differences: Sequence[float]) -> PairsWon:
    """Compare each treated patient with each control, level by level.

    Parameters
    ----------
    treated, control
        Of shapes (..., level, m) and (..., level, n), with the same batch.
    differences
        The least difference that decides each level, in units of its values; 0 for any.

    >>> death_then_score = np.array([[90.0, 90, 40], [30, 12, 5]])
    >>> others = np.array([[90.0, 60], [28, 50]])
    >>> found = pairs_won(exactly(death_then_score), exactly(others), [0, 6])
    >>> found.wins.tolist(), found.losses.tolist(), found.pairs.item()
    ([2.0, 0.0], [2.0, 1.0], 6.0)
    """
    exact = all(_is_known(one) for one in (treated, control))
    compare = _by_ranks if exact and not any(differences) else _by_pairs
    won, lost, control_won, control_lost = compare(treated, control, differences)
    return PairsWon(won, lost, control_won, control_lost, treated.there, control.there)


def summarise_pairs(found: PairsWon) -> RankSummary:
    """Summarise the pairs as rank methods need it; their sum over ties is not known, and NaN.

    The effect is P(win) + 0.5 P(tie), its variance that of the placements (a U-statistic). Of
    levels that make one rank it has the bits of `summarise` of that rank.

    >>> found = pairs_won(exactly(np.array([[3.0, 4]])), exactly(np.array([[1.0, 4]])), [0])
    >>> summarise_pairs(found).effect.item()
    0.625
    """
    t, c = (there.astype(np.float64) for there in (found.treated, found.control))
    m, n = t.sum(axis=-1), c.sum(axis=-1)
    doubled = _doubled(found.treated_won, found.treated_lost, t, n)
    doubled_control = _doubled(found.control_won, found.control_lost, c, m)
    known = np.where(m * n > 0, 2.0 * m * n, np.nan)
    return RankSummary(
        effect=doubled.sum(axis=-1) / known,
        treated=m.astype(np.int64),
        control=n.astype(np.int64),
        tie_sum=np.full(m.shape, np.nan),
        treated_variance=variance_of_placements(t, doubled, m, n),
        control_variance=variance_of_placements(c, doubled_control, n, m),
    )


def summarise_with_ties(
    treated: Known,
    control: Known,
    differences: Sequence[float],
    found: PairsWon | None = None,
    *,
    as_stand_in: bool = False,
) -> RankSummary:
    """Summarise the pairs with what stands for the sum over ties, so that V0 is known.

    Each patient's wins less losses among all others, squared and added, give the variance when the
    arms do not differ, given the patients (Gehan 1965, Biometrika 52:203; Mantel 1967, Biometrics
    23:65; Finkelstein and Schoenfeld 1999, Statistics in Medicine 18:1341): of ranks these squares
    are (N**3 - N - sum(t**3 - t)) / 3.

    Parameters
    ----------
    treated, control, differences
        As in `pairs_won`.
    found
        The pairs won between the arms, where they have been counted before.
    as_stand_in
        Whether it is NaN where V0 does not have to stand in for the variance of the placements,
        which is nearly everywhere: patients of one arm are compared for V0 alone.

    >>> arms = np.array([[3.0, 4]]), np.array([[1.0, 4]])
    >>> summarise_with_ties(*map(exactly, arms), [0]).tie_sum.item()
    6.0
    """
    found = pairs_won(treated, control, differences) if found is None else found
    summary = summarise_pairs(found)
    known = summary.placement_variance > 0
    needed = ~known if as_stand_in else np.full_like(known, True)
    squares = np.full(needed.shape, np.nan)
    squares[needed] = sum(
        _squares_of_scores(Known(*(end[needed] for end in arm)), (won - lost)[needed], differences)
        for arm, won, lost in ((treated, *found[:2]), (control, *found[2:4]))
    )
    patients = 1.0 * (summary.treated + summary.control)
    return summary._replace(tie_sum=patients**3 - patients - 3 * squares)


def win_ratio_of(found: PairsWon, confidence: float = 0.95) -> WinRatio:
    """Return the win ratio of all levels together, with the interval of Bebu and Lachin (2016).

    >>> found = pairs_won(exactly(np.array([[3.0, 4]])), exactly(np.array([[1.0, 5]])), [0])
    >>> win_ratio_of(found).estimate.item()
    1.0
    """
    won, lost, control_won, control_lost = (one.sum(axis=-2) for one in found[:4])
    t, c = (there.astype(np.float64) for there in (found.treated, found.control))
    return win_ratio_of_pairs(
        Fought(t, won, lost), Fought(c, control_won, control_lost), confidence
    )


def _squares_of_scores(arm: Known, ahead: Floats, differences: Sequence[float]) -> Floats:
    """Return the sum of squares of an arm's wins less losses, `ahead` of those of the other arm."""
    within = pairs_won(arm, arm, differences)
    scores = (ahead + within.treated_won - within.treated_lost).sum(axis=-2)
    return np.asarray((scores * scores).sum(axis=-1))


def _is_known(one: Known) -> bool:
    return bool(np.array_equal(one.low, one.high, equal_nan=True))


def _doubled(won: Floats, lost: Floats, there: Floats, others: Floats) -> Floats:
    """Return twice the others below each patient, ties counting half; 0 where there is none."""
    return np.asarray(there * (others[..., None] + (won - lost).sum(axis=-2)))


def _by_pairs(treated: Known, control: Known, differences: Sequence[float]) -> list[Floats]:
    """Compare all pairs, some rows of the batch at once."""
    batch, levels = treated.low.shape[:-2], len(differences)
    m, n = treated.low.shape[-1], control.low.shape[-1]
    ends = [one.reshape(math.prod(batch), levels, one.shape[-1]) for one in (*treated, *control)]
    found = [np.zeros((len(ends[0]), levels, width)) for width in (m, m, n, n)]
    for rows, *widths in _alike_in_size(ends[0], ends[2]):
        at = [end[rows, :, :width] for end, width in zip(ends, np.repeat(widths, 2), strict=True)]
        left = np.ones((len(rows), *widths), np.bool_)
        for level, difference in enumerate(differences):
            low, high, other_low, other_high = (end[:, level] for end in at)
            won = left & _beats(low[:, :, None], other_high[:, None, :], difference)
            lost = left & _beats(other_low[:, None, :], high[:, :, None], difference)
            left &= ~(won | lost)
            for place, pairs, axis in ((0, won, 2), (1, lost, 2), (2, lost, 1), (3, won, 1)):
                counted = _how_many(pairs, axis)
                found[place][rows, level, : counted.shape[-1]] = counted
    return [one.reshape(*batch, *one.shape[1:]) for one in found]


def _alike_in_size(treated: Floats, control: Floats) -> Iterator[tuple[Integers, int, int]]:
    """Yield rows of about one size, and how many places of each arm have patients in them.

    The strata of a trial differ in size, and a place without a patient costs as much as one with.
    """
    widths = []
    for arm in (treated, control):
        there = ~np.isnan(arm[:, 0])
        widths.append((there * np.arange(1, 1 + arm.shape[-1])).max(axis=-1, initial=0))
    order = np.argsort(widths[0], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(widths[0][order])) + 1):
        m, n = (int(width[rows].max(initial=0)) for width in widths)
        at_once = max(1, _PAIRS_AT_ONCE // max(1, m * n))
        for start in range(0, len(rows) if m * n else 0, at_once):
            yield rows[start : start + at_once], m, n


def _how_many(pairs: Booleans, axis: int) -> Integers:
    """Return the sum over one axis of the last two, in whole numbers of one byte where they do."""
    if pairs.shape[axis] > np.iinfo(np.uint8).max:
        return np.asarray(pairs.sum(axis=axis))
    return np.asarray(np.einsum("ijk->ij" if axis == 2 else "ijk->ik", pairs.view(np.uint8)))


def _beats(low: Floats, high: Floats, difference: float) -> Booleans:
    """Return whether what is at least `low` is surely better than what is at most `high`."""
    return np.asarray(low >= high + difference if difference > 0 else low > high)


def _by_ranks(treated: Known, control: Known, differences: Sequence[float]) -> list[Floats]:
    """Count pairs by the rank that the levels so far give, one level more at a time."""
    m, widest = treated.low.shape[-1], treated.low.shape[-1] + control.low.shape[-1]
    batch = treated.low.shape[:-2]
    there = np.concatenate([treated.there, control.there], axis=-1)
    rank = np.zeros((*batch, widest))
    found: list[list[Floats]] = [[], [], [], []]
    before = [np.zeros((*batch, width)) for width in (m, m, widest - m, widest - m)]
    for level in range(len(differences)):
        values = np.concatenate([treated.low[..., level, :], control.low[..., level, :]], axis=-1)
        places = cells_of(values)
        rank = np.where(there, rank * (widest + 1) + places, np.nan)
        cells = cells_of(rank)
        rank = cells.astype(np.float64)
        t, c = cells[..., :m], cells[..., m:]
        so_far = [*_beaten(t, count(c, widest)), *_beaten(c, count(t, widest))]
        for place, (now, earlier) in enumerate(zip(so_far, before, strict=True)):
            found[place].append(now - earlier)
        before = so_far
    return [np.stack(one, axis=-2) for one in found]


def _beaten(cells: Integers, others: Integers) -> tuple[Floats, Floats]:
    """Return how many of the others are below and above each patient; 0 where there is none."""
    up_to: Floats = np.cumsum(others, axis=-1).astype(np.float64)
    below, above = up_to - others, up_to[..., -1:] - up_to
    return look_up(below, cells, 0.0), look_up(above, cells, 0.0)

"""All that a two-sample Mann-Whitney method needs is one small summary, and counts give it.

The Mann-Whitney effect is theta = P(T > C) + 0.5 P(T = C), for T a treated and C a control patient:
0.5 is no difference, more is better for the treated. Samples are counts over the cells of their own
distinct values, so samples and counts take one path and give the same bits.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, Values, divide
from trialsim.stats.p_values import Alternative, check_alternative, normal_p_value

_SPAN: Final = 8
"""Times as many cells as patients are counted sooner than patients are sorted."""
MOST_EXACT: Final = 200_000
"""Patients whose sums are exact in floats, the cube of their number among them."""


class RankSummary(NamedTuple):
    """What every Mann-Whitney method needs of a batch of two-sample comparisons.

    An empty arm makes `effect` NaN; an arm with fewer than two patients makes its variance
    NaN: they are not known. The placement of a patient is the share of the other arm below them,
    ties counting half.
    """

    effect: Floats  # theta
    treated: Integers  # patients with a value
    control: Integers
    tie_sum: Floats  # sum over tied groups of t**3 - t, pooled sample
    treated_variance: Floats  # sample variance (n - 1) of the placements of the treated
    control_variance: Floats  # ... and of the controls, among the treated

    @property
    def placement_variance(self) -> Floats:
        """Variance of the effect from the placements, under any hypothesis.

        It is at once that of Sen (1960), DeLong et al. (1988, Biometrics 44:837) and
        Brunner and Munzel (2000). Zero when all patients of each arm have one placement, as in
        complete separation; NaN when an arm has fewer than two patients.
        """
        return divide(self.treated_variance, self.treated, np.nan) + divide(
            self.control_variance, self.control, np.nan
        )

    @property
    def null_variance(self) -> Floats:
        """Variance of the effect when the arms have one distribution, corrected for ties.

        (N + 1 - sum(t**3 - t) / (N (N - 1))) / (12 m n): Lehmann (1975), Nonparametrics, 1.4.
        Zero when all values are equal; NaN when an arm is empty.
        """
        patients = self.treated + self.control
        ties = divide(self.tie_sum, patients * (patients - 1), 0.0)
        return divide(patients + 1 - ties, 12 * self.treated * self.control, np.nan)


class RankTest(NamedTuple):
    """A test of theta = 0.5: the effect, its standardised distance from 0.5, the p-value."""

    effect: Floats
    z: Floats
    p_value: Floats


def summarise(treated: Floats, control: Floats) -> RankSummary:
    """Summarise two samples, shapes (..., m) and (..., n); NaN is a missing value and is left out.

    The batch axes are broadcast. Infinite values are values: -inf is a worst rank.

    >>> summarise(np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4])).effect.item()
    0.875
    """
    return summarise_counts(*cell_counts(treated, control))


def summarise_counts(treated: Integers, control: Integers) -> RankSummary:
    """Summarise counts of patients over the ordered cells of a scale, shapes (..., cells).

    Cells run from worst to best. Bit-identical to `summarise` of the same patients, because all
    sums are of whole numbers; these stay exact up to about 100,000 patients an arm.

    >>> summarise_counts(np.array([0, 1, 3]), np.array([2, 1, 1])).effect.item()
    0.8125
    """
    t, c = (np.asarray(counts, dtype=np.float64) for counts in (treated, control))
    m, n = t.sum(axis=-1), c.sum(axis=-1)
    over_controls, over_treated = _doubled_below(c), _doubled_below(t)
    return RankSummary(
        *_effect_and_ties(_rank_sums(t, c, over_controls)),
        treated_variance=variance_of_placements(t, over_controls, m, n),
        control_variance=variance_of_placements(c, over_treated, n, m),
    )


class RankSums(NamedTuple):
    """What the null test needs of counts: whole numbers, of up to `MOST_EXACT` patients exact."""

    doubled_wins: Floats | Integers
    """Twice the pairs that the treated win, a tie counting half."""
    treated: Integers
    control: Integers
    tie_sum: Floats | Integers


def rank_sums(treated: Integers, control: Integers) -> RankSums:
    """Return the rank sums of counts over the ordered cells of a scale, shapes (..., cells).

    >>> [number.item() for number in rank_sums(np.array([0, 1, 3]), np.array([2, 1, 1]))]
    [26.0, 4, 4, 72.0]
    """
    t, c = (np.asarray(counts, dtype=np.float64) for counts in (treated, control))
    return _rank_sums(t, c, _doubled_below(c))


class NullTest(NamedTuple):
    """What looks at the data need of a comparison: the effect, its z, and its null variance."""

    effect: Floats
    z: Floats
    variance: Floats


def null_test(sums: RankSums) -> NullTest:
    """Return the Mann-Whitney test of counts whose rank sums are given, and no more.

    It is that of `rank_test(summarise_counts(treated, control))`, without the placements.

    >>> null_test(rank_sums(np.array([0, 1, 3]), np.array([2, 1, 1]))).z.round(4).item()
    1.559
    """
    unknown = np.asarray(np.nan)
    summary = RankSummary(*_effect_and_ties(sums), unknown, unknown)
    return NullTest(summary.effect, rank_test(summary).z, summary.null_variance)


def variance_of_placements(
    counts: Floats, doubled: Floats, patients: Floats, others: Floats
) -> Floats:
    """Sample variance of an arm's placements, `doubled` / (2 `others`), from whole-number sums.

    The last axis is cells with so many patients each, or patients, each counted once.

    >>> variance_of_placements(np.ones(3), np.array([0.0, 1, 2]), np.array(3), np.array(1)).item()
    0.25
    """
    weighted = counts * doubled
    total = weighted.sum(axis=-1)
    squares = np.einsum("...k,...k->...", weighted, doubled)
    spread = np.maximum(patients * squares - total * total, 0.0)
    pairs = np.where(patients > 1, patients * (patients - 1.0), 0.0)
    return divide(spread, pairs * (2.0 * others) ** 2, np.nan)


def rank_test(
    summary: RankSummary, alternative: Alternative = "two-sided", continuity: bool = False
) -> RankTest:
    """Wilcoxon-Mann-Whitney test, normal approximation with midranks and tie-corrected variance.

    Lehmann (1975), Nonparametrics, section 1.4. `greater` means that the treated do better.
    With `continuity` the count of won pairs is brought half a pair nearer to its null mean, as in
    R's `wilcox.test` and SciPy's `mannwhitneyu`. When all values are equal, or an arm is empty,
    there is nothing against the null hypothesis: z is 0 and the p-value 1 on every side.

    Under the null hypothesis, with a fifth of the patients at either end of a scale of 0 to 57, it
    rejects at 5% in 4.8%, 4.9% and 4.9% of trials of 8, 20 and 104 patients an arm; with continuity
    in 4.1%, 4.8% and 4.9%.

    >>> samples = np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4])
    >>> round(rank_test(summarise(*samples)).p_value.item(), 6)
    0.079594
    """
    check_alternative(alternative)
    pairs = 1.0 * summary.treated * summary.control
    distance = np.nan_to_num((summary.effect - 0.5) * pairs)
    if continuity:
        distance = _half_a_pair_nearer(distance, alternative)
    error = np.nan_to_num(np.sqrt(summary.null_variance) * pairs)
    z = divide(distance, error, 0.0)
    return RankTest(summary.effect, z, np.where(error > 0, normal_p_value(z, alternative), 1.0))


def mann_whitney(
    treated: Floats,
    control: Floats,
    alternative: Alternative = "two-sided",
    continuity: bool = False,
) -> RankTest:
    """Wilcoxon-Mann-Whitney test of two samples: `rank_test` of their summary.

    >>> mann_whitney(np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3, 4])).effect.item()
    0.875
    """
    return rank_test(summarise(treated, control), alternative, continuity)


def cell_counts(treated: Floats, control: Floats) -> tuple[Integers, Integers]:
    """Count the patients of each arm at each distinct value of the pooled sample, in order.

    Shapes (..., m) and (..., n) give two of (..., m + n), since that many values may differ; cells
    beyond the last distinct value are empty. NaN is not counted.

    >>> treated, control = cell_counts(np.array([2.0, np.nan, 5.0]), np.array([2.0, 1.0]))
    >>> treated.tolist(), control.tolist()
    ([0, 1, 1, 0, 0], [1, 1, 0, 0, 0])
    """
    cells = cells_of(pool(treated, control))
    size, m = cells.shape[-1], treated.shape[-1]
    return count(cells[..., :m], size), count(cells[..., m:], size)


def cells_of(values: Floats) -> Integers:
    """Give each value its place among the distinct ones of the last axis, from 0 upwards.

    NaN is in no cell: its place is the length of the axis, which no value reaches.

    >>> cells_of(np.array([7.0, 1.0, np.nan, 7.0])).tolist()
    [1, 0, 4, 1]
    """
    patients = values.shape[-1]
    steps, span = _whole_steps(values)
    if span is not None and span <= _SPAN * patients:
        taken = np.cumsum(count(steps, span) > 0, axis=-1) - 1
        return look_up(taken, steps, patients)
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    numbers = np.zeros(values.shape, dtype=np.int64)
    np.cumsum(ordered[..., 1:] != ordered[..., :-1], axis=-1, out=numbers[..., 1:])
    cells = np.empty_like(numbers)
    np.put_along_axis(cells, order, numbers, axis=-1)
    return np.where(np.isnan(values), patients, cells)


def _whole_steps(values: Floats) -> tuple[Integers, int | None]:
    """Return values as whole steps above the least of all, and beyond how many no value lies.

    NaN is beyond; None where a value is no whole number, or infinite.
    """
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    least = np.min(values, where=known, initial=np.inf)
    most = np.max(values, where=known, initial=-np.inf)
    distance = float(most) - float(least)
    if not math.isfinite(distance) or not (np.rint(values) == values)[known].all():
        return np.zeros(0, np.int64), None
    span = int(distance) + 1
    return np.where(known, values - least, span).astype(np.int64), span


def look_up(values: Values, cells: Integers, outside: float) -> Values:
    """Give each patient the value of their cell, shapes (..., cells) and (..., patients).

    >>> look_up(np.array([[5, 6], [7, 8]]), np.array([[1, 2, 0], [1, 1, 2]]), -1).tolist()
    [[6, -1, 5], [8, 8, -1]]
    """
    table: Values = np.full((*values.shape[:-1], values.shape[-1] + 1), outside, values.dtype)
    table[..., :-1] = values
    rows = np.arange(table[..., 0].size).reshape((*table.shape[:-1], 1))
    looked_up: Values = table.take(cells + rows * table.shape[-1])
    return looked_up


def count(cells: Integers, size: int) -> Integers:
    """Count the patients in each of `size` cells, shape (..., patients) to (..., size).

    A patient whose cell is `size` is in none.

    >>> count(np.array([[0, 2, 2], [1, 1, 3]]), 3).tolist()
    [[1, 0, 2], [0, 2, 0]]
    """
    batch = cells.shape[:-1]
    trials = int(np.prod(batch))
    offsets = (size + 1) * np.arange(trials).reshape((*batch, 1))
    tally = np.bincount((cells + offsets).ravel(), minlength=trials * (size + 1))
    return tally.reshape((*batch, size + 1))[..., :size]


def pool(treated: Floats, control: Floats) -> Floats:
    """Join two samples along the last axis, the treated first, their batch axes broadcast.

    >>> pool(np.array([[1.0], [2.0]]), np.array([3.0])).tolist()
    [[1.0, 3.0], [2.0, 3.0]]
    """
    batch = np.broadcast_shapes(treated.shape[:-1], control.shape[:-1])
    arms = [np.broadcast_to(arm, batch + arm.shape[-1:]) for arm in (treated, control)]
    return np.concatenate(arms, axis=-1, dtype=np.float64)


def _doubled_below(counts: Floats) -> Floats:
    """Return twice an arm's patients below each cell, ties counting half: a whole number."""
    return np.asarray(2.0 * np.cumsum(counts, axis=-1) - counts)


def _rank_sums(t: Floats, c: Floats, over_controls: Floats) -> RankSums:
    m, n = t.sum(axis=-1), c.sum(axis=-1)
    wins, pooled = np.einsum("...k,...k->...", t, over_controls), t + c
    ties = np.einsum("...k,...k->...", pooled, pooled * pooled - 1.0)
    return RankSums(wins, m.astype(np.int64), n.astype(np.int64), ties)


def _effect_and_ties(sums: RankSums) -> tuple[Floats, Integers, Integers, Floats]:
    """Return the effect, the patients of both arms and the sum over ties."""
    wins, m, n, ties = sums
    return divide(wins, 2.0 * m * n, np.nan), m, n, np.asarray(ties, np.float64)


def _half_a_pair_nearer(distance: Floats, alternative: Alternative) -> Floats:
    match alternative:
        case "greater":
            return distance - 0.5
        case "less":
            return distance + 0.5
        case _:
            return np.asarray(np.sign(distance) * np.maximum(np.abs(distance) - 0.5, 0.0))

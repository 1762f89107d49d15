"""A stratified comparison ranks patients only against those of their own stratum.

Its summary is a `RankSummary` whose last axis is the strata, however made: from samples by
`summarise_strata`, from counts of shape (..., strata, cells) by `summarise_counts`. A stratum with
an empty arm has no weight; where all strata are such, the effect is NaN, z is 0 and the p-value 1.
"""

from typing import Literal, TypeAlias

import numpy as np

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.monte_carlo import check_choice
from trialsim.stats.p_values import Alternative, check_alternative, normal_p_value
from trialsim.stats.ranks.estimated_effect import EstimatedEffect, IntervalScale, estimated_effect
from trialsim.stats.ranks.mann_whitney import RankSummary, RankTest, summarise

StratumWeighting: TypeAlias = Literal[
    "van-elteren", "mantel-haenszel", "pairs", "patients", "equal", "inverse-variance"
]


def stratified_test(
    strata: RankSummary,
    weighting: StratumWeighting = "van-elteren",
    alternative: Alternative = "two-sided",
) -> RankTest:
    """Test that the effect is 0.5 in all strata, with their null variances corrected for ties.

    z = sum w (theta - 0.5) / sqrt(sum w**2 V0). The weighting `van-elteren` gives van Elteren's
    test, `pairs` the sum of the strata's rank sums as they are. When all values of each stratum are
    equal, z is 0 and the p-value 1.

    >>> strata = summarise(np.array([[3.0, 4], [9, 8]]), np.array([[1.0, 4], [5, 7]]))
    >>> round(stratified_test(strata, "pairs").p_value.item(), 4)
    0.1601
    """
    check_alternative(alternative)
    shares = stratum_weights(strata, weighting)
    effect = _weighted_mean(strata.effect, shares)
    variance = (shares**2 * np.nan_to_num(strata.null_variance)).sum(axis=-1)
    z = divide(np.nan_to_num(effect - 0.5), np.sqrt(variance), 0.0)
    return RankTest(effect, z, np.where(variance > 0, normal_p_value(z, alternative), 1.0))


def stratified_effect(
    strata: RankSummary,
    weighting: StratumWeighting = "van-elteren",
    interval_scale: IntervalScale = "plain",
    confidence: float = 0.95,
) -> EstimatedEffect:
    """Estimate the weighted mean of the strata's Mann-Whitney effects, with its interval and test.

    The variance is sum w**2 V with the variances V of the placements, the weights taken as fixed.
    In a stratum where V is zero or not known (complete separation, one patient in an arm) the null
    variance stands in. R's sanon gives the same estimate (`van-elteren`) with another variance, for
    which see `adjusted`.

    >>> strata = summarise(np.array([[3.0, 4], [9, 8]]), np.array([[1.0, 4], [5, 7]]))
    >>> found = stratified_effect(strata)
    >>> round(found.effect.item(), 4), round(found.standard_error.item(), 4)
    (0.8125, 0.2552)
    """
    shares = stratum_weights(strata, weighting)
    variance = (shares**2 * np.nan_to_num(_known_variance(strata))).sum(axis=-1)
    effect = _weighted_mean(strata.effect, shares)
    return estimated_effect(effect, variance, interval_scale, confidence)


def stratum_weights(strata: RankSummary, weighting: StratumWeighting) -> Floats:
    """Return the share of each stratum in the pooled effect; they sum to 1, or are all 0.

    With m treated and n control patients, of N: `van-elteren` m n / (N + 1), the best test when the
    effect is the same everywhere; `mantel-haenszel` m n / N; `pairs` m n; `patients` N; `equal` 1;
    `inverse-variance` 1 / V0, the null variances corrected for ties, which no allocation changes:
    weights from the variances of the placements would favour strata that look precise by chance.
    A stratum in which all values are equal has then no weight.

    >>> strata = summarise(np.array([[3.0, 4], [9, np.nan]]), np.array([[1.0, 4], [5, 7]]))
    >>> stratum_weights(strata, "mantel-haenszel").round(3).tolist()
    [0.6, 0.4]
    """
    return shares_of_strata(strata.treated, strata.control, strata.null_variance, weighting)


def shares_of_strata(
    treated: Floats | Integers,
    control: Floats | Integers,
    null_variance: Floats,
    weighting: StratumWeighting,
) -> Floats:
    """Return the same of strata known by their sizes and null variances, on the last axis.

    >>> sizes = np.array([10.0, 30]), np.array([10.0, 30])
    >>> shares_of_strata(*sizes, np.array([0.02, 0.01]), "patients").tolist()
    [0.25, 0.75]
    """
    m, n = treated, control
    pairs: Floats = 1.0 * m * n
    weights: Floats
    check_choice("weighting", weighting, StratumWeighting)
    match weighting:
        case "van-elteren":
            weights = pairs / (m + n + 1)
        case "mantel-haenszel":
            weights = divide(pairs, m + n, 0.0)
        case "pairs":
            weights = pairs
        case "patients":
            weights = np.where(pairs > 0, m + n, 0.0)
        case "equal":
            weights = np.where(pairs > 0, 1.0, 0.0)
        case "inverse-variance":
            weights = divide(np.ones(m.shape), np.nan_to_num(null_variance), 0.0)
    return divide(weights, weights.sum(axis=-1, keepdims=True), 0.0)


def summarise_strata(
    treated: Floats, control: Floats, treated_stratum: Integers, control_stratum: Integers
) -> RankSummary:
    """Summarise two samples stratum by stratum; the last axis of the summary is the strata.

    >>> strata = summarise_strata(
    ...     np.array([3.0, 9, 8]), np.array([1.0, 5, 7]), np.array([0, 1, 1]), np.array([0, 1, 2])
    ... )
    >>> strata.treated.tolist(), strata.control.tolist()
    ([1, 2, 0], [1, 1, 1])
    """
    strata = 1 + max(stratum.max(initial=-1) for stratum in (treated_stratum, control_stratum))
    return summarise(
        split_by_stratum(treated, treated_stratum, strata),
        split_by_stratum(control, control_stratum, strata),
    )


def split_by_stratum(values: Floats, stratum: Integers, strata: int) -> Floats:
    """Give each stratum a row of its own, (..., patients) to (..., strata, patients).

    The rows have room for the largest stratum. The patients keep their order; NaN fills the rest.
    Two measurements of the same patients are split alike. A patient of a stratum below 0 or not
    below `strata` is in no row.

    >>> split_by_stratum(np.array([3.0, 9, 8]), np.array([0, 1, 1]), 2).tolist()
    [[3.0, nan], [9.0, 8.0]]
    """
    shape = np.broadcast_shapes(values.shape, stratum.shape)
    belongs = stratum[..., np.newaxis, :] == np.arange(strata)[:, np.newaxis]
    belongs = np.broadcast_to(belongs, belongs.shape[:-1] + shape[-1:])
    largest = int(belongs.sum(axis=-1).max(initial=0))
    place = np.where(belongs, np.cumsum(belongs, axis=-1) - 1, 0).sum(axis=-2)
    cells = np.where(belongs.any(axis=-2), stratum * largest + place, strata * largest)
    rows = np.full((*shape[:-1], strata * largest + 1), np.nan)
    cells, values = np.broadcast_to(cells, shape), np.broadcast_to(values, shape)
    np.put_along_axis(rows, cells, values, axis=-1)
    return rows[..., :-1].reshape((*shape[:-1], strata, largest))


def _known_variance(strata: RankSummary) -> Floats:
    placement = strata.placement_variance
    return np.where(placement > 0, placement, strata.null_variance)


def _weighted_mean(effects: Floats, shares: Floats) -> Floats:
    mean = (shares * np.nan_to_num(effects)).sum(axis=-1)
    return np.where(shares.sum(axis=-1) > 0, mean, np.nan)

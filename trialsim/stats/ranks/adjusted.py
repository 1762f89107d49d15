"""Adjustment takes from an effect the part that chance imbalance of the covariates explains.

Randomisation makes the expected imbalance of a covariate zero; the observed one, times its
covariance with the effect over its variance, is what it contributed by chance. No model is assumed:
this is the nonparametric analysis of covariance of Koch et al. (1998, Statistics in Medicine
17:1863), for the Mann-Whitney effect by Kawaguchi, Koch and Wang (2011, Statistics in
Biopharmaceutical Research 3:217), as in R's sanon.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.monte_carlo import check_choice
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.covariances import covariance_of_means, invert
from trialsim.stats.ranks.estimated_effect import EstimatedEffect, estimated_effect
from trialsim.stats.ranks.mann_whitney import RankSummary, summarise
from trialsim.stats.ranks.placements import placements
from trialsim.stats.ranks.stratified import StratumWeighting, split_by_stratum, stratum_weights

AdjustedVariance: TypeAlias = Literal["placement", "u-statistic"]

ROUNDING = 1e-15  # a variance that is zero but for rounding
ONE_STRATUM = np.zeros(1, dtype=np.int64)


class Arm(NamedTuple):
    """The patients of one arm: outcome, baseline covariates and stratum; NaN is missing."""

    outcome: Floats  # (..., patients)
    covariates: Floats  # (..., covariates, patients)
    stratum: Integers = ONE_STRATUM  # (..., patients), numbered from 0


def adjusted_effect(
    treated: Arm,
    control: Arm,
    ranked: Booleans | Sequence[bool],
    weighting: StratumWeighting = "van-elteren",
    variance: AdjustedVariance = "placement",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
    small_samples: bool = True,
) -> EstimatedEffect:
    """Adjust the (stratified) Mann-Whitney effect for imbalance of covariates, in closed form.

    For each covariate `ranked` states whether its imbalance is its own Mann-Whitney effect less
    0.5, or else the difference of its means. Effect f and imbalances g are pooled over the strata
    by the `weighting` of `stratum_weights`, but differences of means always by m n / N, as in a
    two-way analysis of variance. The adjusted effect is f - V_fg V_gg^-1 g, held within 0 and 1,
    and its variance in large samples V_ff - V_fg V_gg^-1 V_gf.

    That variance takes the slopes V_fg V_gg^-1 for known, and is too small in small arms, the more
    so the more covariates there are. As in an analysis of covariance with q covariates that add
    something new and d degrees of freedom without them, which are the patients less the strata and
    one, it is multiplied by d / (d - q) for the slopes fitted and by 1 + g' V_gg^-1 g / d for their
    error at the imbalance that is seen; interval and test are by Student's t with d - q. Where
    d - q is below 1 the effect is not adjusted. Without `small_samples` the variance is that of
    large ones and the distribution normal, as in sanon.

    Variances V: `placement` is sum w**2 (S_T / m + S_C / n) over the strata, as in
    `stratified_effect`, which this is when there are no covariates. `u-statistic` is Koch's and
    sanon's: the patients are one sample, in which arm and stratum are random too.

    A missing outcome or covariate costs only itself. A covariate that is constant or repeats others
    adds nothing. Where the variance is zero or not known, the effect is not adjusted and the null
    variance stands in.

    >>> treated = Arm(np.array([4.0, 5, 7, 9]), np.array([[3.0, 3, 6, 6]]))
    >>> control = Arm(np.array([2.0, 4, 3, 6]), np.array([[1.0, 3, 2, 5]]))
    >>> found = adjusted_effect(treated, control, [False])
    >>> round(found.effect.item(), 4), round(found.standard_error.item(), 4)
    (0.6373, 0.0597)
    """
    check_choice("variance", variance, AdjustedVariance)
    ranks = np.asarray(ranked, dtype=np.bool_)
    covariates = treated.covariates.shape[-2]
    if ranks.size != covariates:
        raise ValueError(f"ranked must state each of {covariates} covariates (got {ranks.size})")
    strata = 1 + max(arm.stratum.max(initial=-1) for arm in (treated, control))
    treated, control = _split(treated, strata), _split(control, strata)
    outcome = summarise(treated.outcome, control.outcome)
    shares = _shares(outcome, weighting, ranks)
    contrasts = _contrasts(treated, control, ranks)
    pooled = (shares * np.nan_to_num(_mean(contrasts[0]))).sum(axis=-2)
    if variance == "placement":
        covariance = _placement_covariance(contrasts, shares, outcome.null_variance)
    else:
        covariance = _u_statistic_covariance(contrasts, shares, pooled)
    patients = sum((~np.isnan(arm.outcome)).sum(axis=(-2, -1)) for arm in (treated, control))
    compared = (shares[..., 0] > 0).sum(axis=-1)
    adjusted, large, left, freedom = _without_imbalance(pooled, covariance, patients - compared - 1)
    null = (shares[..., 0] ** 2 * np.nan_to_num(outcome.null_variance)).sum(axis=-1)
    effect = np.where(shares[..., 0].any(axis=-1), pooled[..., 0], np.nan)
    if not small_samples:
        left, freedom = large, np.full(left.shape, np.inf)
    adjustable = (left > ROUNDING) & (freedom >= 1)
    return estimated_effect(
        np.where(adjustable, adjusted, effect),
        np.where(adjustable, left, null),
        confidence=confidence,
        alternative=alternative,
        degrees_of_freedom=np.where(adjustable, freedom, np.inf),
    )


def _without_imbalance(
    pooled: Floats, covariance: Floats, patients_left: Integers
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the adjusted effect, its variance in large and in small samples, and its freedom.

    The effect f is the first of the estimates.
    """
    with_effect, imbalance = covariance[..., 0, 1:], pooled[..., 1:]
    inverse = invert(covariance[..., 1:, 1:])
    slopes = np.einsum("...i,...ij->...j", with_effect, inverse.matrix)
    distance = np.einsum("...i,...ij,...j->...", imbalance, inverse.matrix, imbalance)
    freedom = patients_left - inverse.rank
    left = covariance[..., 0, 0] - (slopes * with_effect).sum(axis=-1)
    fitted = divide(patients_left, freedom, 1.0) * (1 + divide(distance, patients_left, 0.0))
    return (
        pooled[..., 0] - (slopes * imbalance).sum(axis=-1),
        left,
        np.where(inverse.rank > 0, left * fitted, left),
        np.where(inverse.rank > 0, 1.0 * freedom, np.inf),
    )


def _split(arm: Arm, strata: int) -> Arm:
    """Give each stratum a row of its own: outcome (..., strata, patients), covariates likewise."""
    batch, rows = arm.outcome.shape[:-1], arm.covariates.shape[-2:]
    covariates = np.broadcast_to(arm.covariates, batch + rows)
    split = split_by_stratum(covariates, arm.stratum[..., np.newaxis, :], strata)
    return Arm(
        split_by_stratum(arm.outcome, arm.stratum, strata), np.swapaxes(split, -3, -2), arm.stratum
    )


def _shares(outcome: RankSummary, weighting: StratumWeighting, ranked: Booleans) -> Floats:
    """Weigh the strata for the effect and for each imbalance, (..., strata, 1 + covariates)."""
    by_rank = stratum_weights(outcome, weighting)[..., np.newaxis]
    by_mean = stratum_weights(outcome, "mantel-haenszel")[..., np.newaxis]
    return np.where(np.append(True, ranked), by_rank, by_mean)


def _contrasts(treated: Arm, control: Arm, ranked: Booleans) -> tuple[Floats, Floats]:
    """Compare each patient with the other arm, (..., strata, 1 + covariates, patients).

    The mean over either arm is the effect in the first row, the imbalances in the others.
    """
    by_rank = placements(treated.covariates, control.covariates)
    above_mean = treated.covariates - _mean(control.covariates)[..., np.newaxis]
    below_mean = _mean(treated.covariates)[..., np.newaxis] - control.covariates
    outcome, choose = placements(treated.outcome, control.outcome), ranked[:, np.newaxis]
    return (
        _stack(outcome.treated, np.where(choose, by_rank.treated - 0.5, above_mean)),
        _stack(1 - outcome.control, np.where(choose, 0.5 - by_rank.control, below_mean)),
    )


def _placement_covariance(
    contrasts: tuple[Floats, Floats], shares: Floats, null_variance: Floats
) -> Floats:
    """Sum the covariances of the strata; null variances stand in for what is zero or not known."""
    treated, control = (covariance_of_means(arm) for arm in contrasts)
    covariance = np.nan_to_num(treated + control)
    own = covariance[..., 0, 0]
    covariance[..., 0, 0] = np.where(own > 0, own, np.nan_to_num(null_variance))
    return np.asarray(np.einsum("...si,...sj,...sij->...ij", shares, shares, covariance))


def _u_statistic_covariance(
    contrasts: tuple[Floats, Floats], shares: Floats, pooled: Floats
) -> Floats:
    """N / (N - 1) times the sum of squared influences; Kawaguchi, Koch and Wang (2011)."""
    known = [~np.isnan(arm) & (shares > 0)[..., np.newaxis] for arm in contrasts]
    influences = [
        np.where(here, arm - pooled[..., np.newaxis, :, np.newaxis], 0.0)
        * divide(shares, here.sum(axis=-1), 0.0)[..., np.newaxis]
        for arm, here in zip(contrasts, known, strict=True)
    ]
    treated, control = (np.einsum("...sip,...sjp->...ij", arm, arm) for arm in influences)
    patients = np.sum([here.any(axis=-2).sum(axis=(-2, -1)) for here in known], axis=0)
    scale = divide(patients, patients - 1, 0.0)
    return np.asarray(scale[..., np.newaxis, np.newaxis] * (treated + control))


def _stack(outcome: Floats, covariates: Floats) -> Floats:
    return np.concatenate([outcome[..., np.newaxis, :], covariates], axis=-2)


def _mean(rows: Floats) -> Floats:
    known = ~np.isnan(rows)
    return divide(np.where(known, rows, 0.0).sum(axis=-1), known.sum(axis=-1), np.nan)

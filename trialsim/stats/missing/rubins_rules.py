"""Imputed data sets disagree by what is not known, and Rubin's rules add that to the variance.

The first axis is imputations; the others are a batch.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, stdtrit

from trialsim.arrays import Floats, divide
from trialsim.stats.monte_carlo import check_choice, check_probability
from trialsim.stats.p_values import Alternative, check_alternative, t_p_value
from trialsim.stats.ranks.estimated_effect import IntervalScale


class PooledEstimate(NamedTuple):
    """An estimate over imputations, its variance, and how much of it is due to missing values."""

    estimate: Floats
    variance: Floats
    within: Floats  # mean variance of the imputed data sets
    between: Floats  # variance of their estimates
    degrees_of_freedom: Floats
    fraction_missing: Floats  # fraction of missing information


class ImputedEffect(NamedTuple):
    """A Mann-Whitney effect over imputations, its interval and its test of theta = 0.5."""

    effect: Floats
    standard_error: Floats  # of the effect, on the plain scale
    low: Floats
    high: Floats
    t: Floats
    degrees_of_freedom: Floats
    p_value: Floats
    fraction_missing: Floats


def pool_estimates(
    estimates: Floats, variances: Floats, complete_freedom: Floats | float = np.inf
) -> PooledEstimate:
    """Pool estimates and their variances, shapes (imputations, ...), by Rubin's rules.

    Rubin (1987), Multiple Imputation, section 3.3: the variance is U + (1 + 1/k) B. The degrees of
    freedom are those of Barnard and Rubin (1999, Biometrika 86:948) for data with
    `complete_freedom` if nothing were missing; infinite is Rubin's own. (R's mice takes the missing
    share of the variance to be at least 1e-4 there, this does not.) At least two imputations.

    >>> pooled = pool_estimates(np.array([2.1, 2.5, 1.9, 2.4, 2.2]), np.full(5, 0.8))
    >>> pooled.estimate.round(6).item(), pooled.variance.round(6).item()
    (2.22, 0.8684)
    """
    imputations = estimates.shape[0]
    if imputations < 2:
        raise ValueError(f"imputations must be at least 2 (got {imputations})")
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    extra = (1 + 1 / imputations) * between
    total = within + extra
    share = divide(extra, total, 0.0)
    rubin = divide(np.full(share.shape, imputations - 1.0), share**2, np.inf)
    observed = _observed_freedom(np.asarray(complete_freedom, float), share)
    freedom = np.where(observed > 0, 1 / (1 / rubin + divide(np.ones(()), observed, np.inf)), 0.0)
    # (r + 2 / (df + 3)) / (1 + r), for the relative increase r = share / (1 - share).
    missing = share + (1 - share) * 2 / (freedom + 3)
    return PooledEstimate(estimates.mean(axis=0), total, within, between, freedom, missing)


def pool_estimated_effects(
    effect: Floats,
    variance: Floats,
    complete_freedom: Floats,
    scale: IntervalScale = "logit",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> ImputedEffect:
    """Pool Mann-Whitney effects of imputed trials by their variances.

    Effects and variances have the shape (imputations, ...), the degrees of freedom if nothing were
    missing (...). They are pooled on the logit scale (variance divided by (theta (1 - theta))**2)
    or on the plain one (the interval then cut at 0 and 1); interval and test are Student's, on that
    scale. When any imputed trial is without variance (complete separation, all values equal, fewer
    than two patients in an arm) nothing can be said: the effect is the plain mean, the interval
    (0, 1) and the p-value 1.

    >>> effects, variances = np.array([0.7, 0.72]), np.array([0.002, 0.002])
    >>> round(pool_estimated_effects(effects, variances, np.array(98.0)).effect.item(), 4)
    0.7101
    """
    check_probability("confidence", confidence)
    check_alternative(alternative)
    check_choice("scale", scale, IntervalScale)
    inside = (effect > 0) & (effect < 1) & (variance > 0)
    known = inside.all(axis=0)
    effects = np.where(inside, effect, 0.5)
    variances = np.where(inside, variance, 1.0)
    slope = effects * (1 - effects) if scale == "logit" else np.ones_like(effects)
    values = logit(effects) if scale == "logit" else effects - 0.5
    pooled = pool_estimates(values, variances / slope**2, complete_freedom)
    freedom = pooled.degrees_of_freedom
    error = np.sqrt(pooled.variance)
    half = stdtrit(freedom, (1 + confidence) / 2) * error
    t = np.where(known, pooled.estimate / error, 0.0)
    centre = np.where(known, _effect(pooled.estimate, scale), effect.mean(axis=0))
    back = centre * (1 - centre) if scale == "logit" else 1.0
    return ImputedEffect(
        effect=centre,
        standard_error=np.where(known, error * back, np.nan),
        low=np.where(known, _effect(pooled.estimate - half, scale), 0.0),
        high=np.where(known, _effect(pooled.estimate + half, scale), 1.0),
        t=t,
        degrees_of_freedom=np.where(known, freedom, np.nan),
        p_value=np.where(known, t_p_value(t, freedom, alternative), 1.0),
        fraction_missing=np.where(known, pooled.fraction_missing, np.nan),
    )


def _observed_freedom(complete: Floats, share: Floats) -> Floats:
    """Degrees of freedom that are left when a share of the variance is due to missing values."""
    finite = np.where(np.isinf(complete), 1.0, complete)
    shrunk = np.where(np.isinf(complete), np.inf, (finite + 1) / (finite + 3) * finite)
    return np.where(share < 1, shrunk * np.where(share < 1, 1 - share, 1.0), 0.0)


def _effect(value: Floats, scale: IntervalScale) -> Floats:
    return np.asarray(expit(value) if scale == "logit" else np.clip(value + 0.5, 0.0, 1.0))

"""Studies are pooled from one estimate and one variance each; what differs is how they are weighed.

Estimates and variances have shape (..., studies). A study whose estimate is NaN, or whose variance
is not above 0 (it does not say how precise it is), is left out. Where nothing can be known, as the
heterogeneity of a single study, the interval is the whole line and the p-value 1; where no study
is left, the estimate is NaN as well. A Mann-Whitney effect is pooled with a variance of its
`RankSummary` and compared with `null=0.5`; for a standardised mean difference see `hedges_g`.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.monte_carlo import check_choice, check_probability

Tau2Method: TypeAlias = Literal["dersimonian-laird", "paule-mandel"]
Reference: TypeAlias = Literal["normal", "hartung-knapp", "hartung-knapp-at-least-normal"]

ROUNDING = 1e-20  # a squared distance in standard errors that rounding alone can leave


class Heterogeneity(NamedTuple):
    """How far the studies lie apart, against how far chance would put them."""

    q: Floats  # Cochran's Q, chi-squared when all studies have one effect
    degrees_of_freedom: Integers
    p_value: Floats
    i2: Floats  # share of Q in excess of its degrees of freedom, 0 to 1


class PooledEffect(NamedTuple):
    """An effect that all studies share, with its interval and two-sided p-value."""

    estimate: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    p_value: Floats


class RandomEffects(NamedTuple):
    """The mean of effects that differ between studies, and where the next study's may lie."""

    estimate: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    p_value: Floats  # two-sided
    tau2: Floats  # variance of the effects between studies
    i2: Floats  # share of tau2 in the variance of a typical study, 0 to 1
    prediction_low: Floats
    prediction_high: Floats


def fixed_effect(
    estimates: Floats, variances: Floats, confidence: float = 0.95, null: float = 0.0
) -> PooledEffect:
    """Pool with weights 1 / variance: the best when all studies have one effect.

    Normal interval and p-value; variances are taken as known.

    >>> pooled = fixed_effect(np.array([0.1, 0.3]), np.array([0.01, 0.03]))
    >>> round(pooled.estimate.item(), 3), round(pooled.standard_error.item(), 4)
    (0.15, 0.0866)
    """
    check_probability("confidence", confidence)
    studies = _known(estimates, variances)
    weights = _weights(studies)
    error = np.sqrt(divide(np.ones(()), weights.sum(axis=-1), np.nan))
    return _pooled(_mean(studies.estimate, weights), error, confidence, null)


def wei_lachin_pooling(
    estimates: Floats, variances: Floats, confidence: float = 0.95, null: float = 0.0
) -> PooledEffect:
    """Pool with equal weights, the directional test of Wei and Lachin (1984) for separate studies.

    The studies are independent, so the covariance matrix of JASA 79:653, and of Lachin (2014, PLoS
    ONE 9:e108784), is diagonal. Normal interval and p-value.

    >>> pooled = wei_lachin_pooling(np.array([0.71, 0.57]), np.array([0.0016, 0.0020]), null=0.5)
    >>> round(pooled.estimate.item(), 3), round(pooled.standard_error.item(), 4)
    (0.64, 0.03)
    """
    check_probability("confidence", confidence)
    studies = _known(estimates, variances)
    weights = np.where(np.isnan(studies.estimate), 0.0, 1.0)
    total = np.nansum(studies.variance, axis=-1)
    error = np.sqrt(divide(total, weights.sum(axis=-1) ** 2, np.nan))
    return _pooled(_mean(studies.estimate, weights), error, confidence, null)


def random_effects(
    estimates: Floats,
    variances: Floats,
    tau2_method: Tau2Method = "dersimonian-laird",
    reference: Reference = "hartung-knapp",
    confidence: float = 0.95,
    null: float = 0.0,
) -> RandomEffects:
    """Pool with weights 1 / (variance + tau2), the effects of the studies being themselves random.

    References for the interval, p-value and prediction, with k studies:

    - `normal`: standard error 1 / sqrt(sum of weights), as if tau2 were known. Too short with few
      studies. Prediction: t with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter
      2009, JRSS A 172:137, eq. 12).
    - `hartung-knapp`: the spread seen between the studies gives the standard error, t with k - 1
      degrees of freedom (Hartung and Knapp 2001, Statistics in Medicine 20:3875). It can be
      shorter than the normal one when the studies agree by chance; where they agree exactly the
      normal standard error stands in. Prediction: t with k - 1.
    - `hartung-knapp-at-least-normal`: the same, its standard error at least the normal one (Röver,
      Knapp and Friede 2015, BMC Medical Research Methodology 15:99).

    `i2` is Higgins and Thompson's (2002) tau2 / (tau2 + variance of a typical study); with
    DerSimonian and Laird's tau2 it is that of `heterogeneity`.

    >>> pooled = random_effects(np.array([0.21, 0.03]), np.array([0.0017, 0.0012]))
    >>> round(pooled.estimate.item(), 4), round(pooled.tau2.item(), 5)
    (0.1186, 0.01475)
    >>> round(pooled.low.item(), 3), round(pooled.high.item(), 3)
    (-1.025, 1.262)
    """
    check_probability("confidence", confidence)
    check_choice("reference", reference, Reference)
    studies = _known(estimates, variances)
    tau2 = between_study_variance(estimates, variances, tau2_method)
    weights = _weights(studies, tau2)
    estimate = _mean(studies.estimate, weights)
    count = (weights > 0).sum(axis=-1)
    error = np.sqrt(divide(np.ones(()), weights.sum(axis=-1), np.nan))
    freedom, future_freedom = np.full(count.shape, np.inf), count - 2.0
    if reference != "normal":
        error *= _hartung_knapp_scale(studies.estimate, weights, estimate, reference)
        freedom = future_freedom = count - 1.0
    low, high = _ends(estimate, error, freedom, confidence)
    prediction = _ends(estimate, np.sqrt(tau2 + error**2), future_freedom, confidence)
    p_value = _p_value(estimate - null, error, freedom)
    i2 = divide(tau2, tau2 + _typical_variance(studies), 0.0)
    return RandomEffects(estimate, error, low, high, p_value, tau2, i2, *prediction)


def heterogeneity(estimates: Floats, variances: Floats) -> Heterogeneity:
    """Cochran's Q and I2 = (Q - df) / Q, at least 0 (Higgins and Thompson 2002, Stat Med 21:1539).

    With fewer than two studies nothing differs: Q is 0, the p-value 1 and I2 0.

    >>> found = heterogeneity(np.array([0.21, 0.03]), np.array([0.0017, 0.0012]))
    >>> round(found.q.item(), 3), round(found.i2.item(), 3)
    (11.172, 0.91)
    """
    studies = _known(estimates, variances)
    weights = _weights(studies)
    q = _spread(studies.estimate, weights)
    freedom = np.maximum((weights > 0).sum(axis=-1) - 1, 0)
    p_value = np.where(freedom > 0, scipy.special.chdtrc(np.maximum(freedom, 1), q), 1.0)
    return Heterogeneity(q, freedom, p_value, divide(np.maximum(q - freedom, 0.0), q, 0.0))


def between_study_variance(
    estimates: Floats, variances: Floats, method: Tau2Method = "dersimonian-laird"
) -> Floats:
    """Estimate tau2, the variance of the effects between studies; 0 with fewer than two studies.

    - `dersimonian-laird`: from Q, cut at 0 (DerSimonian and Laird 1986, Controlled Clinical Trials
      7:177, eq. 8).
    - `paule-mandel`: the tau2 at which Q with weights 1 / (variance + tau2) equals its degrees of
      freedom, 0 if it is below them already (Paule and Mandel 1982). It equals the empirical Bayes
      estimate of Morris (1983).

    >>> between_study_variance(np.array([0.21, 0.03]), np.array([0.0017, 0.0012])).round(5).item()
    0.01475
    """
    check_choice("method", method, Tau2Method)
    studies = _known(estimates, variances)
    if method == "paule-mandel":
        return _paule_mandel(studies)
    weights = _weights(studies)
    total = weights.sum(axis=-1)
    freedom = (weights > 0).sum(axis=-1) - 1
    excess = np.maximum(_spread(studies.estimate, weights) - freedom, 0.0)
    scale = total - divide((weights**2).sum(axis=-1), total, 0.0)
    return np.where(freedom > 0, divide(excess, scale, 0.0), 0.0)


class _Studies(NamedTuple):
    """The studies that are pooled; both numbers are NaN for one that is left out."""

    estimate: Floats
    variance: Floats


def _known(estimates: Floats, variances: Floats) -> _Studies:
    """Make both numbers NaN for each study that does not have both."""
    known: Booleans = ~np.isnan(estimates) & (variances > 0)
    return _Studies(np.where(known, estimates, np.nan), np.where(known, variances, np.nan))


def _weights(studies: _Studies, tau2: Floats | None = None) -> Floats:
    spread = 0.0 if tau2 is None else tau2[..., np.newaxis]
    return np.asarray(np.nan_to_num(1.0 / (studies.variance + spread)))


def _mean(estimates: Floats, weights: Floats) -> Floats:
    return divide((weights * np.nan_to_num(estimates)).sum(axis=-1), weights.sum(axis=-1), np.nan)


def _spread(estimates: Floats, weights: Floats) -> Floats:
    """Weighted sum of squares around the weighted mean; Q when the weights are 1 / variance."""
    deviation = np.nan_to_num(estimates - _mean(estimates, weights)[..., np.newaxis])
    return np.asarray((weights * deviation**2).sum(axis=-1))


def _paule_mandel(studies: _Studies) -> Floats:
    """Solve Q(tau2) = df by Newton's method from 0; Q is convex and falls, so no step overshoots.

    DerSimonian and Kacker (2007), Contemporary Clinical Trials 28:105.
    """
    freedom = np.maximum((~np.isnan(studies.estimate)).sum(axis=-1) - 1, 0)
    tau2 = np.zeros(freedom.shape)
    for _ in range(200):
        weights = _weights(studies, tau2)
        deviation = studies.estimate - _mean(studies.estimate, weights)[..., np.newaxis]
        q = np.nansum(weights * deviation**2, axis=-1)
        slope = np.nansum((weights * deviation) ** 2, axis=-1)
        step = np.where(freedom > 0, divide(np.maximum(q - freedom, 0.0), slope, 0.0), 0.0)
        step = np.where(step > 1e-15 * tau2, step, 0.0)  # what has arrived stays, in any batch
        tau2 = tau2 + step
        if not step.any():
            break
    return tau2


def _typical_variance(studies: _Studies) -> Floats:
    """Variance of a typical study, Higgins and Thompson (2002), eq. 9; NaN for one study."""
    weights = _weights(studies)
    total = weights.sum(axis=-1)
    count = (weights > 0).sum(axis=-1)
    return divide((count - 1) * total, total**2 - (weights**2).sum(axis=-1), np.nan)


def _hartung_knapp_scale(
    estimates: Floats, weights: Floats, mean: Floats, reference: Reference
) -> Floats:
    deviation = np.nan_to_num(estimates - mean[..., np.newaxis])
    count = (weights > 0).sum(axis=-1)
    q = divide((weights * deviation**2).sum(axis=-1), count - 1, 1.0)
    q = np.where(q > ROUNDING, q, 1.0)
    return np.sqrt(np.maximum(q, 1.0) if reference == "hartung-knapp-at-least-normal" else q)


def _pooled(estimate: Floats, error: Floats, confidence: float, null: float) -> PooledEffect:
    freedom = np.full(estimate.shape, np.inf)
    ends = _ends(estimate, error, freedom, confidence)
    return PooledEffect(estimate, error, *ends, _p_value(estimate - null, error, freedom))


def _ends(
    estimate: Floats, error: Floats, freedom: Floats, confidence: float
) -> tuple[Floats, Floats]:
    """Find the ends of the interval with Student's t; the whole line without degrees of freedom."""
    upper = (1 + confidence) / 2
    t_quantile = np.where(
        np.isinf(freedom),
        scipy.special.ndtri(upper),
        scipy.special.stdtrit(np.clip(freedom, 1, 1e9), upper),
    )
    margin = np.where((freedom > 0) & ~np.isnan(error), t_quantile * error, np.inf)
    centre = np.nan_to_num(estimate)
    return centre - margin, centre + margin


def _p_value(distance: Floats, error: Floats, freedom: Floats) -> Floats:
    """Two-sided p-value; 1 without degrees of freedom or a standard error."""
    t = divide(-np.abs(distance), error, 0.0)
    tail = np.where(
        np.isinf(freedom), scipy.special.ndtr(t), scipy.special.stdtr(np.clip(freedom, 1, 1e9), t)
    )
    return np.where(freedom > 0, 2 * tail, 1.0)

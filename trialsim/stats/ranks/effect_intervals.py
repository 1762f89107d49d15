"""An interval of the Mann-Whitney effect stays between 0 and 1 and never has width zero.

A method's interval is cut at 0 and 1. Where its variance is zero or not known (complete separation,
all values equal, one patient in an arm) Newcombe's interval stands in; such trials are those whose
`null_variance` or `placement_variance` is not positive. An empty arm gives (0, 1).
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, divide
from trialsim.stats.monte_carlo import check_choice, check_probability
from trialsim.stats.p_values import Standardised
from trialsim.stats.ranks.brunner_munzel import satterthwaite
from trialsim.stats.ranks.estimated_effect import distance_of_effect
from trialsim.stats.ranks.mann_whitney import RankSummary

IntervalMethod: TypeAlias = Literal[
    "null_variance", "delong", "brunner-munzel", "logit", "newcombe"
]


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: Floats
    high: Floats


def effect_interval(
    summary: RankSummary, method: IntervalMethod = "logit", confidence: float = 0.95
) -> Interval:
    """Two-sided confidence interval of the Mann-Whitney effect, equal-tailed.

    The methods are:

    - `null_variance`: normal, with the tie-corrected variance that holds when the arms do not
      differ. It agrees with the rank test without continuity, and reproduces the interval published
      for CARS-1 (Muresanu et al. 2016, Stroke 47:151: 0.71, 0.63 to 0.79).
    - `delong`: normal, with the variance of the placements (Sen 1960; DeLong et al. 1988).
    - `brunner-munzel`: the same variance with Student's t (Brunner and Munzel 2000).
    - `logit`: the same variance on the logit scale, with a normal quantile (Konietschke et al.
      2012, Electronic Journal of Statistics 6:738). A good default.
    - `newcombe`: method 5 of Newcombe (2006), Statistics in Medicine 25:559: a score interval with
      the variance of Hanley and McNeil (1982), both sizes replaced by their mean. Takes no account
      of ties, so it is wide when there are many.

    Coverage of nominal 95% intervals, measured on a U-shaped scale of 0 to 57, with 20% of the
    controls at the floor and 20% at the ceiling (standard error 0.0005):

    ==============  =====================  =====================  =====================
    theta                   0.50                   0.62                   0.76
    patients/arm      8     20    104        8     20    104        8     20    104
    ==============  =====================  =====================  =====================
    null_variance   0.951  0.950  0.951    0.960  0.959  0.958    0.983  0.980  0.980
    delong          0.923  0.940  0.949    0.917  0.938  0.948    0.906  0.928  0.946
    brunner-munzel  0.944  0.947  0.951    0.939  0.946  0.949    0.929  0.936  0.947
    logit           0.978  0.960  0.953    0.974  0.960  0.952    0.973  0.960  0.952
    newcombe        0.955  0.952  0.953    0.957  0.955  0.953    0.969  0.960  0.957
    ==============  =====================  =====================  =====================

    So `delong` undercovers in small arms, by up to 4.4 points at 8 an arm and 2.2 at 20, and
    `brunner-munzel` by up to 2.1 and 1.4; `null_variance` is too wide far from 0.5, at any size.

    >>> from trialsim.stats.ranks.mann_whitney import summarise_counts
    >>> summary = summarise_counts(np.array([1, 2, 6]), np.array([4, 3, 2]))
    >>> low, high = effect_interval(summary, "logit")
    >>> round(low.item(), 4), round(high.item(), 4)
    (0.4788, 0.9101)
    """
    check_choice("method", method, IntervalMethod)
    check_probability("confidence", confidence)
    quantile = float(scipy.special.ndtri((1 + confidence) / 2))
    match method:
        case "null_variance":
            interval = _wald(summary, summary.null_variance, quantile)
        case "delong":
            interval = _wald(summary, summary.placement_variance, quantile)
        case "brunner-munzel":
            t_quantile = scipy.special.stdtrit(satterthwaite(summary), (1 + confidence) / 2)
            interval = _wald(summary, summary.placement_variance, t_quantile)
        case "logit":
            interval = _logit(summary, quantile)
        case _:
            return _newcombe(summary, quantile)
    return _newcombe_where_unknown(summary, interval, quantile)


def distance_of_summary(
    summary: RankSummary, value: float, method: IntervalMethod = "logit"
) -> Standardised:
    """Return how far effects lie above a value between 0 and 1: the test that an interval inverts.

    The end of `effect_interval` at a confidence of 1 - 2 alpha is at the value where the one-sided
    p-value of this is alpha. By `newcombe`, which also stands in where a variance is zero or not
    known, the variance is that under the value.

    >>> from trialsim.stats.ranks.mann_whitney import summarise_counts
    >>> summary = summarise_counts(np.array([1, 2, 6]), np.array([4, 3, 2]))
    >>> low, high = effect_interval(summary, "logit")
    >>> round(distance_of_summary(summary, low.item(), "logit").statistic.item(), 4)
    1.96
    """
    known = (summary.treated > 0) & (summary.control > 0)
    size = np.where(known, (summary.treated + summary.control) / 2, np.nan)
    pairs = np.where(known, summary.treated * summary.control, np.nan)
    score = (summary.effect - value) / np.sqrt(_newcombe_variance(value, size, 1 / pairs))
    if method == "newcombe":
        return Standardised(score)
    holds = summary.null_variance if method == "null_variance" else summary.placement_variance
    variance = np.where(holds > 0, holds, np.nan)
    scale: Literal["plain", "logit"] = "logit" if method == "logit" else "plain"
    distance = distance_of_effect(summary.effect, np.sqrt(variance), value, scale).statistic
    freedom = satterthwaite(summary) if method == "brunner-munzel" else np.inf
    unknown = np.isnan(variance)
    return Standardised(
        np.where(unknown, score, distance), np.where(unknown, np.inf, np.asarray(freedom))
    )


def _wald(summary: RankSummary, variance: Floats, quantile: Floats | float) -> Interval:
    """Effect plus and minus so many standard errors; NaN where these are zero or not known."""
    margin = quantile * np.sqrt(np.where(variance > 0, variance, np.nan))
    return Interval(
        np.clip(summary.effect - margin, 0.0, 1.0), np.clip(summary.effect + margin, 0.0, 1.0)
    )


def _logit(summary: RankSummary, quantile: float) -> Interval:
    """Wald interval of log(theta / (1 - theta)), whose error is that of theta over its binomial."""
    variance = summary.placement_variance
    effect = np.where(variance > 0, summary.effect, 0.5)
    error = np.sqrt(np.where(variance > 0, variance, np.nan)) / (effect * (1 - effect))
    centre = scipy.special.logit(effect)
    return Interval(
        scipy.special.expit(centre - quantile * error),
        scipy.special.expit(centre + quantile * error),
    )


def _newcombe_where_unknown(summary: RankSummary, interval: Interval, quantile: float) -> Interval:
    unknown = np.isnan(interval.low)
    if not unknown.any():
        return interval
    spare = _newcombe(summary, quantile)
    return Interval(
        np.where(unknown, spare.low, interval.low), np.where(unknown, spare.high, interval.high)
    )


def _newcombe(summary: RankSummary, quantile: float) -> Interval:
    """Solve (estimate - theta)**2 = quantile**2 V(theta) on either side of the estimate.

    V(theta) = theta (1 - theta) (1 + (N - 1) ((1 - theta) / (2 - theta) + theta / (1 + theta)))
    / (m n), with N = (m + n) / 2; Newcombe (2006), method 5.
    """
    known = (summary.treated > 0) & (summary.control > 0)
    estimate = np.where(known, summary.effect, 0.5)
    mean_size = np.where(known, (summary.treated + summary.control) / 2, 1.0)
    inverse_pairs = divide(np.ones(known.shape), summary.treated * summary.control, 1.0)

    def is_outside(theta: Floats) -> Booleans:
        variance = _newcombe_variance(theta, mean_size, inverse_pairs)
        return (estimate - theta) ** 2 > quantile**2 * variance

    low_out, low_in = np.zeros(known.shape), estimate
    high_in, high_out = estimate, np.ones(known.shape)
    for _ in range(54):  # halvings, to the last bit of a number in (0, 1)
        low, high = (low_out + low_in) / 2, (high_in + high_out) / 2
        low_is_out, high_is_out = is_outside(low), is_outside(high)
        low_out, low_in = np.where(low_is_out, low, low_out), np.where(low_is_out, low_in, low)
        high_out, high_in = (
            np.where(high_is_out, high, high_out),
            np.where(high_is_out, high_in, high),
        )
    return Interval(np.where(known, low_out, 0.0), np.where(known, high_out, 1.0))


def _newcombe_variance(theta: Floats | float, mean_size: Floats, inverse_pairs: Floats) -> Floats:
    spread = (1 - theta) / (2 - theta) + theta / (1 + theta)
    return np.asarray(theta * (1 - theta) * (1 + (mean_size - 1) * spread) * inverse_pairs)

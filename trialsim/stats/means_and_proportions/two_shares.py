"""Two shares by their difference, ratio or odds ratio: score tests and intervals, and Newcombe's.

Counts of responders and of patients broadcast to shape (...); `treated` and `control` are the
responders of each arm. Above 0, or a ratio of 1, more of the treated respond. Where an arm is empty
nothing can be said.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Floats, divide
from trialsim.stats.monte_carlo import check_probability, wilson_limits
from trialsim.stats.p_values import Standardised

Measure: TypeAlias = Literal["risk_difference", "risk_ratio", "odds_ratio"]
IntervalOfShares: TypeAlias = Literal["newcombe", "miettinen-nurminen"]
_HALVINGS: Final = 54
"""To the last bit of a number in (0, 1)."""
_LARGEST: Final = 1e16
"""A ratio as good as infinite."""
_IN_EACH_CELL: Final = 0.45, 0.25
"""Patients added for the middle of the interval of an odds ratio, and for its width."""
_FARTHEST: Final = 40.0
"""Standard errors beyond which no probability is left."""


class ShareComparison(NamedTuple):
    """A difference, a ratio or an odds ratio of two shares, and its interval."""

    estimate: Floats
    """NaN where an arm is empty, or of a ratio nobody responds; infinite without any control. Of an
    odds ratio NaN too where all respond, and infinite where all of the treated do."""
    low: Floats
    high: Floats


class _Counts(NamedTuple):
    """Responders x of n treated, and y of m controls; NaN where an arm is empty."""

    x: Floats
    n: Floats
    y: Floats
    m: Floats

    @property
    def known(self) -> Booleans:
        return np.asarray(~np.isnan(self.n))


def compare_shares(
    treated: ArrayLike,
    treated_patients: ArrayLike,
    control: ArrayLike,
    control_patients: ArrayLike,
    measure: Measure = "risk_difference",
    interval: IntervalOfShares = "newcombe",
    confidence: float = 0.95,
) -> ShareComparison:
    """Return two shares compared, with a two-sided interval.

    `miettinen-nurminen` (1985), Statistics in Medicine 4:213: all values that the score test does
    not reject, see `distance_of_shares`. `newcombe` joins the two Wilson intervals: of a difference
    by method 10 of Newcombe (1998), Statistics in Medicine 17:873; of a ratio by the same method of
    variance estimates recovery (Donner and Zou 2012, Statistical Methods in Medical Research
    21:347, equation 9); of an odds ratio on the log scale, half as wide as 2 arsinh(z s / 2) with
    Woolf's standard error s, more being added to each cell for the middle than for s (Fagerland and
    Newcombe 2013, Statistics in Medicine 32:2823).

    >>> found = compare_shares(56, 104, 33, 101, interval="miettinen-nurminen")
    >>> [round(value.item(), 4) for value in found]
    [0.2117, 0.0762, 0.3396]
    >>> ratio = compare_shares(56, 104, 33, 101, "risk_ratio")
    >>> [round(value.item(), 3) for value in ratio]
    [1.648, 1.191, 2.302]
    >>> odds_ratio = compare_shares(56, 104, 33, 101, "odds_ratio")
    >>> [round(value.item(), 3) for value in odds_ratio]
    [2.404, 1.364, 4.166]
    """
    check_probability("confidence", confidence)
    counts = _counts(treated, treated_patients, control, control_patients)
    least, most = (-1.0, 1.0) if measure == "risk_difference" else (0.0, np.inf)
    quantile = np.full(counts.n.shape, float(scipy.special.ndtri((1 + confidence) / 2)))
    if interval == "newcombe":
        low, high = _newcombe(counts, measure, quantile)
    else:
        low, high = _score_interval(counts, measure, quantile)
    estimate = _estimate(counts, measure)
    known = ~np.isnan(estimate)
    return ShareComparison(estimate, np.where(known, low, least), np.where(known, high, most))


def distance_of_shares(
    treated: ArrayLike,
    treated_patients: ArrayLike,
    control: ArrayLike,
    control_patients: ArrayLike,
    value: float,
    measure: Measure = "risk_difference",
    interval: IntervalOfShares = "newcombe",
) -> Standardised:
    """Return how far a comparison of shares lies above a value: the test that an interval inverts.

    By `newcombe` it is the normal quantile at which the end of the interval is at the value; by
    `miettinen-nurminen` their score statistic, whose variance is that of the two shares that are
    likeliest with such a difference, ratio or odds ratio (equations 8 to 11 and appendix I), times
    N / (N - 1). Of no difference it is the root of the chi-squared of N - 1.

    >>> found = distance_of_shares(56, 104, 33, 101, 0.0760904297687321)
    >>> round(found.statistic.item(), 4)
    1.96
    """
    counts = _counts(treated, treated_patients, control, control_patients)
    if interval == "miettinen-nurminen":
        return Standardised(_score(counts, np.full(counts.n.shape, value), measure))
    if measure == "odds_ratio":
        return Standardised(_distance_of_odds(counts, value))
    estimate = _estimate(counts, measure)
    above = estimate > value
    near, far = np.zeros(counts.n.shape), np.full(counts.n.shape, _FARTHEST)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        low, high = _newcombe(counts, measure, middle)
        reached = np.where(above, low <= value, high >= value)
        near, far = np.where(reached, near, middle), np.where(reached, middle, far)
    distance = np.where(above, near, np.where(estimate == value, 0.0, -near))
    return Standardised(np.where(np.isnan(estimate), np.nan, distance))


def _counts(
    treated: ArrayLike,
    treated_patients: ArrayLike,
    control: ArrayLike,
    control_patients: ArrayLike,
) -> _Counts:
    x, n, y, m = (
        np.asarray(count, np.float64)
        for count in np.broadcast_arrays(treated, treated_patients, control, control_patients)
    )
    if np.any((x < 0) | (x > n) | (y < 0) | (y > m)):
        raise ValueError("responders must lie between 0 and the patients of their arm")
    empty = (n == 0) | (m == 0)
    return _Counts(x, np.where(empty, np.nan, n), y, np.where(empty, np.nan, m))


def _estimate(counts: _Counts, measure: Measure) -> Floats:
    x, n, y, m = counts
    if measure == "risk_difference":
        return np.asarray(x / n - y / m)
    if measure == "odds_ratio":
        ratio = divide(x * (m - y), y * (n - x), np.nan)
        return np.where((y * (n - x) == 0) & (x * (m - y) > 0), np.inf, ratio)
    none = np.where(x > 0, np.inf, np.nan)
    return np.where(counts.known & (y > 0), divide(x * m, n * y, np.nan), none * m / m)


def _newcombe(counts: _Counts, measure: Measure, quantile: Floats) -> tuple[Floats, Floats]:
    if measure == "odds_ratio":
        return _inverse_hyperbolic_sine(counts, quantile)
    t, c = counts.x / counts.n, counts.y / counts.m
    t_low, t_high = wilson_limits(counts.x, counts.n, quantile)
    c_low, c_high = wilson_limits(counts.y, counts.m, quantile)
    if measure == "risk_difference":
        estimate = t - c
        return (
            estimate - np.hypot(t - t_low, c_high - c),
            estimate + np.hypot(t_high - t, c - c_low),
        )
    return (
        _recovered(t * c, t_low * (2 * t - t_low), c_high * (2 * c - c_high), -1),
        _recovered(t * c, t_high * (2 * t - t_high), c_low * (2 * c - c_low), 1),
    )


def _inverse_hyperbolic_sine(counts: _Counts, quantile: Floats) -> tuple[Floats, Floats]:
    centre, error = _nearly_log_odds(counts)
    half = 2 * np.arcsinh(quantile * error / 2)
    estimate = _estimate(counts, "odds_ratio")
    return (
        np.where(estimate > 0, np.exp(centre - half), 0.0),
        np.where(np.isinf(estimate), np.inf, np.exp(centre + half)),
    )


def _distance_of_odds(counts: _Counts, value: float) -> Floats:
    """Return the quantile at which the end of Newcombe's interval of an odds ratio is a value."""
    centre, error = _nearly_log_odds(counts)
    distance = 2 * np.sinh((centre - np.log(value)) / 2) / error
    estimate = _estimate(counts, "odds_ratio")
    lowest, highest = np.where(np.isinf(estimate), 0.0, -np.inf), np.where(estimate, np.inf, 0.0)
    return np.where(np.isnan(estimate), np.nan, np.clip(distance, lowest, highest))


def _nearly_log_odds(counts: _Counts) -> tuple[Floats, Floats]:
    """Return the log odds ratio and Woolf's error with somewhat more in each cell of the table."""
    x, n, y, m = counts
    cells = (x, n - x, y, m - y)
    logs = [np.log(cell + _IN_EACH_CELL[0]) for cell in cells]
    variance = sum(1 / (cell + _IN_EACH_CELL[1]) for cell in cells)
    return logs[0] - logs[1] - logs[2] + logs[3], np.sqrt(variance)


def _recovered(product: Floats, above: Floats, below: Floats, side: int) -> Floats:
    """Return the root of below r^2 - 2 product r + above = 0 that is the end of a ratio.

    The lower end is written as above / (product + root), which has a value where below is 0.
    """
    root = np.sqrt(np.maximum(product**2 - above * below, 0.0))
    if side < 0:
        return divide(above, product + root, 0.0)
    return np.where(below > 0, divide(product + root, below, np.inf), np.inf)


def _score_interval(counts: _Counts, measure: Measure, quantile: Floats) -> tuple[Floats, Floats]:
    """Halve the way from the estimate to either end of what is possible.

    A ratio r is sought as r / (1 + r), so that infinity is a place.
    """
    ratio = measure != "risk_difference"
    estimate = _estimate(counts, measure)
    with np.errstate(invalid="ignore"):
        at = np.where(np.isinf(estimate), 1.0, estimate / (1 + estimate)) if ratio else estimate
    ends = []
    for end, sign in ((0.0 if ratio else -1.0, 1.0), (1.0, -1.0)):
        inside, outside = at, np.full(at.shape, end)
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            value = divide(middle, 1 - middle, _LARGEST) if ratio else middle
            held = ~(sign * _score(counts, value, measure) > quantile)
            inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
        ends.append(divide(inside, 1 - inside, np.inf) if ratio else inside)
    return ends[0], ends[1]


def _score(counts: _Counts, value: Floats, measure: Measure) -> Floats:
    x, n, y, m = counts
    total = n + m
    if measure == "risk_difference":
        control = np.clip(_restricted_difference(counts, value), 0.0, 1.0)
        treated, slope = np.clip(control + value, 0.0, 1.0), np.ones_like(value)
        distance = x / n - y / m - value
    elif measure == "odds_ratio":
        return _score_of_odds(counts, value)
    else:
        control = _restricted_ratio(counts, value)
        treated, slope = np.clip(value * control, 0.0, 1.0), value
        distance = x / n - value * y / m
    variance = treated * (1 - treated) / n + slope**2 * control * (1 - control) / m
    variance = variance * total / (total - 1)
    return _standardised(counts, distance, variance)


def _score_of_odds(counts: _Counts, value: Floats) -> Floats:
    """Return the score of a log odds ratio: who responds beyond what its likeliest shares say.

    Of patients who all respond alike it is 0.
    """
    x, n, y, m = counts
    total, responders = n + m, x + y
    control = _restricted_odds(counts, value)
    treated = divide(value * control, 1 + (value - 1) * control, 1.0)
    spread, other = n * treated * (1 - treated), m * control * (1 - control)
    variance = divide(spread * other, spread + other, 0.0) * total / (total - 1)
    distance = np.where(responders < total, x - n * treated, 0.0)
    return _standardised(counts, distance, variance)


def _standardised(counts: _Counts, distance: Floats, variance: Floats) -> Floats:
    possible = variance > 0
    z = distance / np.sqrt(np.where(possible, variance, 1.0))
    beyond = np.select([distance > 0, distance < 0], [np.inf, -np.inf], 0.0)
    return np.where(counts.known, np.where(possible, z, beyond), np.nan)


def _restricted_difference(counts: _Counts, value: Floats) -> Floats:
    """Return the likeliest share of the controls with a difference: a cubic in closed form."""
    x, n, y, m = counts
    total, responders = n + m, x + y
    third = total
    second = (n + 2 * m) * value - total - responders
    first = (m * value - total - 2 * y) * value + responders
    constant = y * value * (1 - value)
    shift = second / (3 * third)
    q = shift**3 - second * first / (6 * third**2) + constant / (2 * third)
    size = np.sqrt(np.maximum(shift**2 - first / (3 * third), 0.0))
    angle = (np.pi + np.arccos(np.minimum(divide(np.abs(q), size**3, 0.0), 1.0))) / 3
    return np.asarray(np.where(q >= 0, 2.0, -2.0) * size * np.cos(angle) - shift)


def _restricted_ratio(counts: _Counts, value: Floats) -> Floats:
    """Return the likeliest share of the controls with a ratio: a quadratic."""
    x, n, y, m = counts
    a = (n + m) * value
    b = -(n * value + x + m + y * value)
    root = np.sqrt(np.maximum(b**2 - 4 * a * (x + y), 0.0))
    # Written so that it has a value where the ratio is 0.
    return np.asarray(np.clip(divide(2 * (x + y), root - b, 0.0), 0.0, 1.0))


def _restricted_odds(counts: _Counts, value: Floats) -> Floats:
    """Return the likeliest share of the controls with an odds ratio: a quadratic."""
    x, n, y, m = counts
    a = m * (value - 1)
    b = n * value + m - (x + y) * (value - 1)
    root = np.sqrt(np.maximum(b**2 + 4 * a * (x + y), 0.0))
    # Written so that it has a value where the odds ratio is 1.
    return np.asarray(np.clip(divide(2 * (x + y), b + root, 1.0), 0.0, 1.0))

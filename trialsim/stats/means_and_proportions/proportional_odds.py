"""One odds ratio speaks for all cells of a scale, if its odds are proportional.

P(Y <= k) = expit(a_k - x b) for the cells k of a scale (McCullagh 1980, JRSS B 42:109), fitted to a
batch of trials at once; see `cumulative_logits`.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.means_and_proportions.cumulative_logits import (
    Curvature,
    Fit,
    Rows,
    curvature,
    expected_information,
    maximised,
    null_thresholds,
    point,
    solve_tridiagonal,
)
from trialsim.stats.monte_carlo import check_choice, check_probability
from trialsim.stats.p_values import Alternative, check_alternative, normal_p_value
from trialsim.stats.ranks.covariances import invert

RatioInterval: TypeAlias = Literal["wald", "profile"]
"""From the standard error of the logarithm; or all ratios that the likelihood does not rule out."""
_UNBOUNDED = 100.0
"""A standard error that only a slope has on which the likelihood rises without end."""
_LIMIT_STEPS = 30
_LIMIT_CLOSE = 1e-9
"""On the logarithm of the odds ratio."""
AT_ONCE = 64
"""Trials whose patients fit the cache; each is fitted as if it were alone."""


class OddsRatio(NamedTuple):
    """A common odds ratio: above 1, the treated have better odds to be above any cell."""

    odds_ratio: Floats
    """0 or infinite where the arms are separated; NaN where there is nothing to compare."""
    log_odds_ratio: Floats
    standard_error: Floats
    """Of the log odds ratio, by the observed information; NaN where it is not finite."""
    low: Floats
    high: Floats
    z: Floats
    """Of the score test; 0 where there is nothing to compare."""
    p_value: Floats


def proportional_odds(
    treated: Integers,
    control: Integers,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
    interval: RatioInterval = "wald",
) -> OddsRatio:
    """Fit two arms counted over the cells of a scale, worst first, shapes (..., cells).

    See `adjusted_proportional_odds`, whose only covariate is then the arm. The z of its score test
    is that of Wilcoxon, Mann and Whitney times sqrt(N / (N - 1)), for N patients.

    >>> fit = proportional_odds(np.array([4, 6, 10]), np.array([8, 7, 5]))
    >>> round(fit.odds_ratio.item(), 4), round(fit.p_value.item(), 4)
    (2.8486, 0.0809)
    """
    counts = np.stack(np.broadcast_arrays(treated, control), axis=-2).astype(np.float64)
    arms = counts.reshape(-1, *counts.shape[-2:])
    return _odds_ratio(_counted(arms), counts.shape[:-2], confidence, alternative, interval)


def adjusted_proportional_odds(
    cell: Floats,
    covariates: Floats,
    cells: int,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
    interval: RatioInterval = "wald",
) -> OddsRatio:
    """Fit the proportional odds model, and return the odds ratio of its first covariate.

    `cell` is each patient's, from 0 for the worst to `cells` - 1, shape (..., patients), NaN of who
    is not analysed; `covariates` has shape (..., patients, covariates), the first of them 1 for the
    treated and 0 for the controls.

    The estimate is that of maximum likelihood. The interval is Wald's, or has all ratios whose
    profile likelihood is within half a quantile of chi-squared of the highest: that one is finite
    at one end also where the arms are separated, the estimate is 0 or infinite, and Wald's is
    (0, inf). The test is the score test with the expected information: it needs no estimate.

    When all values are equal, or an arm is empty, or the likelihood has no maximum for another
    reason, the ratio is not known (NaN) and the p-value 1. Cells that nobody is in change nothing.

    >>> cell = np.array([0.0, 0, 1, 2, 2, 2, 0, 0, 0, 1, 1, 2])
    >>> age = np.array([71.0, 60, 55, 48, 66, 59, 70, 58, 68, 61, 50, 52])
    >>> covariates = np.stack([np.repeat([1.0, 0.0], 6), age], axis=-1)
    >>> fit = adjusted_proportional_odds(cell, covariates, 3)
    >>> round(fit.odds_ratio.item(), 4), round(fit.p_value.item(), 4)
    (4.01, 0.264)
    """
    one = cell.reshape(-1, cell.shape[-1])
    rows = patients_in_rows(one, covariates.reshape(*one.shape, -1), cells)
    return _odds_ratio(rows, cell.shape[:-1], confidence, alternative, interval)


def odds_ratio_of_all(treated: Floats, control: Floats) -> tuple[Floats, Floats]:
    """Fit one model to many trials pooled, arms of shape (trials, cells), worst first.

    Returns the odds ratio of the two populations that the trials are drawn from, and the influence
    of each trial on its logarithm, shape (trials,): by how much one trial moves it, times their
    number, to first order. A trial of NaN is left out; where there is no ratio, or the arms are
    separated, the influences are NaN.

    >>> arms = np.array([[4.0, 6, 10], [1, 2, 2]]), np.array([[8.0, 7, 5], [2, 2, 1]])
    >>> [round(x, 4) for x in odds_ratio_of_all(*arms)[1].tolist()]
    [0.0239, -0.0239]
    """
    counts = np.stack([treated, control], axis=1)
    known = ~np.isnan(counts).any(axis=(1, 2))
    influence, kept = np.full(len(counts), np.nan), counts[known]
    kept = kept[..., kept.sum(axis=(0, 1)) > 0]
    places = np.arange(kept.shape[-1])  # those of all trials, also of a trial with empty cells
    pooled, each = _counted(kept.sum(axis=0)[np.newaxis], places), _counted(kept, places)
    log_ratio, error, _ = _fitted(pooled)
    if np.isnan(error[0]):
        return np.exp(log_ratio[0]), influence
    fit = maximised(pooled, null_thresholds(pooled.counts), np.zeros((1, 1)))
    at = fit.thresholds, fit.slopes
    whole, parts = _curvature_at(*at, pooled), _curvature_at(*at, each)
    along = _along_the_arm(whole)
    score, information = _slope_along(along, parts)[0], _slope_along(along, whole)[1]
    influence[known] = len(kept) * score / information
    return np.exp(log_ratio[0]), influence


class NearbyFit(NamedTuple):
    """A model near that of the populations, from which one step of Newton's leads to theirs."""

    log_odds_ratio: float
    """Of the first covariate; NaN where there is no step to make."""
    thresholds: Floats
    slopes: Floats
    place: Integers
    """The place among the thresholds of each cell; a cell that was empty is one with the next."""
    centre: Floats
    scale: Floats
    along: "_Along"


def nearby_fit(cell: Floats, covariates: Floats, cells: int) -> NearbyFit:
    """Fit all patients as one trial, shapes (patients,) and (patients, covariates).

    >>> covariates = np.stack([np.repeat([1.0, 0.0], 6), np.tile([0.0, 1.0], 6)], axis=-1)
    >>> near = nearby_fit(np.array([0.0, 0, 1, 2, 2, 2, 0, 0, 0, 1, 1, 2]), covariates, 3)
    >>> round(float(np.exp(near.log_odds_ratio)), 4)
    3.3982
    """
    known = ~np.isnan(cell)
    place, x = cell[known].astype(np.intp), covariates[known]
    occupied = np.bincount(place, minlength=cells) > 0
    if occupied.sum() < 2:
        none = np.empty(0)
        return NearbyFit(np.nan, none, none, np.empty(0, np.intp), none, none, _Along(none, none))
    places = np.minimum(np.cumsum(occupied) - occupied, occupied.sum() - 1)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    centre[0], scale[0] = 0.0, 1.0
    rows = _rows_at(places, place[np.newaxis], ((x - centre) / scale)[np.newaxis])
    start = null_thresholds(rows.counts), np.zeros((1, x.shape[1]))
    fit = maximised(rows, *start)
    along = _along_the_arm(_curvature_at(fit.thresholds, fit.slopes, rows))
    error = np.sqrt(np.maximum(invert(fit.information).matrix[0, 0, 0], 0.0))
    known_slope = fit.converged[0] and 0 < error < _UNBOUNDED
    ratio = float(fit.slopes[0, 0]) if known_slope else np.nan
    return NearbyFit(ratio, fit.thresholds, fit.slopes, places, centre, scale, along)


def one_step(near: NearbyFit, cell: Floats, covariates: Floats) -> tuple[Floats, Floats]:
    """Return two numbers of each trial, whose means' ratio is the log odds ratio of them all.

    The ratio is one step of Newton's from a fit nearby, along the direction in which everything
    else is fitted anew: with the efficient score S and its information I there, the log odds ratio
    of the fit plus sum(S) / sum(I) (Bickel, Klaassen, Ritov and Wellner 1993, section 2.5). It
    differs from the fit to all trials pooled by the square of what the fit nearby is off.

    Shapes (trial, patient) and (trial, patient, covariate); both numbers are NaN where the fit is
    none.

    >>> covariates = np.stack([np.repeat([1.0, 0.0], 6), np.tile([0.0, 1.0], 6)], axis=-1)
    >>> cell = np.array([0.0, 0, 1, 2, 2, 2, 0, 0, 0, 1, 1, 2])
    >>> near = nearby_fit(cell, covariates, 3)
    >>> over, under = one_step(near, cell[np.newaxis], covariates[np.newaxis])
    >>> round(float(np.exp(over / under)[0]), 4)
    3.3982
    """
    if np.isnan(near.log_odds_ratio):
        return np.full(len(cell), np.nan), np.full(len(cell), np.nan)
    found = []
    for start in range(0, len(cell), AT_ONCE):
        some = cell[start : start + AT_ONCE]
        x = (covariates[start : start + AT_ONCE] - near.centre) / near.scale
        place = np.where(np.isnan(some), 0.0, some).astype(np.intp)
        rows = _rows_at(near.place, place, x, 1.0 * ~np.isnan(some))
        found.append(_slope_along(near.along, _curvature_at(near.thresholds, near.slopes, rows)))
    score, information = (np.concatenate(part) for part in zip(*found, strict=True))
    return near.log_odds_ratio * information + score, information


class _Along(NamedTuple):
    """The direction in which the first slope moves by 1 and the likelihood falls least."""

    thresholds: Floats  # (cells - 1,)
    slopes: Floats  # (covariates,)


def _along_the_arm(whole: Curvature) -> _Along:
    """Return the direction of the efficient score, from the information of all trials together."""
    through = solve_tridiagonal(whole.diagonal, whole.beside, whole.border)[0]
    information = whole.corner[0] - whole.border[0].T @ through
    inverse = invert(information).matrix[:, 0]
    slopes = divide(inverse, inverse[0], 0.0)
    return _Along(-through @ slopes, slopes)


def _slope_along(along: _Along, here: Curvature) -> tuple[Floats, Floats]:
    """Return the gradient of the likelihood along a direction, and its information, (trial,)."""
    up, slopes = along
    score = (here.thresholds * up).sum(axis=-1) + (here.slopes * slopes).sum(axis=-1)
    own = (here.diagonal * up**2).sum(axis=-1) + 2 * (here.beside * (up[:-1] * up[1:])).sum(axis=-1)
    mixed = (here.border * (up[:, np.newaxis] * slopes)).sum(axis=(-2, -1))
    others = (here.corner * (slopes[:, np.newaxis] * slopes)).sum(axis=(-2, -1))
    return score, own + 2 * mixed + others


def _curvature_at(thresholds: Floats, slopes: Floats, rows: Rows) -> Curvature:
    """Return the curvature of all trials at one point, shapes (1, cells - 1), (1, covariates)."""
    many = len(rows.place)
    at = (np.repeat(part, many, axis=0) for part in (thresholds, slopes))
    return curvature(point(rows, *at), rows)


def _counted(counts: Floats, places: Integers | None = None) -> Rows:
    """Return trials of treated and controls by cell, shape (trial, 2, cells), cells at places."""
    many, _, cells = counts.shape
    found = _ranked(counts.sum(axis=1) > 0) if places is None else places
    cell = np.broadcast_to(np.tile(np.arange(cells), 2), (many, 2 * cells))
    arm = np.broadcast_to(np.repeat([1.0, 0.0], cells)[:, np.newaxis], (many, 2 * cells, 1))
    return _rows_at(found, cell, arm, counts.reshape(many, -1))


def patients_in_rows(cell: Floats, covariates: Floats, cells: int) -> Rows:
    """Return trials of single patients, all covariates but the arm centred, with an SD of 1."""
    known = 1.0 * ~np.isnan(cell)
    place = np.where(known > 0, cell, 0.0).astype(np.intp)
    at = np.arange(len(cell))[:, np.newaxis] * cells + place
    counts = np.bincount(at.ravel(), known.ravel(), len(cell) * cells).reshape(-1, cells)
    weight = known[..., np.newaxis]
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    there = np.where(weight > 0, covariates, 0.0)
    centred = weight * (there - (weight * there).sum(axis=1, keepdims=True) / total)
    variance = (centred**2).sum(axis=1, keepdims=True) / total
    scaled = centred * divide(np.ones(()), np.sqrt(variance), 0.0)
    scaled[..., 0] = there[..., 0]
    return _rows_at(_ranked(counts > 0), place, scaled, known)


def _ranked(occupied: Booleans) -> Integers:
    """Return the place of each cell among those that are occupied, which keep their order."""
    return np.asarray(np.maximum(np.cumsum(occupied, axis=-1) - 1, 0))


def _rows_at(places: Integers, cell: Integers, x: Floats, weight: Floats | None = None) -> Rows:
    """Return rows whose cells have some places, x (trial, row, covariate); a patient each if told.

    The places have the shape (trial, cells), or (cells,) where they are those of all trials.
    """
    cells = places.shape[-1] if places.ndim > 1 else int(places.max()) + 1
    place = np.take_along_axis(places, cell, axis=-1) if places.ndim > 1 else places[cell]
    patients = np.ones(cell.shape) if weight is None else weight
    return Rows(place, patients, np.ascontiguousarray(np.moveaxis(x, -1, -2)), cells)


def _odds_ratio(
    rows: Rows,
    batch: tuple[int, ...],
    confidence: float,
    alternative: Alternative,
    interval: RatioInterval,
) -> OddsRatio:
    """Return what is found of the first covariate of each trial."""
    check_probability("confidence", confidence)
    check_alternative(alternative)
    check_choice("interval", interval, RatioInterval)
    quantile = float(scipy.special.ndtri((1 + confidence) / 2))
    limits = _profile_limits if interval == "profile" else _wald_limits
    parts = []
    for start in range(0, len(rows.place), AT_ONCE):
        some = rows.of(slice(start, start + AT_ONCE))
        found = _fitted(some)
        parts.append((*found, *limits(some, found[0], found[1], quantile)))
    joined = [np.concatenate(part) for part in zip([np.empty(0)] * 5, *parts, strict=True)]
    log_ratio, error, z, low, high = (part.reshape(batch) for part in joined)
    return OddsRatio(
        odds_ratio=np.exp(log_ratio),
        log_odds_ratio=log_ratio,
        standard_error=error,
        low=np.exp(low),
        high=np.exp(high),
        z=z,
        p_value=np.where(np.isnan(log_ratio), 1.0, normal_p_value(z, alternative)),
    )


def _wald_limits(
    rows: Rows, log_ratio: Floats, error: Floats, quantile: float
) -> tuple[Floats, Floats]:
    """Return the limits of the log odds ratio by its standard error."""
    known, half = ~np.isnan(error), quantile * error
    low = np.where(known, log_ratio - half, -np.inf)
    return low, np.where(known, log_ratio + half, np.inf)


def _profile_limits(
    rows: Rows, log_ratio: Floats, error: Floats, quantile: float
) -> tuple[Floats, Floats]:
    """Return the limits at which twice the log likelihood has fallen by the quantile squared.

    An end beyond which the likelihood never falls is infinite.
    """
    limits = _wald_limits(rows, log_ratio, error, quantile)
    for side, limit in zip((-1, 1), limits, strict=True):
        left = np.flatnonzero(~np.isnan(log_ratio) & (log_ratio != side * np.inf))
        if left.size > 0:
            start = np.where(np.isfinite(limit[left]), limit[left], 0.0)
            limit[left] = _fallen(rows.of(left), start, side, quantile)
    return limits


def _fallen(rows: Rows, start: Floats, side: int, quantile: float) -> Floats:
    """Return the slope on one side at which the root of twice the likelihood's fall is a quantile.

    By Newton's steps on that root, with the sign of the side: nearly a straight line.
    """
    many, covariates = rows.x.shape[:2]
    slope, others = start.copy(), rows.given(slice(1, None))
    thresholds, rest = null_thresholds(rows.counts), np.zeros((many, covariates - 1))
    best = maximised(rows, thresholds, np.zeros((many, covariates))).likelihood
    for _ in range(_LIMIT_STEPS):
        fit = maximised(others, thresholds, rest, slope[:, np.newaxis] * rows.x[:, 0])
        thresholds, rest = fit.thresholds, fit.slopes
        here = point(rows, thresholds, np.concatenate([slope[:, np.newaxis], rest], axis=1))
        steepness = np.abs(curvature(here, rows).slopes[:, 0])
        root = np.sqrt(np.maximum(2 * (best - fit.likelihood), 0.0))
        step = side * (quantile - root) * root * divide(np.ones(()), steepness, 0.0)
        slope += step
        if (np.abs(step) < _LIMIT_CLOSE).all():
            break
    return slope


def _fitted(rows: Rows) -> tuple[Floats, Floats, Floats]:
    """Return log odds ratio, its standard error and the score test's z, shape (trial,)."""
    log_ratio, error = np.full((2, len(rows.place)), np.nan)
    z = np.zeros(len(rows.place))
    left = np.flatnonzero(are_comparable(rows))
    if left.size == 0:
        return log_ratio, error, z
    some = rows.of(left)
    thresholds, slopes, judged = _without_the_arm(some)
    z[left] = _score(some, thresholds, slopes)
    alone = rows.x.shape[-2] == 1
    side = _separated(*_arms(rows)) if alone else np.zeros(len(rows.place))
    log_ratio[side != 0] = np.inf * side[side != 0]
    inside = (side[left] == 0) & judged
    left = left[inside]
    fit = maximised(some.of(inside.nonzero()[0]), thresholds[inside], slopes[inside])
    errors = _errors(fit)
    finite = has_a_maximum(fit)
    unbounded = np.where(errors < _UNBOUNDED, np.nan, np.copysign(np.inf, fit.slopes[:, 0]))
    error[left] = np.where(finite, errors, np.nan)
    log_ratio[left] = np.where(finite, fit.slopes[:, 0], unbounded)
    return log_ratio, error, z


def are_comparable(rows: Rows) -> Booleans:
    """Return whether each trial has patients in both arms, and not all of them in one cell."""
    treated, control = (arm.any(axis=1) for arm in _arms(rows))
    return np.asarray(treated & control & ((rows.counts > 0).sum(axis=1) > 1))


def has_a_maximum(fit: Fit) -> Booleans:
    """Return whether the likelihood of each trial has a maximum, and does not rise without end."""
    return np.asarray(fit.converged & (_errors(fit) < _UNBOUNDED))


def _errors(fit: Fit) -> Floats:
    """Return the standard error of the first slope."""
    return np.sqrt(np.maximum(invert(fit.information).matrix[:, 0, 0], 0.0))


def _arms(rows: Rows) -> tuple[Floats, Floats]:
    """Return the treated and the controls by cell, shape (trial, cells) each."""
    treated, control = (
        rows.by_threshold(rows.lower, rows.weight * among)[:, :-1]
        for among in (rows.x[:, 0] > 0, rows.x[:, 0] <= 0)
    )
    return treated, control


def _separated(treated: Floats, control: Floats) -> Floats:
    """Return 1 where no control is better than any of the treated, -1 the other way, else 0."""
    cells = np.arange(treated.shape[-1])
    ends = [
        (np.where(arm > 0, cells, cells.size).min(axis=-1), np.where(arm > 0, cells, -1).max(-1))
        for arm in (treated, control)
    ]
    (worst, best), (worst_control, best_control) = ends
    return np.asarray(1.0 * (worst >= best_control) - 1.0 * (worst_control >= best))


def _without_the_arm(rows: Rows) -> tuple[Floats, Floats, Booleans]:
    """Return thresholds and slopes as fitted where the first is 0, and where they could be."""
    many, covariates, _ = rows.x.shape
    thresholds, slopes = null_thresholds(rows.counts), np.zeros((many, covariates))
    if covariates == 1:
        return thresholds, slopes, np.ones(many, np.bool_)
    fit = maximised(rows.given(slice(1, None)), thresholds, slopes[:, 1:])
    slopes[:, 1:] = fit.slopes
    return fit.thresholds, slopes, fit.converged


def _score(rows: Rows, thresholds: Floats, slopes: Floats) -> Floats:
    """Return the first covariate's score over its standard error, the others' slopes as fitted."""
    gradient = curvature(point(rows, thresholds, slopes), rows).slopes[:, 0]
    information = expected_information(rows, thresholds, slopes)
    return np.asarray(gradient * np.sqrt(np.maximum(invert(information).matrix[:, 0, 0], 0.0)))

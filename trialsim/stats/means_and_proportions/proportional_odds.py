"""One odds ratio speaks for all cells of a scale, if its odds are proportional.

P(Y <= k) = expit(a_k - x b) for the cells k of a scale (McCullagh 1980, JRSS B 42:109), fitted to a
batch of trials at once by Newton's method. The likelihood is concave (Pratt 1981, JASA 76:103), and
its curvature is tridiagonal in the thresholds a, so that a step costs a few sweeps over the cells.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.monte_carlo import check_probability
from trialsim.stats.p_values import Alternative, check_alternative, normal_p_value
from trialsim.stats.ranks.covariances import invert

_STEPS = 50
_HALVINGS = 30
_CONVERGED = 1e-14
"""Twice what the likelihood would still gain: the square of a distance in standard errors."""
_UNBOUNDED = 100.0
"""A standard error that only a slope has on which the likelihood rises without end."""
_AT_ONCE = 16
"""Trials whose tables fit the cache; each is fitted as if it were alone."""


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
) -> OddsRatio:
    """Fit two arms counted over the cells of a scale, worst first, shapes (..., cells).

    See `adjusted_proportional_odds`, whose only covariate is then the arm. The z of its score test
    is that of Wilcoxon, Mann and Whitney times sqrt(N / (N - 1)), for N patients.

    >>> fit = proportional_odds(np.array([4, 6, 10]), np.array([8, 7, 5]))
    >>> round(fit.odds_ratio.item(), 4), round(fit.p_value.item(), 4)
    (2.8486, 0.0809)
    """
    counts = np.stack(np.broadcast_arrays(treated, control), axis=-2).astype(np.float64)
    arm = np.broadcast_to(np.array([[1.0], [0.0]]), (*counts.shape[:-1], 1))
    return adjusted_proportional_odds(counts, arm, confidence, alternative)


def adjusted_proportional_odds(
    counts: Floats,
    covariates: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> OddsRatio:
    """Fit the proportional odds model, and return the odds ratio of its first covariate.

    Patients are counted by pattern of covariates and cell, shape (..., patterns, cells), cells
    from worst to best; `covariates` has shape (..., patterns, covariates), the first of them 1 for
    the treated and 0 for the controls. A pattern may be one patient.

    The estimate and Wald's interval are those of maximum likelihood. The test is the score test
    with the expected information: it needs no estimate, and so stands where the arms are separated
    and the estimate is 0 or infinite, with the interval (0, inf). When all values are equal, or an
    arm is empty, the ratio is not known (NaN) and the p-value 1.

    >>> counts = np.array([[2.0, 3, 4], [2, 3, 6], [5, 4, 2], [3, 3, 3]])
    >>> fit = adjusted_proportional_odds(counts, np.array([[1.0, 0], [1, 1], [0, 0], [0, 1]]))
    >>> round(fit.odds_ratio.item(), 4), round(fit.p_value.item(), 4)
    (2.7403, 0.0946)
    """
    check_probability("confidence", confidence)
    check_alternative(alternative)
    batch, rows = counts.shape[:-2], (-1, *counts.shape[-2:])
    trials, x = counts.reshape(rows), covariates.reshape((-1, *covariates.shape[-2:]))
    parts = [
        _fitted(trials[start : start + _AT_ONCE], x[start : start + _AT_ONCE])
        for start in range(0, len(trials), _AT_ONCE)
    ]
    empty = [np.empty(0)] * 3
    joined = [np.concatenate(part) for part in zip(empty, *parts, strict=True)]
    log_ratio, error, z = (part.reshape(batch) for part in joined)
    half = float(scipy.special.ndtri((1 + confidence) / 2)) * error
    known = ~np.isnan(error)
    return OddsRatio(
        odds_ratio=np.exp(log_ratio),
        log_odds_ratio=log_ratio,
        standard_error=error,
        low=np.exp(np.where(known, log_ratio - half, -np.inf)),
        high=np.exp(np.where(known, log_ratio + half, np.inf)),
        z=z,
        p_value=np.where(np.isnan(log_ratio), 1.0, normal_p_value(z, alternative)),
    )


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
    pooled, x = kept.sum(axis=0)[np.newaxis], np.array([[[1.0], [0.0]]])
    log_ratio, error, _ = _fitted(pooled, x)
    if np.isnan(error[0]):
        return np.exp(log_ratio[0]), influence
    fitted = _maximised(pooled, x, _null_thresholds(pooled.sum(axis=1)))
    model = _model(fitted[0], fitted[1], x)
    whole, each = (_curvature(model, table, x) for table in (pooled, kept))
    along = _along_the_arm(whole)
    score, information = _slope_along(along, each)[0], _slope_along(along, whole)[1]
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


def nearby_fit(counts: Floats, covariates: Floats) -> NearbyFit:
    """Fit patterns of patients, shapes (patterns, cells) and (patterns, covariates), as one trial.

    >>> counts = np.array([[2.0, 3, 4], [2, 3, 6], [5, 4, 2], [3, 3, 3]])
    >>> near = nearby_fit(counts, np.array([[1.0, 0], [1, 1], [0, 0], [0, 1]]))
    >>> round(float(np.exp(near.log_odds_ratio)), 4)
    2.7403
    """
    occupied = counts.sum(axis=0) > 0
    if occupied.sum() < 2:
        none = np.empty(0)
        return NearbyFit(np.nan, none, none, np.empty(0, np.intp), none, none, _Along(none, none))
    place = np.minimum(np.cumsum(occupied) - occupied, occupied.sum() - 1)
    centre, variance = (
        np.average(part, axis=0, weights=counts.sum(axis=1)) for part in (covariates, covariates**2)
    )
    scale = np.sqrt(np.maximum(variance - centre**2, 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    centre[0], scale[0] = 0.0, 1.0
    tables, x = counts[np.newaxis][..., occupied], ((covariates - centre) / scale)[np.newaxis]
    start = _null_thresholds(tables.sum(axis=1))
    thresholds, slopes, information, done = _maximised(tables, x, start)
    along = _along_the_arm(_curvature(_model(thresholds, slopes, x), tables, x))
    error = np.sqrt(np.maximum(invert(information).matrix[0, 0, 0], 0.0))
    known = slopes[0, 0] if done[0] and 0 < error < _UNBOUNDED else np.nan
    return NearbyFit(float(known), thresholds, slopes, place, centre, scale, along)


def one_step(near: NearbyFit, counts: Floats, covariates: Floats) -> tuple[Floats, Floats]:
    """Return two numbers of each trial, whose means' ratio is the log odds ratio of them all.

    The ratio is one step of Newton's from a fit nearby, along the direction in which everything
    else is fitted anew: with the efficient score S and its information I there, the log odds ratio
    of the fit plus sum(S) / sum(I) (Bickel, Klaassen, Ritov and Wellner 1993, section 2.5). It
    differs from the fit to all trials pooled by the square of what the fit nearby is off.

    Shapes as in `adjusted_proportional_odds`; both numbers are NaN where the fit is none.

    >>> counts = np.array([[[2.0, 3, 4], [2, 3, 6], [5, 4, 2], [3, 3, 3]]])
    >>> x = np.array([[[1.0, 0], [1, 1], [0, 0], [0, 1]]])
    >>> over, under = one_step(nearby_fit(counts[0], x[0]), counts, x)
    >>> round(float(np.exp(over / under)[0]), 4)
    2.7403
    """
    if np.isnan(near.log_odds_ratio):
        return np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    merged = np.zeros((*counts.shape[:-1], near.thresholds.shape[-1] + 1))
    for cell, place in enumerate(near.place):
        merged[..., place] += counts[..., cell]
    x = (covariates - near.centre) / near.scale
    parts = [
        _slope_along(near.along, _curvature(_model(near.thresholds, near.slopes, one), table, one))
        for table, one in zip(merged[:, np.newaxis], x[:, np.newaxis], strict=True)
    ]
    score, information = np.array(parts).reshape(-1, 2).T
    return near.log_odds_ratio * information + score, information


class _Model(NamedTuple):
    """The model at some thresholds (trial, cells - 1) and slopes (trial, covariates)."""

    shares: Floats  # of the cells in each pattern, (trial, pattern, cells)
    density: Floats  # derivative of the cumulative shares, (trial, pattern, cells - 1)
    bend: Floats  # derivative of the density


class _Curvature(NamedTuple):
    """Gradient and information: tridiagonal in the thresholds, with a border for the slopes."""

    thresholds: Floats  # gradient, (trial, cells - 1)
    slopes: Floats  # gradient, (trial, covariates)
    diagonal: Floats  # (trial, cells - 1)
    beside: Floats  # (trial, cells - 2)
    border: Floats  # (trial, cells - 1, covariates)
    corner: Floats  # (trial, covariates, covariates)


class _Along(NamedTuple):
    """The direction in which the first slope moves by 1 and the likelihood falls least."""

    thresholds: Floats  # (cells - 1,)
    slopes: Floats  # (covariates,)


def _along_the_arm(whole: _Curvature) -> _Along:
    """Return the direction of the efficient score, from the information of all trials together."""
    through = _tridiagonal(whole.diagonal, whole.beside, whole.border)[0]
    information = whole.corner[0] - whole.border[0].T @ through
    inverse = invert(information).matrix[:, 0]
    slopes = divide(inverse, inverse[0], 0.0)
    return _Along(-through @ slopes, slopes)


def _slope_along(along: _Along, here: _Curvature) -> tuple[Floats, Floats]:
    """Return the gradient of the likelihood along a direction, and its information, (trial,)."""
    up, slopes = along
    score = (here.thresholds * up).sum(axis=-1) + (here.slopes * slopes).sum(axis=-1)
    own = (here.diagonal * up**2).sum(axis=-1) + 2 * (here.beside * (up[:-1] * up[1:])).sum(axis=-1)
    mixed = (here.border * (up[:, np.newaxis] * slopes)).sum(axis=(-2, -1))
    others = (here.corner * (slopes[:, np.newaxis] * slopes)).sum(axis=(-2, -1))
    return score, own + 2 * mixed + others


def _fitted(counts: Floats, covariates: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log odds ratio, its standard error and the score test's z, shape (trial,)."""
    counts, x = _occupied_first(counts), _on_one_scale(counts, covariates)
    treated = (counts * (x[..., :1] > 0)).sum(axis=1)
    control = counts.sum(axis=1) - treated
    occupied = treated + control > 0
    comparable = treated.any(axis=1) & control.any(axis=1) & (occupied.sum(axis=1) > 1)
    log_ratio, error = np.full((2, len(counts)), np.nan)
    z = np.zeros(len(counts))
    rows = np.flatnonzero(comparable)
    if rows.size == 0:
        return log_ratio, error, z
    start = _null_thresholds((treated + control)[rows])
    z[rows] = _score(counts[rows], x[rows], start)
    side = _separated(treated, control) if x.shape[-1] == 1 else np.zeros(len(counts))
    log_ratio[side != 0] = np.inf * side[side != 0]
    inside = side[rows] == 0
    rows, start = rows[inside], start[inside]
    _, slopes, information, done = _maximised(counts[rows], x[rows], start)
    errors = np.sqrt(np.maximum(invert(information).matrix[:, 0, 0], 0.0))
    finite = done & (errors < _UNBOUNDED)
    error[rows] = np.where(finite, errors, np.nan)
    log_ratio[rows] = np.where(finite, slopes[:, 0], np.copysign(np.inf, slopes[:, 0]))
    return log_ratio, error, z


def _occupied_first(counts: Floats) -> Floats:
    """Move the empty cells behind the others, which keep their order."""
    empty = counts.sum(axis=1) == 0
    order = np.argsort(empty, axis=-1, kind="stable")
    return np.take_along_axis(counts, order[:, np.newaxis, :], axis=-1)


def _on_one_scale(counts: Floats, covariates: Floats) -> Floats:
    """Centre all covariates but the first and divide them by their SD, if they have one."""
    patients = counts.sum(axis=-1, keepdims=True)
    total = np.maximum(patients.sum(axis=1, keepdims=True), 1.0)
    centred = covariates - (patients * covariates).sum(axis=1, keepdims=True) / total
    variance = (patients * centred**2).sum(axis=1, keepdims=True) / total
    scaled: Floats = centred * divide(np.ones(()), np.sqrt(variance), 0.0)
    scaled[..., 0] = covariates[..., 0]
    return scaled


def _separated(treated: Floats, control: Floats) -> Floats:
    """Return 1 where no control is better than any of the treated, -1 the other way, else 0."""
    cells = np.arange(treated.shape[-1])
    ends = [
        (np.where(arm > 0, cells, cells.size).min(axis=-1), np.where(arm > 0, cells, -1).max(-1))
        for arm in (treated, control)
    ]
    (worst, best), (worst_control, best_control) = ends
    return np.asarray(1.0 * (worst >= best_control) - 1.0 * (worst_control >= best))


def _null_thresholds(pooled: Floats) -> Floats:
    """Return the thresholds that fit when nothing has an influence; infinite where none is left."""
    below = np.cumsum(pooled, axis=-1)[:, :-1]
    above = pooled.sum(axis=-1, keepdims=True) - below
    odds = below / np.where(above > 0, above, 1.0)
    return np.where(above > 0, np.log(odds), np.inf)


def _score(counts: Floats, x: Floats, start: Floats) -> Floats:
    """Return the first covariate's score over its standard error, the others' slopes as fitted."""
    thresholds, slopes = start, np.zeros((len(x), x.shape[-1]))
    if x.shape[-1] > 1:
        thresholds, slopes[:, 1:], _, _ = _maximised(counts, x[..., 1:], start)
    model = _model(thresholds, slopes, x)
    gradient = _curvature(model, counts, x).slopes[:, 0]
    expected = _curvature(model, counts.sum(axis=-1, keepdims=True) * model.shares, x)
    _, information, _ = _eliminated(expected)
    return np.asarray(gradient * np.sqrt(np.maximum(invert(information).matrix[:, 0, 0], 0.0)))


def _maximised(counts: Floats, x: Floats, start: Floats) -> tuple[Floats, Floats, Floats, Booleans]:
    """Return thresholds, slopes, the slopes' information, and where there is a maximum."""
    thresholds, slopes = start.copy(), np.zeros((len(x), x.shape[-1]))
    information = np.zeros((*slopes.shape, slopes.shape[-1]))
    likelihood = _likelihood(counts, thresholds, slopes, x)
    done = np.zeros(len(x), np.bool_)
    for _ in range(_STEPS):
        rows = np.flatnonzero(~done)
        if rows.size == 0:
            break
        tables, patterns = counts[rows], x[rows]
        here = _curvature(_model(thresholds[rows], slopes[rows], patterns), tables, patterns)
        towards, information[rows], up = _eliminated(here)
        gain = (here.thresholds * up).sum(axis=-1) + (here.slopes * towards).sum(axis=-1)
        whole = np.ones((len(rows), 1))
        for _ in range(_HALVINGS):
            moved = thresholds[rows] + whole * up, slopes[rows] + whole * towards
            reached = _likelihood(tables, *moved, patterns)
            worse = ~(reached >= likelihood[rows] - 1e-12 * np.abs(likelihood[rows]))
            if not worse.any():
                break
            whole[worse] /= 2
        thresholds[rows], slopes[rows] = moved
        likelihood[rows] = reached
        done[rows] = gain < _CONVERGED
    return thresholds, slopes, information, done


def _model(thresholds: Floats, slopes: Floats, x: Floats) -> _Model:
    """Return shares without loss of digits: expit(u) - expit(l) = -expm1(l - u) expit(u) expit(-l).

    A threshold beyond the last occupied cell is infinite, and all of its terms are 0.
    """
    score = thresholds[:, np.newaxis, :] - x @ slopes[..., np.newaxis]
    below, above = scipy.special.expit(score), scipy.special.expit(-score)
    density = below * above
    ones = np.ones((*score.shape[:-1], 1))
    lower = np.concatenate([-np.inf * ones, score], axis=-1)
    gap = np.where(np.isposinf(lower), 0.0, lower)
    gap = np.where(np.isposinf(lower), 0.0, gap - np.concatenate([score, np.inf * ones], axis=-1))
    heads = np.concatenate([below, ones], axis=-1)
    tails = np.concatenate([ones, above], axis=-1)
    return _Model(-np.expm1(gap) * heads * tails, density, density * (above - below))


def _likelihood(counts: Floats, thresholds: Floats, slopes: Floats, x: Floats) -> Floats:
    shares = _model(thresholds, slopes, x).shares
    likelihood: Floats = scipy.special.xlogy(counts, shares).sum(axis=(1, 2))
    return likelihood


def _curvature(model: _Model, counts: Floats, x: Floats) -> _Curvature:
    """Return gradient and observed information; with expected counts, the expected information."""
    by_share = divide(counts, model.shares, 0.0)
    twice = divide(by_share, model.shares, 0.0)
    step = by_share[..., :-1] - by_share[..., 1:]
    gradient = model.density * step
    diagonal = model.density**2 * (twice[..., :-1] + twice[..., 1:]) - model.bend * step
    beside = -model.density[..., :-1] * model.density[..., 1:] * twice[..., 1:-1]
    row = diagonal.copy()
    row[..., :-1] += beside
    row[..., 1:] += beside
    turned = np.swapaxes(x, -1, -2)
    return _Curvature(
        thresholds=gradient.sum(axis=1),
        slopes=-(turned @ gradient.sum(axis=-1)[..., np.newaxis])[..., 0],
        diagonal=diagonal.sum(axis=1),
        beside=beside.sum(axis=1),
        border=-np.swapaxes(turned @ row, -1, -2),
        corner=(turned * row.sum(axis=-1)[:, np.newaxis, :]) @ x,
    )


def _eliminated(here: _Curvature) -> tuple[Floats, Floats, Floats]:
    """Solve for Newton's step: slopes, their information without the thresholds, thresholds."""
    right = np.concatenate([here.thresholds[..., np.newaxis], here.border], axis=-1)
    solved = _tridiagonal(here.diagonal, here.beside, right)
    alone, through = solved[..., 0], solved[..., 1:]
    border = np.swapaxes(here.border, -1, -2)
    information = here.corner - border @ through
    rest = here.slopes[..., np.newaxis] - border @ alone[..., np.newaxis]
    slopes = (invert(information).matrix @ rest)[..., 0]
    return slopes, information, alone - (through @ slopes[..., np.newaxis])[..., 0]


def _tridiagonal(diagonal: Floats, beside: Floats, right: Floats) -> Floats:
    """Solve symmetric tridiagonal systems by elimination, shapes (trial, n), (.., n-1), (.., n, k).

    A row of zeros, that of a threshold which is not there, has the solution 0.

    >>> _tridiagonal(np.array([[2.0, 2.0]]), np.array([[1.0]]), np.array([[[3.0], [3.0]]])).tolist()
    [[[1.0], [1.0]]]
    """
    pivots = np.where(diagonal == 0, 1.0, diagonal)
    solved = right.copy()
    for row in range(1, pivots.shape[-1]):
        factor = beside[:, row - 1] / pivots[:, row - 1]
        pivots[:, row] -= factor * beside[:, row - 1]
        solved[:, row] -= factor[:, np.newaxis] * solved[:, row - 1]
    solved[:, -1] /= pivots[:, -1:]
    for row in range(pivots.shape[-1] - 2, -1, -1):
        solved[:, row] -= beside[:, row, np.newaxis] * solved[:, row + 1]
        solved[:, row] /= pivots[:, row, np.newaxis]
    return solved

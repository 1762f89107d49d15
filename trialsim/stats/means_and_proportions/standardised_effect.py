"""A model given covariates predicts every patient in either arm; averaged, the arms are compared.

By standardisation (g-computation) the effect is marginal, that of two populations, whatever the
covariates explain (Benkeser et al. 2021, Biometrics 77:1467): the proportional odds model gives
each patient's cells if treated and if not, and the Mann-Whitney effect is that of the two averaged
distributions. Its variance is that of the patients' influences, of which one part is that they were
sampled and the other that the model was fitted to them; it needs no model to be true.
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats, Integers
from trialsim.stats.means_and_proportions.balanced_strata import spared_by_balance
from trialsim.stats.means_and_proportions.cumulative_logits import (
    Rows,
    curvature,
    maximised,
    newton_step,
    null_thresholds,
    point,
)
from trialsim.stats.means_and_proportions.proportional_odds import (
    AT_ONCE,
    are_comparable,
    has_a_maximum,
    patients_in_rows,
)


class StandardisedEffect(NamedTuple):
    """The Mann-Whitney effect of two averaged distributions, NaN where the model has no fit."""

    effect: Floats
    variance: Floats
    """Of the influences, times N / (N - covariates - 1) for N patients."""


class _Influenced(NamedTuple):
    """The effect, and what each patient does to it."""

    rows: Rows
    effect: Floats  # (trial,)
    influence: Floats  # (trial, row): the effect less the true one is their mean


class _Predicted(NamedTuple):
    """All patients in one arm."""

    x: Floats  # with the arm, (trial, covariate, row)
    below: Floats  # probability to be in a cell or below, (trial, cells - 1, row)
    average: Floats  # of them over patients, (trial, cells - 1)


def standardised_effect(
    cell: Floats, covariates: Floats, cells: int, groups: Integers | None = None
) -> StandardisedEffect:
    """Fit the proportional odds model, and compare its averaged predictions in the two arms.

    The arguments are those of `adjusted_proportional_odds`: `cell` of shape (..., patients), NaN of
    who is not analysed, `covariates` of shape (..., patients, covariates), the arm first.

    With `groups`, of shape (..., patients, groups), the variance is that under a procedure that
    balances the arms within them, see `spared_by_balance`; otherwise that of simple randomisation.

    Where the fit is right, so is the effect. Where there is no effect it is 0.5 whatever the fit,
    for randomisation makes the arms alike. With the arm alone it is that of the fitted model, which
    need not be that of the counts.

    >>> cell = np.array([0.0, 0, 1, 2, 2, 2, 0, 0, 0, 1, 1, 2])
    >>> age = np.array([71.0, 60, 55, 48, 66, 59, 70, 58, 68, 61, 50, 52])
    >>> covariates = np.stack([np.repeat([1.0, 0.0], 6), age], axis=-1)
    >>> found = standardised_effect(cell, covariates, 3)
    >>> round(found.effect.item(), 4), round(found.variance.item() ** 0.5, 4)
    (0.6425, 0.15)
    """
    one = cell.reshape(-1, cell.shape[-1])
    x = covariates.reshape(*one.shape, -1)
    some = (slice(start, start + AT_ONCE) for start in range(0, len(one), AT_ONCE))
    within = None if groups is None else groups.reshape(*one.shape, -1)
    parts = [
        _fitted_effects(
            patients_in_rows(one[trials], x[trials], cells),
            None if within is None else within[trials],
        )
        for trials in some
    ]
    joined = (np.concatenate(part) for part in zip([np.empty(0)] * 2, *parts, strict=True))
    return StandardisedEffect(*(part.reshape(cell.shape[:-1]) for part in joined))


def _fitted_effects(rows: Rows, groups: Integers | None) -> tuple[Floats, Floats]:
    """Return effect and variance of each trial; NaN where the likelihood has no maximum."""
    effect, variance = np.full((2, len(rows.place)), np.nan)
    left = np.flatnonzero(are_comparable(rows))
    if left.size == 0:
        return effect, variance
    some = rows.of(left)
    start = null_thresholds(some.counts), np.zeros(some.x.shape[:2])
    fit = maximised(some, *start)
    fitted = np.flatnonzero(has_a_maximum(fit))
    at = fit.thresholds[fitted], fit.slopes[fitted]
    found = _standardised(some.of(fitted), *at)
    done = left[fitted]
    effect[done], variance[done] = (
        found.effect,
        _variance(found, None if groups is None else groups[done]),
    )
    return effect, variance


def _variance(found: _Influenced, groups: Integers | None) -> Floats:
    """Return the variance of the effect, (trial,), of whatever is left to chance."""
    rows = found.rows
    patients = rows.weight.sum(axis=1)
    spare = np.maximum(patients - rows.x.shape[1] - 1, 1.0)
    variance = (rows.weight * found.influence**2).sum(axis=1) / (patients * spare)
    if groups is None:
        return np.asarray(variance)
    spared = spared_by_balance(found.influence, rows.x[:, 0] > 0, rows.weight > 0, groups)
    return np.asarray(np.where(spared < variance, variance - spared, variance))


def _standardised(rows: Rows, thresholds: Floats, slopes: Floats) -> _Influenced:
    """Return the effect at the fit, and by how much each patient moves it.

    With the averages F1 and F0 and their shares of cells p1 and p0, the effect is the sum over
    cells k of p1(k) (F0(k - 1) + F0(k)) / 2. F1(k) pulls at it by -(p0(k) + p0(k + 1)) / 2, F0(k)
    by (p1(k) + p1(k + 1)) / 2; so do the patients' predictions, and through them the parameters.
    """
    patients = rows.weight.sum(axis=1, keepdims=True)
    treated, control = (_predicted(rows, thresholds, slopes, arm) for arm in (1.0, 0.0))
    shares_treated, shares_control = _shares(treated.average), _shares(control.average)
    below_control = np.cumsum(shares_control, axis=1) - shares_control / 2
    effect = (shares_treated * below_control).sum(axis=1)

    own, up, along = np.zeros(rows.place.shape), np.zeros(thresholds.shape), np.zeros(slopes.shape)
    for arm, pull in ((treated, -_beside(shares_control)), (control, _beside(shares_treated))):
        own += (pull[:, np.newaxis] @ arm.below)[:, 0] - (pull * arm.average).sum(1, keepdims=True)
        steep = arm.below * (1 - arm.below) * (rows.weight / patients)[:, np.newaxis]
        up += pull * steep.sum(axis=-1)
        along -= (arm.x @ np.swapaxes(pull[:, np.newaxis] @ steep, -1, -2))[..., 0]
    influence = own + patients * _scores_along(rows, (thresholds, slopes), (up, along))
    return _Influenced(rows, effect, influence)


def _predicted(rows: Rows, thresholds: Floats, slopes: Floats, arm: float) -> _Predicted:
    """Return all patients as the model predicts them in an arm."""
    x = rows.x.copy()
    x[:, 0] = arm
    below = scipy.special.expit(thresholds[..., np.newaxis] - slopes[:, np.newaxis] @ x)
    total = (below @ rows.weight[..., np.newaxis])[..., 0]
    return _Predicted(x, below, total / rows.weight.sum(axis=1, keepdims=True))


def _shares(average: Floats) -> Floats:
    """Return the shares of cells of cumulative ones, shape (trial, cells)."""
    ends = np.ones((len(average), 1))
    return np.diff(average, axis=1, prepend=0 * ends, append=ends)


def _beside(shares: Floats) -> Floats:
    """Return the mean of the shares on both sides of each threshold."""
    return np.asarray((shares[:, :-1] + shares[:, 1:]) / 2)


def _scores_along(rows: Rows, at: tuple[Floats, Floats], gradient: tuple[Floats, Floats]) -> Floats:
    """Return by how much each patient moves what has a gradient, through the fit, (trial, row)."""
    here = point(rows, *at)
    bend = curvature(here, rows)._replace(thresholds=gradient[0], slopes=gradient[1])
    slopes, _, thresholds = newton_step(bend)
    ends = np.zeros((len(thresholds), rows.cells + 1))
    ends[:, 1:-1] = thresholds
    odds = np.take_along_axis(here.odds, rows.place, axis=1)
    upper = ends.take(rows.lower + 1) * (1 - here.below + odds)
    lower = ends.take(rows.lower) * (1 - here.above + odds)
    line = (slopes[:, np.newaxis] @ rows.x)[:, 0]
    return np.asarray(upper - lower + line * (here.below - here.above))

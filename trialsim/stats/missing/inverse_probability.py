"""Who was seen stands for those like them who were not: weights by the inverse probability.

The probability to be seen is modelled in each arm by logistic regression on covariates. Estimates
weighted by its inverse are consistent where scores are missing at random given these (Robins,
Rotnitzky and Zhao 1995, JASA 90:106, section 2).
"""

from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.ranks.covariances import invert

_STEPS = 50
_CONVERGED = 1e-9
_LARGEST_STEP = 5.0


class Weighted(NamedTuple):
    """The patients of an arm, their weights, and what the weights owe to the model of them."""

    weights: Floats  # 1 / probability of those seen, 0 of all others, (..., patients)
    unseen: Floats  # the covariates times the probability not to be seen, (..., patients, q)
    influence: Floats  # of each patient on the coefficients, (..., patients, q)
    free: Floats  # patients seen, less one and the coefficients that were needed, (...)


class WeightedEstimate(NamedTuple):
    """An estimate and its variance, NaN where either is not known."""

    estimate: Floats
    variance: Floats


def weighted(seen: Booleans, arm: Booleans, covariates: Floats) -> Weighted:
    """Weigh the patients of an arm, shapes (..., patients) and covariates (..., patients, q).

    The logistic regression is Firth's (1993, Biometrika 80:27), so that it has a maximum where the
    covariates tell exactly who was seen. Where all were, the weights are 1.

    >>> seen = np.array([True, True, False, True])
    >>> weighted(seen, np.ones(4, bool), np.empty((4, 0))).weights.round(4).tolist()
    [1.4286, 1.4286, 0.0, 1.4286]
    """
    x = _design(arm, covariates)
    slopes = _fitted(seen & arm, x)
    inside, information = _at(x, slopes)
    missing = np.asarray((arm & ~seen).any(axis=-1))
    inside = np.where(missing[..., np.newaxis], inside, 1.0)
    residual = np.where(arm, seen - inside, 0.0)
    inverse = invert(information)
    spread = inverse.matrix * missing[..., np.newaxis, np.newaxis]
    return Weighted(
        weights=np.where(seen & arm, 1 / inside, 0.0),
        unseen=x * np.where(arm, 1 - inside, 0.0)[..., np.newaxis],
        influence=(x * residual[..., np.newaxis]) @ spread,
        free=(seen & arm).sum(axis=-1) - 1.0 - np.where(missing, inverse.rank, 0),
    )


def weighted_mean(values: Floats, arm: Weighted) -> WeightedEstimate:
    """Return the weighted mean of an arm's values, shape (..., patients).

    Its variance is that of the patients' influences, which count that the weights are estimated,
    times n / (n - 1 - q) for n patients seen and q coefficients (as MacKinnon and White 1985, J
    Econometrics 29:305, HC1); where all were seen it is the usual one.

    >>> one = Weighted(np.ones(3), np.zeros((3, 1)), np.zeros((3, 1)), np.array(2.0))
    >>> [x.item() for x in weighted_mean(np.array([1.0, 2, 6]), one)]  # 7 / 3
    [3.0, 2.3333333333333335]
    """
    total = arm.weights.sum(axis=-1)
    known = np.where(arm.weights > 0, values, 0.0)
    mean = divide((arm.weights * known).sum(axis=-1), total, np.nan)
    own = arm.weights * (known - np.nan_to_num(mean)[..., np.newaxis])
    owed = (own[..., np.newaxis, :] @ arm.unseen)[..., 0, :]
    influence = own - (arm.influence @ owed[..., np.newaxis])[..., 0]
    squares = (influence**2).sum(axis=-1) * divide((arm.weights > 0).sum(axis=-1), arm.free, np.nan)
    return WeightedEstimate(mean, divide(squares, total**2, np.nan))


def weighted_effect(
    cells: Integers, count: int, treated: Weighted, control: Weighted
) -> WeightedEstimate:
    """Return the Mann-Whitney effect of weighted patients in cells from worst to best.

    Each patient's placement is the weighted share of the other arm below, ties counting half; the
    effect is the mean placement of the treated, and its variance the sum over both arms.

    >>> ones = [Weighted(np.array(w), *np.zeros((2, 4, 1)), np.array(1.0)) for w in
    ...         ([1.0, 1, 0, 0], [0.0, 0, 1, 1])]
    >>> weighted_effect(np.array([2, 3, 1, 2]), 4, *ones).estimate.item()
    0.875
    """
    below_treated = _shares_below(cells, count, treated.weights)
    over_controls = weighted_mean(_shares_below(cells, count, control.weights), treated)
    over_treated = weighted_mean(below_treated, control)
    return WeightedEstimate(over_controls.estimate, over_controls.variance + over_treated.variance)


def _design(arm: Booleans, covariates: Floats) -> Floats:
    """Return 1 and the covariates, centred and on one scale in the arm; 0 for all others."""
    turned = np.ascontiguousarray(np.swapaxes(covariates, -1, -2), np.float64)
    here = np.broadcast_to(arm[..., np.newaxis, :], turned.shape)
    patients = np.maximum(here.sum(axis=-1, keepdims=True), 1)
    centred = turned - np.where(here, turned, 0.0).sum(axis=-1, keepdims=True) / patients
    centred = np.where(here, centred, 0.0)
    sd = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / patients)
    scaled = np.swapaxes(centred * divide(np.ones(()), sd, 0.0), -1, -2)
    return np.concatenate([1.0 * arm[..., np.newaxis], scaled], axis=-1)


def _fitted(seen: Booleans, x: Floats) -> Floats:
    """Return the coefficients of Firth's logistic regression; each trial stops by itself."""
    slopes = np.zeros((*x.shape[:-2], x.shape[-1]))
    going = np.ones(slopes.shape[:-1], np.bool_)
    for _ in range(_STEPS):
        inside, information = _at(x, slopes)
        inverse = invert(information).matrix
        leverage = ((x @ inverse) * x).sum(axis=-1) * inside * (1 - inside)
        pull = x[..., 0] * (seen - inside + leverage * (0.5 - inside))
        step = (inverse @ (pull[..., np.newaxis, :] @ x).swapaxes(-1, -2))[..., 0]
        size = np.abs(step).max(axis=-1)
        step = step * np.minimum(1.0, _LARGEST_STEP / np.maximum(size, 1e-300))[..., np.newaxis]
        slopes = np.where(going[..., np.newaxis], slopes + step, slopes)
        going = going & (size > _CONVERGED)
        if not going.any():
            break
    return slopes


def _at(x: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Return the probabilities and the information at some coefficients."""
    inside = scipy.special.expit((x @ slopes[..., np.newaxis])[..., 0])
    spread = x * (inside * (1 - inside))[..., np.newaxis]
    return inside, np.swapaxes(spread, -1, -2) @ x


def _shares_below(cells: Integers, count: int, weights: Floats) -> Floats:
    """Return the weighted share of others below each patient, ties counting half."""
    flat, others = cells.reshape(-1, cells.shape[-1]), weights.reshape(-1, cells.shape[-1])
    place = np.arange(len(flat))[:, np.newaxis] * count + flat
    sums = np.bincount(place.ravel(), others.ravel(), len(flat) * count).reshape(-1, count)
    below = np.cumsum(sums, axis=-1) - sums / 2
    shares = divide(below, sums.sum(axis=-1, keepdims=True), np.nan)
    return np.take_along_axis(shares, flat, axis=-1).reshape(cells.shape)

"""A score at an end of its scale stands for a latent one at or beyond it, in a joint normal.

The visits of an arm have any means and covariances. Scores at the ends (Tobin 1958, Econometrica
26:24) and missing ones are drawn given all others of the patient, then means and covariances given
all scores, in turn: data augmentation (Tanner and Wong 1987, JASA 82:528; Schafer 1997, Analysis of
Incomplete Multivariate Data, section 5.4). So what is imputed knows what piles up at a floor.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri

from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.stats.missing.multiple_imputation import SMALLEST_UNIFORM, Regression

BURN_IN: Final = 20
"""Sweeps before the first imputation; each of them starts where the last has ended."""
_LEAST: Final = 1e-300


class Parameters(NamedTuple):
    """A draw of an arm's means and covariances from their posterior."""

    mean: Floats  # (..., visits)
    whitening: Floats  # lower triangular W with W'W the inverse covariance, (..., visits, visits)


class _Unknown(NamedTuple):
    """The scores of a visit that are drawn."""

    patient: Integers  # which of all patients of the batch
    arm: Integers  # which arm of the batch is the patient's
    until: Integers  # which visit of all its arms' is the last with a score, or this if later
    side: Floats  # 1 for what is at most its bound, -1 for at least
    bound: Floats  # infinite for what is missing


def uniforms_of_sweep(patients: int, visits: int) -> tuple[int, int]:
    """Return how many uniforms a sweep needs for the scores of each visit, and for its parameters.

    >>> uniforms_of_sweep(104, 6)
    (104, 27)
    """
    return patients, visits * (visits + 3) // 2


def latent_draws(
    scores: Floats,
    low: float,
    high: float,
    uniforms: Iterator[tuple[Floats, Floats]],
    exact: int = 0,
) -> Iterator[tuple[Floats, Parameters]]:
    """Yield latent scores of one arm, (..., patients, visits), and the parameters behind them.

    `uniforms` yields those of a sweep: (..., visits, patients) for the scores and, for the
    parameters, (..., number) as `uniforms_of_sweep` gives it. After `BURN_IN` sweeps each further
    one is yielded; latent scores hold what was known between the ends. A patient without any score
    is not of the arm and stays NaN, as does an arm of fewer than two patients; a missing score also
    where fewer than three of the arm have one at that visit. The first visits, so many as are
    `exact`, stand for what they are also at an end: those before treatment, which are given.

    >>> scores = np.array([[10.0, 14], [20, 26], [30, 33], [40, np.nan], [50, 56], [57, 57]])
    >>> rng = np.random.default_rng(1)
    >>> sweeps = ((rng.random((2, 6)), rng.random(5)) for _ in range(BURN_IN + 3))
    >>> [latent[3, 1].round(1).item() for latent, _ in latent_draws(scores, 0, 57, sweeps)]
    [45.6, 43.0, 48.4]
    """
    enrolled = ~np.isnan(scores).all(axis=-1)
    known = enrolled & (enrolled.sum(axis=-1, keepdims=True) > 1)
    many = np.arange(scores.shape[-1])
    lows, highs = np.where(many < exact, -np.inf, low), np.where(many < exact, np.inf, high)
    latent, seen = _started(scores, known, lows, highs), ~np.isnan(scores)
    last = np.where(seen, many, 0).max(axis=-1)
    unknown = [_unknown(scores, visit, known, last, lows, highs) for visit in range(len(many))]
    told = known[..., np.newaxis] & (seen | (seen.sum(axis=-2, keepdims=True) > 2))
    each = np.broadcast_to(known[..., np.newaxis], latent.shape).astype(np.float64)
    for sweep, (of_scores, of_parameters) in enumerate(uniforms):
        drawn = _parameters(latent, each, _inside(of_parameters))
        _redrawn(latent, drawn, unknown, of_scores)
        if sweep >= BURN_IN:
            yield np.where(told, latent, np.nan), drawn


def regressions_of(drawn: Parameters) -> tuple[Regression, ...]:
    """Return the regression of each visit on those before it that a joint normal has.

    >>> joint = Parameters(np.array([1.0, 2.0]), np.linalg.inv([[1.0, 0.0], [0.5, 2.0]]))
    >>> second = regressions_of(joint)[1]
    >>> second.at(np.array([[3.0]])).tolist(), second.sd.tolist()
    ([3.0], [2.0])
    """
    mean, whitening = drawn
    found = []
    for visit in range(mean.shape[-1]):
        row = whitening[..., visit, : visit + 1]
        found.append(
            Regression(
                mean=mean[..., visit, np.newaxis],
                slope=-row[..., :-1] / row[..., -1:],
                sd=1 / row[..., -1:],
                centre=mean[..., :visit],
                root=np.broadcast_to(np.eye(visit), (*mean.shape[:-1], visit, visit)),
                usable=np.ones((*mean.shape[:-1], 1, visit), np.bool_),
            )
        )
    return tuple(found)


def _inside(uniforms: Floats) -> Floats:
    return np.clip(uniforms, SMALLEST_UNIFORM, 1 - 2 * SMALLEST_UNIFORM)


def _unknown(
    scores: Floats, visit: int, known: Booleans, last: Integers, lows: Floats, highs: Floats
) -> _Unknown:
    """Return which scores of a visit are drawn, and between which bounds: half a step inside."""
    here, low, high = scores[..., visit], lows[visit], highs[visit]
    missing, ceiling = np.isnan(here), here >= high
    patient = np.flatnonzero(known & (missing | ceiling | (here <= low)))
    patients, visits = scores.shape[-2:]
    arm = patient // patients
    until = arm * visits + np.maximum(last.ravel()[patient], visit)
    at_ceiling, nowhere = ceiling.ravel()[patient], missing.ravel()[patient]
    side = np.where(at_ceiling, -1.0, 1.0)
    bound = np.where(at_ceiling, high - 0.5, low + 0.5)
    return _Unknown(patient, arm, until, side, np.where(nowhere, np.inf, bound))


def _started(scores: Floats, known: Booleans, low: Floats, high: Floats) -> Floats:
    """Return scores to start from, so that few sweeps lead to where they stay.

    Those at an end begin a quarter of an SD beyond it; missing ones halfway
    between the score before and the line that leads on from it.
    """
    there = known[..., np.newaxis] & ~np.isnan(scores)
    many = np.maximum(there.sum(axis=-2), 1)
    seen = np.where(there, scores, 0.0)
    mean = seen.sum(axis=-2) / many
    off = np.where(there, seen - mean[..., np.newaxis, :], 0.0)
    beyond = np.sqrt((off**2).sum(axis=-2) / many)[..., np.newaxis, :] / 4
    side = np.where(seen >= high, 1.0, np.where(seen <= low, -1.0, 0.0))
    latent = np.where(there, seen + side * beyond, mean[..., np.newaxis, :])
    for visit in range(1, scores.shape[-1]):
        both, before = there[..., visit], latent[..., visit - 1]
        moments = [
            np.where(both, one, 0.0).sum(axis=-1, keepdims=True) / np.maximum(many[..., [visit]], 1)
            for one in (before, before**2, latent[..., visit], before * latent[..., visit])
        ]
        across = moments[3] - moments[0] * moments[2]
        slope = divide(across, np.maximum(moments[1] - moments[0] ** 2, 0.0), 0.0)
        line = moments[2] + slope * (before - moments[0])
        latent[..., visit] = np.where(both, latent[..., visit], (line + before) / 2)
    return np.where(known[..., np.newaxis], latent, 0.0)


def _parameters(latent: Floats, each: Floats, uniforms: Floats) -> Parameters:
    """Draw means and covariances from their posterior; `each` is 1 for patients of the arm, or 0.

    The latent scores of all others are 0.
    The prior is such that covariances are on average the sums of squares, each a square step more,
    by their degrees of freedom. Jeffreys' would have them larger by a share of about (visits + 1) /
    patients, and effects nearer to none (von Hippel 2013, Sociol Methods Res 42:531).
    """
    patients, visits = each[..., 0].sum(axis=-1), latent.shape[-1]
    many = np.maximum(patients, 1)[..., np.newaxis]
    mean = latent.sum(axis=-2) / many
    off = latent - mean[..., np.newaxis, :]
    off *= each
    squares = np.swapaxes(off, -1, -2) @ off + np.eye(visits)
    freedom = patients[..., np.newaxis] + 1.0 + np.arange(visits)
    factor = np.zeros(squares.shape)
    below, diagonal = np.tril_indices(visits, -1), np.arange(visits)
    factor[..., below[0], below[1]] = ndtri(uniforms[..., 2 * visits :])
    factor[..., diagonal, diagonal] = np.sqrt(
        2 * gammaincinv(freedom / 2, uniforms[..., visits : 2 * visits])
    )
    whitening = factor @ np.linalg.inv(np.linalg.cholesky(squares))
    noise = np.linalg.solve(whitening, ndtri(uniforms[..., :visits, np.newaxis]))
    return Parameters(mean + noise[..., 0] / np.sqrt(many), whitening)


def _redrawn(latent: Floats, drawn: Parameters, unknown: list[_Unknown], uniforms: Floats) -> None:
    """Draw, in place, what is unknown at each visit given the patient's others up to the last seen.

    What follows the last score is so drawn at once, from visit to visit given all before it, and
    bears on nothing else: drawn one by one given each other, such scores would take many sweeps to
    leave where they started (Liu, Wong and Kong 1994, Biometrika 81:27).
    """
    visits = latent.shape[-1]
    mean, whitening = drawn.mean.reshape(-1, visits), drawn.whitening
    products = whitening[..., :, np.newaxis] * whitening[..., np.newaxis, :]
    precision = np.cumsum(products, axis=-3)  # of the visits up to each, given none after it
    scores = latent.reshape(-1, visits)  # a view
    for visit, (patient, arm, until, side, bound) in enumerate(unknown):
        if side.size == 0:
            continue
        own = precision[..., visit, visit]
        slopes = precision[..., visit] / np.where(own > 0, own, 1.0)[..., np.newaxis]
        there = scores.take(patient, axis=0)
        away = there - mean.take(arm, axis=0)
        away *= slopes.reshape(-1, visits).take(until, axis=0)
        centre = there[:, visit] - away.sum(axis=-1)
        sd = 1 / np.sqrt(own.ravel().take(until))
        numbers = _inside(uniforms[..., visit, :].ravel().take(patient))
        below = np.maximum(numbers * ndtr(side * (bound - centre) / sd), _LEAST)
        scores[patient, visit] = centre + side * sd * ndtri(below)

"""A missing score is drawn, several times, from what the arm's observed scores say it could be."""

import numpy as np
from scipy.special import gammaincinv, ndtri

from trialsim.arrays import Booleans, Floats, divide
from trialsim.stats.means_and_proportions.cross_products import (
    coordinates,
    cross_products,
    inverse_root,
)

SMALLEST_UNIFORM = 2.0**-54


def uniforms_shape(scores: tuple[int, ...], imputations: int) -> tuple[int, ...]:
    """Return the shape of the uniforms that `impute` needs for scores of a shape.

    It is (imputations, ..., visits, patients + visits + 1): for each visit a number for each
    patient, for the mean and each earlier visit's slope, and for the residual variance.

    >>> uniforms_shape((256, 104, 6), imputations=20)
    (20, 256, 6, 111)
    """
    *batch, patients, visits = scores
    return (imputations, *batch, visits, patients + visits + 1)


def impute(scores: Floats, uniforms: Floats, low: float, high: float) -> Floats:
    """Impute the missing visits of one arm, shape (..., patients, visits), several times.

    Normal-theory regression, visit by visit from the first: each is regressed on all visits before
    it (with what was just imputed there), over the patients who have it; coefficients and residual
    variance are drawn from their posterior, and so is the score (Rubin 1987, Multiple Imputation,
    p. 167), which is then rounded to a whole number and held in low to high. Missing at random is
    assumed; where a missing visit is followed by an observed one, the later score is not used.

    `uniforms`, from the open interval (0, 1) and of the shape `uniforms_shape` gives, decide
    everything. Give each arm by itself. The answer has shape (imputations, ..., patients, visits).
    A patient without any score is not of the arm and stays missing; so does a visit with too few
    scores for its regression (no degree of freedom left). A predictor that is not known for all is
    not used.

    >>> scores = np.array([[10.0, 14], [20, 26], [30, 33], [40, np.nan], [50, 57]])
    >>> uniforms = np.random.default_rng(1).random(uniforms_shape(scores.shape, 3))
    >>> impute(scores, uniforms, 0, 57)[:, 3, 1].tolist()
    [46.0, 47.0, 45.0]
    """
    expected = uniforms_shape(scores.shape, uniforms.shape[0])
    if uniforms.shape != expected:
        raise ValueError(f"uniforms must have the shape {expected} (got {uniforms.shape})")
    if not low < high:
        raise ValueError(f"low must be below high (got {low} and {high})")
    completed = np.broadcast_to(scores, (uniforms.shape[0], *scores.shape)).astype(np.float64)
    inside = np.clip(uniforms, SMALLEST_UNIFORM, 1 - 2 * SMALLEST_UNIFORM)
    enrolled = np.asarray((~np.isnan(scores)).any(axis=-1))
    for visit in range(scores.shape[-1]):
        outcome = completed[..., visit]
        drawn = _draw(outcome, completed[..., :visit], enrolled, inside[..., visit, :])
        missing = np.isnan(outcome) & enrolled
        completed[..., visit] = np.where(missing, np.clip(np.rint(drawn), low, high), outcome)
    return completed


def _draw(outcome: Floats, earlier: Floats, enrolled: Booleans, uniforms: Floats) -> Floats:
    """Draw a score for every patient from the regression of the outcome on the earlier visits."""
    patients, visits = earlier.shape[-2:]
    normals = ndtri(uniforms[..., : patients + visits + 1])
    gaps = np.isnan(earlier) & enrolled[..., None]
    usable = ~gaps.any(axis=-2, keepdims=True) & enrolled[..., None]
    predictors = np.where(usable, earlier, 0.0)
    fit = cross_products(outcome, predictors)
    inverse = inverse_root(fit.products[..., 1:, 1:])
    slope = coordinates(inverse.root, fit.products[..., 1:, 0])
    freedom = fit.patients - 1 - inverse.rank
    residual = np.maximum(fit.products[..., 0, 0] - (slope**2).sum(axis=-1), 0.0)
    spread = 2 * gammaincinv(np.maximum(freedom, 1) / 2, uniforms[..., -1])
    sd = np.sqrt(np.where(freedom > 0, residual / spread, np.nan))[..., None]
    error = divide(sd, np.sqrt(fit.patients)[..., None], np.nan)
    mean = fit.means[..., :1] + error * normals[..., -1:]
    slope = slope + sd * normals[..., patients:-1]
    distance = (predictors - fit.means[..., None, 1:]) @ inverse.root
    return mean + (distance @ slope[..., None])[..., 0] + sd * normals[..., :patients]

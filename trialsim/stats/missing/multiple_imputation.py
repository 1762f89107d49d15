"""A missing score is drawn, several times, from what the arm's observed scores say it could be."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import gammaincinv, ndtri

from trialsim.arrays import Booleans, Floats, divide
from trialsim.stats.means_and_proportions.cross_products import (
    coordinates,
    cross_products,
    inverse_root,
)

ReferenceModel: TypeAlias = Literal["jump_to_reference", "copy_reference", "copy_increments"]

SMALLEST_UNIFORM = 2.0**-54


def uniforms_shape(scores: tuple[int, ...], imputations: int) -> tuple[int, ...]:
    """Return the shape of the uniforms that `impute_arm` needs for scores of a shape.

    It is (imputations, ..., visits, patients + visits + 1): for each visit a number for each
    patient, for the mean and each earlier visit's slope, and for the residual variance.

    >>> uniforms_shape((256, 104, 6), imputations=20)
    (20, 256, 6, 111)
    """
    *batch, patients, visits = scores
    return (imputations, *batch, visits, patients + visits + 1)


class Regression(NamedTuple):
    """A draw of the regression of a visit on those before it, from its posterior."""

    mean: Floats  # of the visit, (..., 1)
    slope: Floats  # in the coordinates of the root, (..., earlier)
    sd: Floats  # around the regression, (..., 1); NaN where no degree of freedom is left
    centre: Floats  # means of the earlier visits, (..., earlier)
    root: Floats  # of the inverse of their cross-products, (..., earlier, earlier)
    usable: Booleans  # which earlier visits are known for all, (..., 1, earlier)

    def at(self, earlier: Floats) -> Floats:
        """Return what is expected of patients by their earlier scores, (..., patients, earlier)."""
        predictors = np.where(self.usable, earlier, 0.0)
        distance = (predictors - self.centre[..., None, :]) @ self.root
        expected: Floats = self.mean + (distance @ self.slope[..., None])[..., 0]
        return expected


class Reference(NamedTuple):
    """How scores after an event are imputed by the regressions of the reference arm."""

    regressions: tuple[Regression, ...]
    after: Booleans  # which visits are after the event, (..., patients, visits)
    model: ReferenceModel
    baselines: int = 1  # visits, the first ones, at which no arm had been treated


class Imputed(NamedTuple):
    """One arm after some imputations, and the regressions that were drawn."""

    scores: Floats  # (imputations, ..., patients, visits)
    regressions: tuple[Regression, ...]  # one a visit


def impute_arm(
    scores: Floats,
    uniforms: Floats,
    low: float,
    high: float,
    told: Booleans | None = None,
    reference: Reference | None = None,
) -> Imputed:
    """Impute the missing visits of one arm, shape (..., patients, visits), several times.

    Normal-theory regression, visit by visit from the first: each is regressed on all visits before
    it (with what was just imputed there), over the patients who have it; coefficients and residual
    variance are drawn from their posterior, and so is the score (Rubin 1987, Multiple Imputation,
    p. 167), which is then rounded to a whole number and held in low to high. Missing at random is
    assumed; where a missing visit is followed by an observed one, the later score is not used.

    `uniforms`, from the open interval (0, 1) and of the shape `uniforms_shape` gives, decide
    everything. A patient without any score is not of the arm and stays missing; so does a visit
    with too few scores for its regression (no degree of freedom left). A predictor that is not
    known for all is not used.

    `told` says which scores the regressions are fitted to, by default all. With a reference, the
    scores after the event follow its regressions of a visit on those before it, around a profile of
    means of their own (Carpenter, Roger and Kenward 2013, J Biopharm Stat 23:1352, section 3): up
    to the event those of the patient's arm, given the baselines; from it on those of the reference
    (`jump_to_reference`), or what the arm had gained by then and the reference's increments
    (`copy_increments`). With `copy_reference` they are the reference's throughout. So by how much
    the profile differs from the reference's is taken off before its regression and added after.

    >>> scores = np.array([[10.0, 14], [20, 26], [30, 33], [40, np.nan], [50, 57]])
    >>> uniforms = np.random.default_rng(1).random(uniforms_shape(scores.shape, 3))
    >>> impute_arm(scores, uniforms, 0, 57).scores[:, 3, 1].tolist()
    [46.0, 47.0, 45.0]
    """
    expected = uniforms_shape(scores.shape, uniforms.shape[0])
    if uniforms.shape != expected:
        raise ValueError(f"uniforms must have the shape {expected} (got {uniforms.shape})")
    if not low < high:
        raise ValueError(f"low must be below high (got {low} and {high})")
    patients, visits = scores.shape[-2:]
    completed = np.broadcast_to(scores, (uniforms.shape[0], *scores.shape)).astype(np.float64)
    inside = np.clip(uniforms, SMALLEST_UNIFORM, 1 - 2 * SMALLEST_UNIFORM)
    enrolled = np.asarray((~np.isnan(scores)).any(axis=-1))
    profiles = None if reference is None else Profiles(reference, completed)
    regressions = []
    for visit in range(visits):
        outcome, earlier = completed[..., visit], completed[..., :visit]
        seen = outcome if told is None else np.where(told[..., visit], outcome, np.nan)
        own = _drawn(seen, earlier, enrolled, inside[..., visit, :])
        noise = ndtri(inside[..., visit, :patients])
        drawn: Floats = own.at(earlier) + own.sd * noise
        if profiles is not None:
            drawn = profiles.instead(visit, own, drawn, earlier, noise)
        missing = np.isnan(outcome) & enrolled
        completed[..., visit] = np.where(missing, np.clip(np.rint(drawn), low, high), outcome)
        regressions.append(own)
    return Imputed(completed, tuple(regressions))


class Profiles:
    """The means that patients would have by their baselines, in their arm and in the reference.

    What the former are more by, as far as the model lets a patient keep it, is gained.
    """

    def __init__(self, reference: Reference, completed: Floats) -> None:
        self._reference = reference
        self._own, self._other, self._gained = np.zeros((3, *completed.shape))

    def instead(
        self, visit: int, own: Regression, drawn: Floats, earlier: Floats, noise: Floats
    ) -> Floats:
        """Return what is drawn at a visit, by the reference where it is after the event."""
        regressions, after, model, baselines = self._reference
        other = regressions[visit]
        if visit < baselines:
            return drawn
        if visit == baselines:
            self._own[..., :visit] = self._other[..., :visit] = earlier
        self._own[..., visit] = own.at(self._own[..., :visit])
        self._other[..., visit] = other.at(self._other[..., :visit])
        gained = self._gained
        if model != "copy_reference":
            so_far = gained[..., visit - 1] if model == "copy_increments" and visit else 0.0
            ahead = self._own[..., visit] - self._other[..., visit]
            gained[..., visit] = np.where(after[..., visit], so_far, ahead)
        by_reference = other.at(earlier - gained[..., :visit]) + gained[..., visit]
        return np.where(after[..., visit], by_reference + other.sd * noise, drawn)


def _drawn(outcome: Floats, earlier: Floats, enrolled: Booleans, uniforms: Floats) -> Regression:
    """Draw the regression of the outcome on the earlier visits from its posterior."""
    patients, visits = earlier.shape[-2:]
    normals = ndtri(uniforms[..., patients : patients + visits + 1])
    gaps = np.isnan(earlier) & enrolled[..., None]
    usable = ~np.asarray(gaps.any(axis=-2, keepdims=True))
    fit = cross_products(outcome, np.where(usable & enrolled[..., None], earlier, 0.0))
    inverse = inverse_root(fit.products[..., 1:, 1:])
    slope = coordinates(inverse.root, fit.products[..., 1:, 0])
    freedom = fit.patients - 1 - inverse.rank
    residual = np.maximum(fit.products[..., 0, 0] - (slope**2).sum(axis=-1), 0.0)
    spread = 2 * gammaincinv(np.maximum(freedom, 1) / 2, uniforms[..., -1])
    sd = np.sqrt(np.where(freedom > 0, residual / spread, np.nan))[..., None]
    error = divide(sd, np.sqrt(fit.patients)[..., None], np.nan)
    return Regression(
        mean=fit.means[..., :1] + error * normals[..., -1:],
        slope=slope + sd * normals[..., :-1],
        sd=sd,
        centre=fit.means[..., 1:],
        root=inverse.root,
        usable=usable,
    )

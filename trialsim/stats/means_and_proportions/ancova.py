"""A baseline that predicts the outcome sharpens the comparison, and corrects a chance imbalance.

Outcomes have shapes (..., m) and (..., n), covariates (..., m, q) and (..., n, q). A patient with a
NaN in the outcome or in a covariate is left out.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.cross_products import (
    CrossProducts,
    coordinates,
    cross_products,
    inverse_root,
)
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference, mean_difference
from trialsim.stats.p_values import Alternative


def ancova(
    treated: Floats,
    control: Floats,
    treated_covariates: Floats,
    control_covariates: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Least squares of the outcome on arm and covariates, one slope and variance for both arms.

    Closed form (Cochran 1957, Biometrics 13:261): with S the cross-products within the arms, the
    slope is b = Sxx^-1 Sxy, the difference that of the means less b'd, d the difference of the
    covariates' means, and its variance (Syy - b'Sxy) / df * (1/m + 1/n + d' Sxx^-1 d). A baseline
    is one covariate: `baseline[..., None]`. A covariate that does not vary within the arms, or that
    others determine, adjusts nothing and costs no degree of freedom, as in R's `lm(y ~ arm + x)`.

    >>> outcomes = np.array([9.0, 7, 8, 4]), np.array([5.0, 1, 4, 3])
    >>> baselines = np.array([5.0, 3, 6, 2]), np.array([4.0, 1, 2, 3])
    >>> found = ancova(*outcomes, *(baseline[:, None] for baseline in baselines))
    >>> round(found.estimate.item(), 3), round(found.p_value.item(), 4)
    (2.2, 0.0654)
    """
    t, c = cross_products(treated, treated_covariates), cross_products(control, control_covariates)
    within = t.products + c.products
    inverse = inverse_root(within[..., 1:, 1:])
    # In the coordinates of the root, slopes and distances are plain lengths.
    slope = coordinates(inverse.root, within[..., 1:, 0])
    distance = coordinates(inverse.root, t.means[..., 1:] - c.means[..., 1:])
    estimate = t.means[..., 0] - c.means[..., 0] - (slope * distance).sum(axis=-1)
    freedom = t.patients + c.patients - 2 - inverse.rank
    total = within[..., 0, 0]
    residual = total - (slope**2).sum(axis=-1)
    # What rounding leaves of a perfect fit is no residual.
    residual = np.where(residual > 1e-12 * total, residual, 0.0)
    share = divide(t.patients + c.patients, t.patients * c.patients, np.nan)
    variance = divide(residual, freedom, np.nan) * (share + (distance**2).sum(axis=-1))
    return mean_difference(estimate, variance, freedom, confidence, alternative)


def ancova_by_arm(
    treated: Floats,
    control: Floats,
    treated_covariates: Floats,
    control_covariates: Floats,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> MeanDifference:
    """Least squares in each arm with slopes of its own, both predicted for everybody (ANHECOVA).

    Ye, Shao, Yi and Zhao (2023), Journal of the American Statistical Association 118:2370; the
    interacted regression of Lin (2013). The difference of the means that the two fits predict for
    all patients is marginal, needs no model to be true, and is never less precise in large samples
    than without covariates. Its variance is that of their equation 7,

        s1^2 / m + s0^2 / n + (b1 - b0)' S (b1 - b0) / N,

    with the residual variance s^2 and the slopes b of each arm and S of the covariates of all. It
    holds under simple, blocked and stratified randomisation alike, once the covariates by which
    the patients were stratified are among these (Bugni, Canay and Shaikh 2018, the same journal
    113:1784). In small samples s^2 divides by m - 1 - q, and Student's t has N - 2 - 2q degrees of
    freedom.

    >>> outcomes = np.array([9.0, 7, 8, 4, 6]), np.array([5.0, 1, 4, 3, 2])
    >>> baselines = np.array([5.0, 3, 6, 2, 4]), np.array([4.0, 1, 2, 3, 2])
    >>> found = ancova_by_arm(*outcomes, *(baseline[:, None] for baseline in baselines))
    >>> round(found.estimate.item(), 3), round(found.standard_error.item(), 3)
    (2.077, 0.729)
    """
    arms = [
        _fitted(cross_products(treated, treated_covariates)),
        _fitted(cross_products(control, control_covariates)),
    ]
    t, c = arms
    patients = t.patients + c.patients
    apart = t.means[..., 1:] - c.means[..., 1:]
    share = divide(c.patients, patients, np.nan)[..., None]
    # The treated are moved to the mean of all patients, and so are the controls.
    moved = (t.slope * share + c.slope * (1 - share)) * apart
    estimate = t.means[..., 0] - c.means[..., 0] - moved.sum(axis=-1)
    together = t.products + c.products
    between = divide(t.patients * c.patients, patients, np.nan)[..., None, None]
    together = together + between * apart[..., :, None] * apart[..., None, :]
    steeper = t.slope - c.slope
    spread = np.einsum("...i,...ij,...j->...", steeper, together, steeper)
    variance = t.variance + c.variance + divide(spread, patients * (patients - 1), np.nan)
    freedom = t.freedom + c.freedom
    return mean_difference(estimate, variance, freedom, confidence, alternative)


class _Arm(NamedTuple):
    """Least squares within an arm."""

    patients: Floats
    means: Floats
    slope: Floats  # (..., covariates)
    products: Floats  # of the covariates, around their means
    variance: Floats  # of the mean at the covariates' means, by the residuals
    freedom: Floats


def _fitted(arm: CrossProducts) -> _Arm:
    inverse = inverse_root(arm.products[..., 1:, 1:])
    along = coordinates(inverse.root, arm.products[..., 1:, 0])
    slope = (inverse.root @ along[..., None])[..., 0]
    total = arm.products[..., 0, 0]
    residual = total - (along**2).sum(axis=-1)
    residual = np.where(residual > 1e-12 * total, residual, 0.0)
    freedom = arm.patients - 1 - inverse.rank
    variance = divide(residual, freedom * arm.patients, np.nan)
    return _Arm(arm.patients, arm.means, slope, arm.products[..., 1:, 1:], variance, freedom)

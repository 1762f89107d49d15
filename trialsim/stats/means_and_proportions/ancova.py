"""A baseline that predicts the outcome sharpens the comparison, and corrects a chance imbalance.

Outcomes have shapes (..., m) and (..., n), covariates (..., m, q) and (..., n, q). A patient with a
NaN in the outcome or in a covariate is left out.
"""

import numpy as np

from trialsim.arrays import Floats, divide
from trialsim.stats.means_and_proportions.cross_products import (
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

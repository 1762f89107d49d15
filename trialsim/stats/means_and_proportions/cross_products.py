"""A covariate that adds nothing new is passed over, not divided by."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.stats.means_and_proportions.t_tests import deviations, moments

# A share of a covariate's spread smaller than this, that the others do not predict, is rounding.
NOTHING_NEW = 1e-10


class CrossProducts(NamedTuple):
    """Patients, and the means and cross-products of their outcome and covariates, in that order."""

    patients: Floats
    means: Floats  # shape (..., 1 + q)
    products: Floats  # around the means, shape (..., 1 + q, 1 + q)


class InverseRoot(NamedTuple):
    """A root of a generalised inverse, and how many independent covariates there are."""

    root: Floats
    rank: Integers


def cross_products(outcome: Floats, covariates: Floats) -> CrossProducts:
    """Summarise patients for least squares, shapes (..., patients) and (..., patients, q).

    A patient with a NaN in the outcome or in a covariate is left out.

    >>> found = cross_products(np.array([1.0, 2, 3, np.nan]), np.array([[0.0], [2], [1], [9]]))
    >>> found.patients.item(), found.means.tolist(), found.products.tolist()
    (3.0, [2.0, 1.0], [[2.0, 1.0], [1.0, 2.0]])
    """
    columns = np.moveaxis(covariates, -1, 0)
    table = np.stack(np.broadcast_arrays(outcome, *columns), axis=-2).astype(np.float64)
    complete = np.where(np.isnan(table).any(axis=-2, keepdims=True), np.nan, table)
    summary = moments(complete)
    distances = deviations(complete, summary.mean)
    products = distances @ np.swapaxes(distances, -1, -2)
    return CrossProducts(summary.patients[..., 0], summary.mean, products)


def inverse_root(products: Floats) -> InverseRoot:
    """Return R with R R' the generalised inverse of cross-products, shape (..., q, q).

    Covariates are put on one scale first, so that units do not matter. A covariate without spread,
    or one that others determine, adds nothing to the rank; nor do NaN, which may not come in.

    >>> found = inverse_root(np.array([[4.0, 0.0], [0.0, 0.0]]))
    >>> found.root.tolist(), found.rank.item()
    ([[0.5, 0.0], [0.0, 0.0]], 1)
    """
    spread = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    values, vectors = np.linalg.eigh(products * scale[..., None] * scale[..., None, :])
    kept = values > NOTHING_NEW
    roots = np.where(kept, np.where(kept, values, 1.0) ** -0.5, 0.0)
    root = scale[..., None] * (vectors * roots[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return InverseRoot(root, kept.sum(axis=-1))


def coordinates(root: Floats, vectors: Floats) -> Floats:
    """Return R'v, in which slopes and distances are plain lengths: shapes (..., q, q), (..., q).

    >>> coordinates(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([1.0, 3.0])).tolist()
    [5.0, 3.0]
    """
    return np.asarray((vectors[..., None, :] @ root)[..., 0, :])

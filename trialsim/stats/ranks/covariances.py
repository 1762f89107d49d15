"""Several measurements of the same patients vary together; missing values cost only themselves."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, divide

SINGULAR = 1e-9  # an eigenvalue of a correlation matrix that is zero but for rounding


class Inverse(NamedTuple):
    """The inverse of a covariance matrix where it has one, and its rank."""

    matrix: Floats
    rank: Integers


def covariance_of_means(values: Floats) -> Floats:
    """Covariance of the means of several measurements, shape (..., measurements, patients).

    A patient's missing measurement adds nothing, so that all known values are used: entry j, k is
    sum (x_j - mean_j) (x_k - mean_k) / sqrt(n_j (n_j - 1) n_k (n_k - 1)) over the patients with
    both. Always positive semidefinite, and S / n when nothing is missing. NaN in the row and column
    of a measurement known in fewer than two patients.

    >>> covariance_of_means(np.array([[1.0, 2, 3], [2.0, np.nan, 4]])).round(4).tolist()
    [[0.3333, 0.5774], [0.5774, 1.0]]
    """
    known = ~np.isnan(values)
    size = known.sum(axis=-1)
    mean = divide(np.where(known, values, 0.0).sum(axis=-1), size, 0.0)
    deviation = np.where(known, values - mean[..., np.newaxis], 0.0)
    freedom = np.sqrt(size * np.maximum(size - 1, 0))[..., np.newaxis]
    influence = divide(deviation, freedom, 0.0)
    unknown = freedom == 0
    product = influence @ np.swapaxes(influence, -1, -2)
    return np.where(unknown | np.swapaxes(unknown, -1, -2), np.nan, product)


def invert(covariance: Floats) -> Inverse:
    """Invert covariance matrices, shape (..., k, k), along the directions that have a variance.

    The inverse is 0 along the others, so a measurement that repeats another, that is constant or
    whose covariance is not known (NaN) adds nothing. Eigenvalues are judged on the scale of
    correlations, so units do not matter.

    >>> found = invert(np.array([[4.0, 0, 2], [0, 0, 0], [2, 0, 1]]))
    >>> found.matrix.round(4).tolist(), found.rank.item()
    ([[0.0625, 0.0, 0.125], [0.0, 0.0, 0.0], [0.125, 0.0, 0.25]], 1)
    """
    known = np.nan_to_num(covariance)
    error = np.sqrt(np.maximum(np.diagonal(known, axis1=-2, axis2=-1), 0.0))
    products = error[..., :, np.newaxis] * error[..., np.newaxis, :]
    values, vectors = np.linalg.eigh(divide(known, products, 0.0))
    inverse_values = divide(np.ones(()), np.where(values > SINGULAR, values, 0.0), 0.0)
    correlation = (vectors * inverse_values[..., np.newaxis, :]) @ np.swapaxes(vectors, -1, -2)
    return Inverse(divide(correlation, products, 0.0), (values > SINGULAR).sum(axis=-1))

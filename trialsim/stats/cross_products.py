"""A covariate that tells nothing new is passed over, not divided by."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers

# A share of a covariate's spread smaller than this, that the others do not tell, is rounding.
NOTHING_NEW = 1e-10


class InverseRoot(NamedTuple):
    """A root of a generalised inverse, and how many independent covariates there are."""

    root: Floats
    rank: Integers


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

"""The Cholesky factor of a matrix, the same bits on every processor."""

import math

import numpy as np

from trialsim.arrays import Floats


def lower_factor(matrix: Floats) -> Floats:
    """Return the lower triangular factor of a positive definite matrix, shape (n, n) both.

    It weights what simulated patients are drawn from, and the last digits of NumPy's depend on the
    processor. Each element here has one exactly rounded sum.

    >>> lower_factor(np.array([[1.0, 0.6], [0.6, 1.0]])).tolist()
    [[1.0, 0.0], [0.6, 0.8]]

    Raises
    ------
    ValueError
        If the matrix is not positive definite.
    """
    factor = np.zeros_like(matrix)
    for place, row in enumerate(matrix.tolist()):
        for other in range(place + 1):
            products = factor[place, :other] * factor[other, :other]
            rest = math.fsum([row[other], *(-products).tolist()])
            if other < place:
                factor[place, other] = rest / factor[other, other]
            elif rest > 0:
                factor[place, place] = math.sqrt(rest)
            else:
                raise ValueError("the matrix is not positive definite")
    return factor

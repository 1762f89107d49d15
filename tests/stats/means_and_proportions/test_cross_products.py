"""The root of a generalised inverse against NumPy's inverse."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.stats.means_and_proportions.cross_products import inverse_root


def test_inverse_root_squares_to_the_generalised_inverse() -> None:
    """Oracle: the inverse's definition, whatever the units of the covariates."""
    x = np.random.default_rng(11).normal(size=(6, 20, 3)) * [1.0, 1e4, 1e-5]
    products = np.swapaxes(x, -1, -2) @ x
    found = inverse_root(products)
    identity = found.root @ np.swapaxes(found.root, -1, -2) @ products
    assert_allclose(identity, np.broadcast_to(np.eye(3), (6, 3, 3)), atol=1e-6)
    assert_array_equal(found.rank, 3)


def test_a_copied_covariate_adds_nothing_to_the_rank() -> None:
    """Oracle: the prediction of a second covariate by least squares, the same either way."""
    x = np.random.default_rng(12).normal(size=(20, 2))
    copied = np.hstack([x, 5 * x[:, :1], np.zeros((20, 1))])
    found = inverse_root(copied.T @ copied)
    assert found.rank == 2
    y = np.arange(20.0)
    fitted = copied @ found.root @ found.root.T @ copied.T @ y
    assert_allclose(fitted, x @ np.linalg.lstsq(x, y)[0])

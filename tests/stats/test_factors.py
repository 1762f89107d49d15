"""The Cholesky factor: NumPy's but for last digits, and refused where there is none."""

import numpy as np
import pytest

from trialsim.stats.factors import lower_factor


@pytest.mark.parametrize("size", [0, 1, 2, 12])
def test_the_factor_is_numpys(size: int) -> None:
    sides = np.random.default_rng(size).normal(size=(size, size + 3))
    matrix = sides @ sides.T
    found = lower_factor(matrix)
    np.testing.assert_allclose(found, np.linalg.cholesky(matrix), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(found, np.tril(found))


@pytest.mark.parametrize("correlation", [1.0, -1.0, 1.1])
def test_a_matrix_without_one_is_refused(correlation: float) -> None:
    with pytest.raises(ValueError, match="not positive definite"):
        lower_factor(np.array([[1.0, correlation], [correlation, 1.0]]))

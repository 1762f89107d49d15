"""Covariance matrices with missing values and their inverses, against NumPy."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.stats.ranks.covariances import covariance_of_means, invert


def test_covariance_of_complete_measurements_is_that_of_numpy() -> None:
    values = np.random.default_rng(7).normal(size=(3, 10))
    assert_allclose(covariance_of_means(values), np.cov(values) / 10, rtol=1e-12)


def test_covariance_with_missing_values_is_positive_semidefinite() -> None:
    random = np.random.default_rng(8)
    values = random.normal(size=(200, 5, 8)) + random.normal(size=(200, 1, 8))
    values[random.random(values.shape) < 0.3] = np.nan
    covariance = covariance_of_means(values)
    known = ~np.isnan(covariance).any(axis=(-2, -1))
    assert known.sum() > 100
    assert np.linalg.eigvalsh(covariance[known]).min() > -1e-12


def test_measurement_of_one_patient_has_no_covariance() -> None:
    found = covariance_of_means(np.array([[1.0, 2, 4], [3.0, np.nan, np.nan]]))
    assert_array_equal(np.isnan(found), [[False, True], [True, True]])


def test_batch_equals_loop_over_matrices() -> None:
    random = np.random.default_rng(6)
    values = random.normal(size=(4, 3, 11))
    values[random.random(values.shape) < 0.2] = np.nan
    covariance = covariance_of_means(values)
    inverse = invert(covariance)
    for trial in range(4):
        assert_allclose(covariance[trial], covariance_of_means(values[trial]), rtol=1e-13)
        assert_allclose(inverse.matrix[trial], invert(covariance[trial]).matrix, rtol=1e-10)


def test_inverse_is_that_of_numpy_in_any_units() -> None:
    covariance = np.cov(np.random.default_rng(14).normal(size=(4, 30)))
    units = np.outer([1, 1e-6, 1e6, 3], [1, 1e-6, 1e6, 3])
    found = invert(covariance * units)
    assert_allclose(found.matrix * units, np.linalg.inv(covariance), rtol=1e-9, atol=1e-12)
    assert found.rank == 4


def test_direction_without_variance_has_no_inverse() -> None:
    covariance = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, np.nan]])
    found = invert(covariance)
    expected = [[0.25, 0.25, 0.0], [0.25, 0.25, 0.0], [0.0, 0.0, 0.0]]
    assert_allclose(found.matrix, np.array(expected), atol=1e-12)
    assert found.rank == 1


def test_no_measurement_has_an_empty_inverse() -> None:
    assert_array_equal(invert(np.empty((3, 0, 0))).rank, [0, 0, 0])

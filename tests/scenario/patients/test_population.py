"""Margins and correlations of the candidates."""

import numpy as np
import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load

POPULATION = load("cars1").population


def test_the_matrix_holds_each_written_pair_twice_and_zero_elsewhere() -> None:
    matrix, names = POPULATION.correlation_matrix, POPULATION.correlated
    written = {
        frozenset((first, second)): value
        for first, row in POPULATION.correlation.items()
        for second, value in row.items()
    }
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            expected = 1.0 if i == j else written.get(frozenset((first, second)), 0.0)
            assert matrix[i, j] == expected


def test_the_factor_gives_back_the_matrix() -> None:
    factor = POPULATION.cholesky
    np.testing.assert_allclose(factor @ factor.T, POPULATION.correlation_matrix, atol=1e-15)
    assert (np.triu(factor, 1) == 0).all()


def test_the_three_pair_limit_of_a_correlation_is_found_by_its_determinant() -> None:
    """With r12 = r13 = 0.6, r23 must exceed 2 * 0.36 - 1 = -0.28 (closed form)."""
    study = load("cars1")

    def with_pair(value: float) -> None:
        correlation = {"nihss": {"arat": 0.6, "age_years": 0.6}, "arat": {"age_years": value}}
        study.replace({"population.correlation": correlation})

    with_pair(-0.279)
    with pytest.raises(InputError, match="must make a positive definite matrix"):
        with_pair(-0.281)


def test_a_whole_covariate_needs_bounds() -> None:
    with pytest.raises(InputError, match="whole numbers need a whole low and a whole high"):
        load("cars1").replace({"population.covariates.systolic_mmhg.whole": True})


def test_bounds_levels_and_flags_follow_from_the_margin() -> None:
    covariates = POPULATION.covariates
    assert covariates["arat"].bounds == (0, 57)
    assert covariates["systolic_mmhg"].bounds is None
    assert covariates["sex"].levels == ("female", "male")
    assert covariates["rapidly_improving"].is_flag
    assert not covariates["sex"].is_flag

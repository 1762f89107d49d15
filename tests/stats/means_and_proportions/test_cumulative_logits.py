"""Fitting cumulative logits."""

import numpy as np

from trialsim.stats.means_and_proportions.cumulative_logits import solve_tridiagonal


def test_a_singular_system_has_no_finite_solution_and_warns_of_nothing() -> None:
    singular = np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[1.0], [1.0]])
    found = solve_tridiagonal(*singular, np.ones((2, 2, 1)))
    assert np.isfinite(found).all(axis=(1, 2)).tolist() == [False, True]

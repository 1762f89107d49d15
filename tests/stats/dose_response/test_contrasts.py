"""Contrasts and adjusted p-values of MCP-Mod, against R's DoseFinding and SciPy's integrals."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, multivariate_t

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.dose_response.contrasts import (
    chance_of_larger,
    contrast_directions,
    contrast_statistics,
    critical_value,
    optimal_contrasts,
    significant,
    whitening,
)
from trialsim.stats.dose_response.effects import mean_effects
from trialsim.stats.dose_response.shapes import rise

SIMULATED, BIOM, POWER = reference("dose_response")["cases"]
MVTNORM = 1e-3
"""The error that R's mvtnorm allows itself, by which DoseFinding adjusts p-values."""


def of_equal_arms(doses: int, variance: float = 1.0) -> Floats:
    return variance * (np.ones((doses, doses)) + np.eye(doses))


def of_power() -> tuple[Floats, Floats]:
    """Return the shapes of the published example of power, and the directions of its contrasts."""
    doses = np.array(POWER["inputs"]["doses"][1:], float)
    shapes = np.stack(
        [
            rise("emax", doses, [45.0]),
            rise("sigmoid_emax", doses, [100.0, 3.0]),
            rise("logistic", doses, [45.0, 15.0]),
            rise("exponential", doses, [60.0]),
            rise("quadratic", doses, [-0.0022]),
        ]
    )
    return shapes, contrast_directions(shapes, whitening(of_equal_arms(3, 9 / 100)))


def test_contrasts_statistics_and_p_values_are_those_of_r() -> None:
    """Five doses of twelve patients; p-values within what R's integration allows itself."""
    given, expected = SIMULATED["inputs"], SIMULATED["expected"]
    dose, response = np.array(given["dose"], float), np.array(given["resp"])
    doses, values = np.unique(dose), np.unique(response)
    counts = np.array([[np.sum((dose == d) & (response == v)) for v in values] for d in doses])
    effects = mean_effects(counts[1:], counts[0], values)
    shapes = np.stack(
        [
            rise("emax", doses[1:], [15.0]),
            rise("linear", doses[1:], []),
            rise("quadratic", doses[1:], [-0.006]),
        ]
    )
    contrasts = optimal_contrasts(shapes, effects.null_covariance)
    assert_allclose(contrasts.T, np.array(expected["contrast_matrix"]).T, atol=1e-6)
    whiten = whitening(effects.null_covariance)
    directions = contrast_directions(shapes, whiten)
    found = contrast_statistics(effects.estimate, whiten, directions)
    assert_allclose(found, expected["t_statistics"], rtol=1e-9)
    p_values = chance_of_larger(found, directions, effects.freedom)
    assert_allclose(p_values, expected["p_adjusted"], atol=2e-4)


def test_p_values_of_the_biom_data_are_those_of_r_and_of_scipy() -> None:
    """Of these R's own p-values are up to 7e-4 from the integral, as mvtnorm's accuracy is 1e-3."""
    given, expected = BIOM["inputs"], BIOM["expected"]
    doses, means = np.array(given["doses"][1:]), np.array(given["means"])
    shapes = np.stack(
        [
            rise("linear", doses, []),
            rise("emax", doses, [0.2]),
            rise("sigmoid_emax", doses, [0.4, 4.0]),
            rise("quadratic", doses, [-0.8]),
        ]
    )
    whiten = whitening(of_equal_arms(4, given["pooled_sd"] ** 2 / given["n"]))
    directions = contrast_directions(shapes, whiten)
    found = contrast_statistics(means[1:] - means[0], whiten, directions)
    assert_allclose(found, expected["t"], atol=1e-8)
    p_values = chance_of_larger(found, directions, np.array(95.0))
    assert_allclose(p_values, expected["adjusted_p"], atol=MVTNORM)
    law = multivariate_t(shape=directions @ directions.T, df=95, allow_singular=True, seed=1)
    assert_allclose(
        p_values, [1 - law.cdf(np.full(4, one), maxpts=100_000) for one in found], atol=2e-5
    )
    assert_allclose(critical_value(directions, 95, 0.025), expected["critical_t_.025"], atol=3e-3)


def test_critical_values_and_power_are_those_of_r() -> None:
    """The power of each shape, from 50,000 draws, within 3 Monte Carlo errors and R's own."""
    expected = POWER["expected"]
    shapes, directions = of_power()
    highest = [*shapes[:4].max(axis=1), 1 / (4 * 0.0022)]  # the last between two doses
    critical = critical_value(directions, 396, 0.025)
    assert_allclose(critical, expected["critical_df396"], atol=1e-3)
    normal = critical_value(directions, np.inf, 0.025)
    assert_allclose(normal, expected["critical_dfInf"], atol=1e-3)
    rng, draws = np.random.default_rng(2016), 50_000
    whiten = whitening(of_equal_arms(3, 9 / 100))
    spread = np.sqrt(rng.chisquare(396, draws) / 396)[:, None]
    noise = rng.standard_normal((draws, 3))
    for shape, power in zip((shapes.T / highest).T, expected["power_computed"], strict=True):
        centre = whiten @ shape
        statistics = (noise + centre) @ directions.T / spread
        found = (statistics > critical).any(axis=1).mean()
        error = np.sqrt(power * (1 - power) / draws)
        assert abs(found - power) < 3 * error + MVTNORM / 2, (found, power)


@pytest.mark.parametrize(("doses", "share"), [(2, 0.003), (3, 0.003), (5, 0.01)])
def test_chances_are_those_of_scipy_on_both_sides_of_zero(doses: int, share: float) -> None:
    """Of Student's t of fewer shapes than doses: of more SciPy's integral fails."""
    rng = np.random.default_rng(doses)
    directions = rng.normal(size=(4, doses)) * 0.6 + 1
    directions /= np.sqrt((directions**2).sum(axis=-1, keepdims=True))
    at = np.array([-1.0, 0.5, 2.5])
    law = partial(multivariate_normal.cdf, cov=directions @ directions.T, allow_singular=True)
    expected = [float(1 - law(np.full(4, one), maxpts=100_000)) for one in at]
    assert_allclose(
        chance_of_larger(at, directions, np.array(np.inf)), expected, rtol=share, atol=2e-4
    )
    few = directions[:2]
    of_t = multivariate_t(shape=few @ few.T, df=12, seed=1)
    expected = [float(1 - of_t.cdf(np.full(2, one), maxpts=100_000)) for one in at]
    assert_allclose(chance_of_larger(at, few, np.array(12.0)), expected, rtol=share, atol=2e-4)


def test_a_shape_given_twice_changes_nothing() -> None:
    _, directions = of_power()
    twice = np.concatenate([directions, directions[:2]])
    at = np.array([-0.5, 1.0, 2.3])
    once = chance_of_larger(at, directions, np.array(np.inf))
    assert_allclose(chance_of_larger(at, twice, np.array(np.inf)), once, rtol=1e-12)


def test_a_row_of_a_batch_is_as_it_is_alone_and_no_inverse_rejects_nothing() -> None:
    shapes, _ = of_power()
    rng = np.random.default_rng(1)
    roots = rng.normal(size=(4, 3, 3))
    covariance = roots @ np.swapaxes(roots, -1, -2) + np.eye(3)
    covariance[3] = 1.0  # singular
    effects, freedom = rng.normal(size=(4, 3)) + 2, np.array([np.inf, 12.0, 40.0, np.inf])
    whiten = whitening(covariance)
    directions = contrast_directions(shapes, whiten)
    statistics = contrast_statistics(effects, whiten, directions)
    p_values, which = significant(statistics, directions, freedom, 0.2)
    for row in range(3):
        alone = slice(row, row + 1)
        found = significant(statistics[alone], directions[alone], freedom[alone], 0.2)
        assert p_values[row] == found[0][0]
        each = chance_of_larger(statistics[alone], directions[alone], freedom[alone])
        assert (which[row] == (each[0] <= 0.2)).all()
    assert which.any()
    assert p_values[3] == 1
    assert not which[3].any()


def test_contrasts_have_the_largest_power_of_all() -> None:
    """The statistic's mean under the shape itself is no larger for any other contrast."""
    shapes, directions = of_power()
    white = whitening(of_equal_arms(3, 9 / 100)) @ shapes.T
    own = np.diagonal(directions @ white)
    for one, other in combinations(range(len(shapes)), 2):
        assert own[one] >= directions[other] @ white[:, one]
        assert own[other] >= directions[one] @ white[:, other]

"""Effects of populations from histograms: by counting pairs, and errors by the jackknife."""

from collections.abc import Callable

import numpy as np
import pytest

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import (
    by_slope,
    difference_of_means,
    effect_of_populations,
    pairs_of_populations,
)

RANDOM = np.random.default_rng(15)
TREATED = RANDOM.poisson([1, 2, 3, 4, 9], (40, 5)).astype(float)
CONTROL = RANDOM.poisson([4, 4, 3, 2, 1], (40, 5)).astype(float)
POINTS = np.array([0.0, 1, 4, 9, 20])


def mean_difference(treated: Floats, control: Floats) -> RatioOfMeans:
    return difference_of_means(treated, control, POINTS)


def test_every_pair_of_the_pooled_samples_is_compared() -> None:
    ones, others = (
        np.repeat(np.arange(5), arm.sum(axis=0).astype(int)) for arm in (TREATED, CONTROL)
    )
    won = (ones[:, None] > others).mean()
    lost = (ones[:, None] < others).mean()
    wins, losses = pairs_of_populations(TREATED, CONTROL)
    assert wins.mean.estimate == pytest.approx(won, abs=1e-12)
    assert losses.mean.estimate == pytest.approx(lost, abs=1e-12)
    theta = effect_of_populations(TREATED, CONTROL).mean.estimate
    assert theta == pytest.approx(won + (1 - won - lost) / 2, abs=1e-12)


@pytest.mark.parametrize("effect", [effect_of_populations, mean_difference])
def test_the_error_is_that_of_the_jackknife(
    effect: Callable[[Floats, Floats], RatioOfMeans],
) -> None:
    """The infinitesimal jackknife and the one that leaves out replicates agree to 1/n."""
    rows = np.arange(len(TREATED))
    left_out = np.array(
        [effect(TREATED[rows != row], CONTROL[rows != row]).mean.estimate.item() for row in rows]
    )
    n = len(rows)
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    assert effect(TREATED, CONTROL).mean.mcse == pytest.approx(jackknife, rel=2 / n)


def test_a_replicate_that_failed_has_no_part() -> None:
    treated, control = TREATED.copy(), CONTROL.copy()
    treated[3], control[3] = np.nan, np.nan
    rows = np.arange(len(TREATED)) != 3
    found = effect_of_populations(treated, control)
    without = effect_of_populations(TREATED[rows], CONTROL[rows])
    assert found.mean.estimate == without.mean.estimate
    assert found.mean.mcse == pytest.approx(without.mean.mcse)
    assert np.isnan(found.influence[3])


def test_an_empty_population_has_no_effect() -> None:
    found = effect_of_populations(np.zeros((4, 3)), np.ones((4, 3)))
    assert np.isnan(found.mean.estimate)
    assert np.isnan(found.mean.mcse)


def test_a_function_of_an_effect_has_its_slope() -> None:
    theta = effect_of_populations(TREATED, CONTROL)
    share = theta.mean.estimate
    odds = by_slope(theta, share / (1 - share), 1 / (1 - share) ** 2)
    assert odds.mean.mcse == pytest.approx(theta.mean.mcse / (1 - share) ** 2)

"""Placements and midranks, against SciPy and counting."""

import numpy as np
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tests.stats.laws import law
from trialsim.arrays import Floats
from trialsim.stats.ranks.covariances import covariance_of_means
from trialsim.stats.ranks.mann_whitney import summarise
from trialsim.stats.ranks.placements import midranks, placements

samples = st.lists(
    st.sampled_from([0.0, 1, 2, 3, 57, -np.inf, np.inf, np.nan]), min_size=1, max_size=12
).map(np.array)


@law(values=samples)
def test_midranks_agree_with_scipy(values: Floats) -> None:
    """Oracle: scipy.stats.rankdata of the known values."""
    known = ~np.isnan(values)
    ranks = midranks(values)
    assert_array_equal(ranks[known], stats.rankdata(values[known]))
    assert np.isnan(ranks[~known]).all()


@law(treated=samples, control=samples)
def test_placements_are_counts_of_those_below(treated: Floats, control: Floats) -> None:
    """Oracle: the double loop over pairs."""
    found = placements(treated, control)
    for values, others, placed in (
        (treated, control, found.treated),
        (control, treated, found.control),
    ):
        others = others[~np.isnan(others)]
        for value, placement in zip(values, placed, strict=True):
            if np.isnan(value) or others.size == 0:
                assert np.isnan(placement)
            else:
                wins = np.sum(others < value) + np.sum(others == value) / 2
                assert_allclose(placement, wins / others.size, rtol=1e-14)


@law(treated=samples, control=samples)
def test_placements_give_the_effect_and_its_variance(treated: Floats, control: Floats) -> None:
    """Oracle: RankSummary, which counts over cells instead."""
    found, summary = placements(treated, control), summarise(treated, control)
    if np.isnan(summary.effect):
        return
    assert_allclose(np.nanmean(found.treated), summary.effect, atol=1e-14)
    assert_allclose(np.nanmean(found.control), 1 - summary.effect, atol=1e-14)
    variance = sum(covariance_of_means(arm[np.newaxis])[0, 0] for arm in found)
    assert_allclose(variance, summary.placement_variance, atol=1e-14)


def test_batch_equals_loop_over_samples() -> None:
    random = np.random.default_rng(6)
    treated, control = (random.integers(0, 9, (4, 3, size)) * 1.0 for size in (11, 8))
    treated[random.random(treated.shape) < 0.2] = np.nan
    batch = placements(treated, control)
    for trial in range(4):
        for row in range(3):
            single = placements(treated[trial, row], control[trial, row])
            assert_array_equal(batch.treated[trial, row], single.treated)
            assert_array_equal(batch.control[trial, row], single.control)

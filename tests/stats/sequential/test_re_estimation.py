"""Patients re-estimated at a look: closed forms without ties, and the power that they give."""

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr, ndtri

from tests.stats.laws import law
from trialsim.stats.planning.sample_size import noether, zhao
from trialsim.stats.sequential.combination import conventional_critical, cui_hung_wang
from trialsim.stats.sequential.re_estimation import (
    Aim,
    blinded_mean_patients,
    blinded_odds_patients,
    blinded_proportion_patients,
    blinded_rank_patients,
    patients_for_conditional_power,
    promising_patients,
    promising_zone,
)

CRITICAL = -ndtri(0.025)


@pytest.mark.parametrize("treated_share", [0.5, 2 / 3])
def test_without_ties_it_is_noethers_formula(treated_share: float) -> None:
    found = blinded_rank_patients(np.ones(100), 0.62, Aim(0.9, treated_share=treated_share))
    assert_allclose(found, noether(0.62, treated_share).patients(0.9), rtol=1e-12)


def test_with_many_patients_it_is_the_plan_of_a_scale_with_ties() -> None:
    """The pooled counts of the two scales of the plan (Zhao et al. 2008), at their effect."""
    treated, control = (
        np.array([0.15, 0.1, 0.15, 0.25, 0.35]),
        np.array([0.3, 0.15, 0.15, 0.2, 0.2]),
    )
    theta = treated @ (np.cumsum(control) - control / 2)
    found = blinded_rank_patients(5e6 * (treated + control), theta, Aim(0.8))
    assert_allclose(found, zhao(treated, control).patients(0.8), rtol=1e-6)


def test_pooled_odds_near_no_effect_are_those_of_the_control_arm() -> None:
    """Whitehead (1993), Statistics in Medicine 12:2257: variance 12 / (N (1 - sum p**3))."""
    cells = np.array([0.2, 0.3, 0.1, 0.4])
    found = blinded_odds_patients(cells, 1.001, Aim(0.9))
    z = ndtri(0.975) + ndtri(0.9)
    wanted = 12 * z**2 / (np.log(1.001) ** 2 * (1 - np.sum(cells**3)))
    assert_allclose(found, wanted, rtol=1e-3)


def test_means_have_the_power_that_was_wanted() -> None:
    """By the normal formula, at 2:1."""
    patients = blinded_mean_patients(100.0, 4.0, Aim(0.9, treated_share=2 / 3))
    error = 10 / np.sqrt(patients * 2 / 9)
    assert_allclose(ndtr(4 / error - CRITICAL), 0.9, rtol=1e-12)


def test_ties_take_variance_off_the_same_effect_and_none_is_found_where_all_are_tied() -> None:
    counts = np.array([[20, 20, 20, 20], [50, 10, 10, 10], [80, 0, 0, 0]])
    patients = blinded_rank_patients(counts, 0.6, Aim(0.9))
    assert patients[1] < patients[0] < patients[2] == np.inf
    assert blinded_rank_patients(counts[0], 0.5, Aim(0.9)) == np.inf
    assert np.isnan(blinded_rank_patients([0, 0], 0.6, Aim(0.9)))
    assert blinded_odds_patients(counts[2], 2.0, Aim(0.9)) == np.inf


def test_missing_endpoints_are_made_up_for() -> None:
    complete = blinded_rank_patients(np.ones(50), 0.6, Aim(0.9))
    found = blinded_rank_patients(np.ones(50), 0.6, Aim(0.9, missing=[0.0, 0.2]))
    assert_allclose(found * [1, 0.8], complete, rtol=1e-14)
    with pytest.raises(ValueError, match="missing must be at least 0 and below 1"):
        blinded_mean_patients(1.0, 1.0, Aim(0.9, missing=1.0))


def test_proportions_that_leave_their_range_are_not_known() -> None:
    found = blinded_proportion_patients([0.05, 0.5, 0.97], 0.2, Aim(0.8))
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] > 0


@law(
    z=st.floats(0.2, 2.5),
    t=st.floats(0.1, 0.9),
    power=st.floats(0.55, 0.99),
)
def test_patients_give_the_conditional_power(z: float, t: float, power: float) -> None:
    """Of the combined test, whose second z has the mean of its patients; 100 were planned."""
    n = patients_for_conditional_power(z, 100 * t, 100.0, power, CRITICAL).item()
    per_root = z / np.sqrt(100 * t)
    needed = (CRITICAL - np.sqrt(t) * z) / np.sqrt(1 - t)
    reached = ndtr(per_root * np.sqrt(n - 100 * t) - needed)
    if n > 100 * t:
        assert_allclose(reached, power, atol=1e-9)
    else:
        assert reached >= power


def test_no_patients_can_help_an_effect_that_is_none() -> None:
    found = patients_for_conditional_power([-1.0, 0.0, 9.0, np.nan], 50, 100, 0.9, CRITICAL)
    assert_allclose(found, [np.inf, np.inf, 50, np.nan])


@law(
    t=st.floats(0.1, 0.9),
    most=st.floats(1.1, 6),
    power=st.floats(0.7, 0.95),
)
def test_promising_zone_is_where_the_moved_bound_is_no_higher(
    t: float, most: float, power: float
) -> None:
    """On a grid of z: not above the critical value within the zone, and above it just below."""
    zone = promising_zone(t, most, power, CRITICAL)
    z = np.linspace(max(zone.z_lower.item() - 0.3, 0.01), zone.z_upper.item() - 1e-6, 400)
    patients = np.minimum(patients_for_conditional_power(z, t, 1.0, power, CRITICAL), most)
    moved = conventional_critical(z, t, 1.0, patients, CRITICAL)
    within = z >= zone.z_lower
    assert np.all(moved[within] <= CRITICAL + 1e-9)
    assert np.all(moved[~within] > CRITICAL - 1e-9)


def test_patients_are_added_in_the_promising_zone_alone() -> None:
    zone = promising_zone(0.5, 2.0, 0.9, CRITICAL)
    z = np.array([zone.z_lower - 1e-6, zone.z_lower + 1e-6, 1.7, zone.z_upper + 1e-6, np.nan])
    found = promising_patients(z, 104, 208, 416, 0.9, CRITICAL, zone.least_power)
    assert_allclose(found[[0, 1, 3, 4]], [208, 416, 208, 208])
    assert 208 < found[2] < 416


def test_conventional_test_keeps_its_level_when_patients_are_added_in_the_zone() -> None:
    """A million trials under no effect; not above the level by 3 binomial standard errors."""
    first, second = np.random.default_rng(5).standard_normal((2, 1_000_000))
    zone = promising_zone(0.5, 2.0, 0.9, CRITICAL)
    n = promising_patients(first, 104, 208, 416, 0.9, CRITICAL, zone.least_power)
    rejected = (cui_hung_wang(first, second, 104 / n) >= CRITICAL).mean()
    assert rejected < 0.025 + 3 * np.sqrt(0.025 * 0.975 / first.size)
    assert (n > 208).mean() > 0.05


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match=r"power must lie between 0.5 and 1 \(got 0.4\)"):
        promising_zone(0.5, 2.0, 0.4, CRITICAL)
    with pytest.raises(ValueError, match=r"sides must be 1 or 2 \(got 3\)"):
        blinded_mean_patients(1.0, 1.0, Aim(0.9, sides=3))
    with pytest.raises(ValueError, match=r"power must lie between 0 and 1 \(got 1.0\)"):
        blinded_rank_patients([1, 1], 0.6, Aim(1.0))

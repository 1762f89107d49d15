"""Sample sizes against WMWssp, samplesize, Hmisc and published examples."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.planning.sample_size import (
    happ,
    noether,
    zhao,
)
from trialsim.stats.planning.scale_effects import proportional_odds_cells, theta_of_cells
from trialsim.stats.ranks.mann_whitney import cell_counts

ORACLES = reference("sample_size")
CASES = {case["id"]: case for case in ORACLES["cases"]}


def of_kind(start: str) -> pytest.MarkDecorator:
    chosen = [case for name, case in CASES.items() if name.startswith(start)]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


@of_kind("ssp.noether")
def test_noether_agrees_with_r(case: dict[str, Any]) -> None:
    """Oracle: WMWssp and hce; lrstat rounds up."""
    study, expected = case["inputs"], case["expected"]
    planned = noether(study["mw"], study["fraction_treatment"])
    size = planned.patients(study["power"], study["alpha_two_sided"])
    assert_allclose(size, expected["N_total_unrounded"], rtol=1e-8)
    assert np.ceil(size) == expected["N_total_ceil"]


def test_noether_power_is_the_published_one() -> None:
    """Oracle: the help page of statpsych's power.mann."""
    expected = CASES["ssp.statpsych.power_mann"]["expected"]
    assert_allclose(noether(0.65).power(100), expected["power_formula"], atol=1e-10)


@of_kind("ssp.ordinal")
def test_sizes_with_ties_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: WMWssp for Happ et al., samplesize for Zhao et al."""
    study, expected = case["inputs"], case["expected"]
    scale = np.array(study["p_treatment"]), np.array(study["p_control"])
    alpha, power = study["alpha_two_sided"], study["power"]
    exact, tied = (method(*scale, study["fraction_treatment"]) for method in (happ, zhao))
    assert_allclose(theta_of_cells(*scale), expected["mw_high_better"], rtol=1e-9)
    assert_allclose(exact.patients(power, alpha), expected["N_happ"], rtol=1e-5)
    assert_allclose(tied.patients(power, alpha), expected["N_zhao"], rtol=1e-7)
    assert_allclose(exact.power(200, alpha), expected["power_happ_at_N200"], rtol=1e-7)


def test_zhaos_published_example_is_met() -> None:
    """Oracle: Zhao, Rahardja and Qu (2008), as coded in R's samplesize."""
    case = CASES["ssp.zhao2008.example"]
    control, treated = (np.array(case["inputs"][arm]) for arm in "pq")
    size = zhao(treated, control, 0.53).patients(0.8)
    assert_allclose(size, case["expected"]["N_unrounded"], atol=1e-6)
    assert np.ceil(size) == case["expected"]["N"]


def test_happs_published_example_is_met() -> None:
    """Oracle: the example of WMWssp and its unit tests; the arms' values are their own pilots."""
    case = CASES["ssp.happ.shift20"]
    treated, control = cell_counts(*(np.array(case["inputs"][arm], float) for arm in "yx"))
    scale = treated / treated.sum(), control / control.sum()
    assert_allclose(theta_of_cells(*scale), case["expected"]["p_relative_effect"], atol=1e-6)
    assert_allclose(happ(*scale).patients(0.8), case["expected"]["N_unrounded"], atol=1e-4)


def test_one_sided_power_agrees_with_simulation() -> None:
    """Oracle: 200,000 simulated trials of the scale in SAS's example of PROC POWER."""
    case = CASES["ssp.sas_ic7"]
    scale = np.array(case["inputs"]["p_treatment"]), np.array(case["inputs"]["p_control"])
    power = happ(*scale).power(case["inputs"]["n_total"], alpha=0.05, sides=1)
    assert_allclose(power, case["expected"]["power_happ"], atol=1e-7)
    assert_allclose(power, case["expected"]["power_mc_one_sided"], atol=0.004)


scales = st.lists(st.floats(0.01, 1), min_size=2, max_size=8).map(
    lambda weights: np.array(weights) / sum(weights)
)
designs = st.fixed_dictionaries(
    {
        "alpha": st.sampled_from([0.01, 0.05]),
        "sides": st.sampled_from([1, 2]),
    }
)


shares = st.sampled_from([0.5, 2 / 3])


@law(
    control=scales,
    design=designs,
    share=shares,
    power=st.floats(0.5, 0.99),
    log=st.floats(0.2, 1.5),
)
def test_the_patients_for_a_power_have_that_power(
    control: Floats, design: dict[str, Any], share: float, power: float, log: float
) -> None:
    treated = proportional_odds_cells(control, np.exp(log))
    theta = theta_of_cells(treated, control)
    for planned in (
        noether(theta, share),
        zhao(treated, control, share),
        happ(treated, control, share),
    ):
        assert_allclose(planned.power(planned.patients(power, **design), **design), power)


@law(control=scales, design=designs, share=shares, log=st.floats(0.2, 1.5))
def test_an_effect_and_its_mirror_need_the_same_patients(
    control: Floats, design: dict[str, Any], share: float, log: float
) -> None:
    treated = proportional_odds_cells(control, np.exp(log))
    mirrored = treated[::-1], control[::-1]
    for method in (zhao, happ):
        wanted = method(treated, control, share).patients(0.9, **design)
        assert_allclose(method(*mirrored, share).patients(0.9, **design), wanted)


def test_without_ties_all_methods_meet_near_no_effect() -> None:
    """Oracle: Noether; on 2,000 cells ties take a millionth of the variance."""
    control = np.full(2000, 1 / 2000)
    treated = proportional_odds_cells(control, 1.1)
    wanted = noether(theta_of_cells(treated, control)).patients(0.9)
    assert_allclose(zhao(treated, control).patients(0.9), wanted, rtol=1e-5)
    assert_allclose(happ(treated, control).patients(0.9), wanted, rtol=1e-3)


def test_no_effect_costs_infinitely_many_patients_and_has_half_of_alpha() -> None:
    equal = np.array([0.1, 0.6, 0.3])
    assert noether(0.5).patients(0.9) == np.inf
    assert zhao(equal, equal).patients(0.9) == happ(equal, equal).patients(0.9) == np.inf
    assert_allclose(happ(equal, equal).power(500), 0.025)


def test_a_scale_of_one_cell_has_no_power() -> None:
    stuck = np.array([0.0, 1.0, 0.0])
    assert zhao(stuck, stuck).patients(0.9) == happ(stuck, stuck).patients(0.9) == np.inf
    assert zhao(stuck, stuck).power(1000) == happ(stuck, stuck).power(1000) == 0


def test_complete_separation_is_certain_from_some_size_on() -> None:
    treated, control = np.array([0.0, 0.0, 1.0]), np.array([0.4, 0.6, 0.0])
    size = happ(treated, control).patients(0.9)
    assert_array_equal(happ(treated, control).power([0.99 * size, 1.01 * size]), [0.0, 1.0])


def test_batches_of_scales_and_sizes_broadcast() -> None:
    control = np.array([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7]])
    treated = proportional_odds_cells(control, 2.0)
    sizes = np.array([[100], [200], [300]])
    powers = happ(treated, control).power(sizes)
    assert powers.shape == (3, 2)
    for size, scale in np.ndindex(3, 2):
        single = happ(treated[scale], control[scale]).power(sizes[size, 0])
        assert_allclose(powers[size, scale], single, rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alpha": 1.0}, r"alpha must lie between 0 and 1 \(got 1\.0\)"),
        ({"sides": 3}, r"sides must be 1 or 2 \(got 3\)"),
        ({"power": 1.0}, r"power must lie between 0 and 1 \(got 1\.0\)"),
        ({"power": 0.02}, r"power must be above alpha / sides \(got 0\.02\)"),
        ({"treated_share": 0.0}, r"treated_share must lie between 0 and 1 \(got 0\.0\)"),
        ({"theta": 1.5}, r"theta must lie from 0 to 1 \(got 1\.5\)"),
    ],
)
def test_wrong_designs_are_refused(wrong: dict[str, Any], message: str) -> None:
    choices: dict[str, Any] = {"theta": 0.6, "power": 0.9} | wrong
    effect = {name: choices.pop(name) for name in ("theta", "treated_share") if name in choices}
    with pytest.raises(ValueError, match=message):
        noether(**effect).patients(**choices)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"patients must not be negative \(got -1\.0\)"):
        noether(0.6).power(-1)

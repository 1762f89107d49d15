"""Stratified rank tests and effects, against coin, sanon, hce and laws of their own."""

from functools import cache
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Floats, Integers
from trialsim.stats.ranks.estimated_effect import IntervalScale
from trialsim.stats.ranks.mann_whitney import (
    RankSummary,
    mann_whitney,
    summarise,
    summarise_counts,
)
from trialsim.stats.ranks.stratified import (
    StratumWeighting,
    stratified_effect,
    stratified_test,
    stratum_weights,
    summarise_strata,
)

CASES = reference("stratified")["cases"]
WEIGHTINGS: tuple[StratumWeighting, ...] = get_args(StratumWeighting)
KEYS: dict[StratumWeighting, str] = {
    "van-elteren": "van_elteren_mn_over_Np1",
    "mantel-haenszel": "mantel_haenszel_mn_over_N",
    "patients": "total_N",
    "equal": "equal",
    "pairs": "pairs_mn",
}
"""Inverse variances are those of the null hypothesis here, of the placements in R."""
every_weighting = pytest.mark.parametrize("weighting", WEIGHTINGS)

Trial = tuple[Floats, Floats, Integers, Integers]


def of_family(family: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["family"] == family]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def trial_of(case: dict[str, Any]) -> Trial:
    inputs = case["inputs"]
    values = np.array(inputs["v"], float)
    stratum = np.unique(inputs["stratum"], return_inverse=True)[1]
    treated = np.array(inputs["arm"]) == inputs["treatment"]
    return values[treated], values[~treated], stratum[treated], stratum[~treated]


def arm(strata: int) -> st.SearchStrategy[tuple[list[int], list[int]]]:
    rows = st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, strata - 1)), min_size=1, max_size=15
    )
    return rows.map(lambda pairs: ([v for v, _ in pairs], [s for _, s in pairs]))


trials = st.tuples(arm(3), arm(3)).map(
    lambda arms: (
        np.array(arms[0][0], float),
        np.array(arms[1][0], float),
        np.array(arms[0][1]),
        np.array(arms[1][1]),
    )
)


@of_family("van_elteren")
def test_stratified_tests_agree_with_coin(case: dict[str, Any]) -> None:
    """Oracle: coin 1.4.2, independence_test of rank / (N + 1), and of rank, by stratum."""
    expected, trial = case["expected"], trial_of(case)
    test = stratified_test(summarise_strata(*trial))
    assert_allclose(test.z, expected["z_van_elteren"], rtol=1e-12)
    assert_allclose(test.z**2, expected["chi2_van_elteren"], rtol=1e-12)
    assert_allclose(test.p_value, expected["p_two_sided"], rtol=1e-11)
    pairs = stratified_test(summarise_strata(*trial), "pairs")
    assert_allclose(pairs.z, expected["z_unweighted_stratified_ranksum"], rtol=1e-12)
    assert_allclose(pairs.p_value, expected["p_two_sided_unweighted"], rtol=1e-11)


@of_family("stratified_mw_estimator")
def test_effects_of_strata_agree_with_r(case: dict[str, Any]) -> None:
    """Oracle: the effect and the DeLong variance of each stratum that has both arms."""
    strata, expected = summarise_strata(*trial_of(case)), case["expected"]["per_stratum"]
    both = np.flatnonzero((strata.treated > 0) & (strata.control > 0))
    assert_array_equal(strata.treated[both], expected["m"])
    assert_array_equal(strata.control[both], expected["n"])
    assert_allclose(strata.effect[both], expected["mw"], rtol=1e-12)
    assert_allclose(strata.placement_variance[both], expected["var_placement"], rtol=1e-12)


@of_family("stratified_mw_estimator")
@pytest.mark.parametrize("weighting", KEYS)
def test_stratified_effects_agree_with_r(case: dict[str, Any], weighting: StratumWeighting) -> None:
    """Oracle: weighted means with the variance sum w**2 V."""
    found = stratified_effect(summarise_strata(*trial_of(case)), weighting)
    expected = case["expected"]["weights"][KEYS[weighting]]
    assert_allclose(found.effect, expected["mw"], rtol=1e-12)
    assert_allclose(found.standard_error, expected["se"], rtol=1e-12)


@of_family("stratified_mw_estimator")
def test_stratified_effects_agree_with_sanon_and_hce(case: dict[str, Any]) -> None:
    """Oracle: sanon 1.6 and hce 0.9.4, estimates only: their variances have other divisors."""
    strata, expected = summarise_strata(*trial_of(case)), case["expected"]
    sanon, hce = stratified_effect(strata).effect, stratified_effect(strata, "mantel-haenszel")
    assert_allclose(sanon, expected["sanon"]["mw"], rtol=1e-9)
    assert_allclose(hce.effect, expected["hce_stratWO"]["WP"], rtol=1e-9)


@law(trial=trials)
def test_single_stratum_is_the_unstratified_test(trial: Trial) -> None:
    treated, control, treated_stratum, control_stratum = trial
    strata = summarise_strata(treated, control, 0 * treated_stratum, 0 * control_stratum)
    expected = mann_whitney(treated, control)
    for weighting in WEIGHTINGS:
        test = stratified_test(strata, weighting)
        if weighting == "inverse-variance" and strata.null_variance[0] == 0:
            assert np.isnan(test.effect)
        else:
            assert_allclose(test, expected, rtol=1e-12, atol=1e-13, err_msg=weighting)


@law(trial=trials)
def test_swapping_the_arms_turns_the_effect_round(trial: Trial) -> None:
    treated, control, treated_stratum, control_stratum = trial
    strata = summarise_strata(*trial)
    others = summarise_strata(control, treated, control_stratum, treated_stratum)
    for weighting in WEIGHTINGS:
        found, swapped = stratified_effect(strata, weighting), stratified_effect(others, weighting)
        turned = (1 - found.effect, found.standard_error, 1 - found.high, 1 - found.low)
        assert_allclose(swapped[:4], turned, atol=1e-12, err_msg=weighting)
        assert_allclose(swapped.p_value, found.p_value, atol=1e-12, err_msg=weighting)


@law(trial=trials)
def test_shift_of_a_whole_stratum_changes_nothing(trial: Trial) -> None:
    """Patients are never compared across strata."""
    treated, control, treated_stratum, control_stratum = trial
    moved = summarise_strata(
        treated + 100.0 * treated_stratum,
        control + 100.0 * control_stratum,
        treated_stratum,
        control_stratum,
    )
    assert_array_equal(stratified_test(moved), stratified_test(summarise_strata(*trial)))


@law(trial=trials)
def test_nothing_is_nan_but_an_effect_nobody_saw(trial: Trial) -> None:
    strata = summarise_strata(*trial)
    for weighting, interval_scale in product(WEIGHTINGS, get_args(IntervalScale)):
        found = stratified_effect(strata, weighting, interval_scale)
        assert np.isfinite([found.low, found.high, found.z, found.p_value]).all()
        assert 0 <= found.low < found.high <= 1
        assert np.isfinite(stratified_test(strata, weighting).p_value)


@every_weighting
def test_batch_equals_loop_over_trials(weighting: StratumWeighting) -> None:
    random = np.random.default_rng(4)
    treated, control = (random.integers(0, 58, (3, 2, size)) * 1.0 for size in (20, 17))
    treated_stratum, control_stratum = (random.integers(0, 4, (3, 2, size)) for size in (20, 17))
    treated[random.random(treated.shape) < 0.1] = np.nan
    strata = summarise_strata(treated, control, treated_stratum, control_stratum)
    test, effect = stratified_test(strata, weighting), stratified_effect(strata, weighting)
    for trial in np.ndindex(3, 2):
        single = summarise_strata(
            treated[trial], control[trial], treated_stratum[trial], control_stratum[trial]
        )
        assert_array_equal([f[trial] for f in test], stratified_test(single, weighting))
        assert_array_equal([f[trial] for f in effect], stratified_effect(single, weighting))


def test_counts_by_stratum_give_the_same_bits_as_samples() -> None:
    random = np.random.default_rng(8)
    treated, control = random.integers(0, 6, 40), random.integers(0, 6, 38)
    treated_stratum, control_stratum = random.integers(0, 3, 40), random.integers(0, 3, 38)
    counts = [np.zeros((3, 6), np.int64) for _ in range(2)]
    np.add.at(counts[0], (treated_stratum, treated), 1)
    np.add.at(counts[1], (control_stratum, control), 1)
    samples = summarise_strata(treated * 1.0, control * 1.0, treated_stratum, control_stratum)
    assert_array_equal(stratified_test(summarise_counts(*counts)), stratified_test(samples))


def test_stratum_with_an_empty_arm_changes_nothing() -> None:
    both = np.array([3.0, 4, 2]), np.array([1.0, 4, 1]), np.array([0, 0, 1]), np.array([0, 0, 1])
    more = np.append(both[0], 9.0), both[1], np.append(both[2], 2), both[3]
    for weighting in WEIGHTINGS:
        expected = stratified_effect(summarise_strata(*both), weighting)
        assert_array_equal(stratified_effect(summarise_strata(*more), weighting), expected)


def test_strata_that_all_lack_an_arm_say_nothing() -> None:
    strata = summarise_strata(np.array([1.0, 2]), np.array([3.0]), np.array([0, 0]), np.array([1]))
    test, effect = stratified_test(strata), stratified_effect(strata)
    assert np.isnan(test.effect)
    assert_array_equal((test.z, test.p_value), (0, 1))
    assert_array_equal((effect.low, effect.high, effect.p_value), (0, 1, 1))
    assert_array_equal(stratum_weights(strata, "van-elteren"), (0, 0))


def test_all_values_equal_within_strata_say_nothing_against_the_null() -> None:
    strata = summarise_strata(np.full(4, 3.0), np.full(4, 3.0), np.arange(4) % 2, np.arange(4) % 2)
    assert_array_equal(stratified_test(strata), (0.5, 0, 1))
    assert_array_equal(stratified_effect(strata), (0.5, np.nan, 0, 1, 0, 1, np.inf))


def test_complete_separation_has_an_interval_with_a_width() -> None:
    trial = np.array([5.0, 6, 8, 9]), np.array([1.0, 2, 3, 4]), np.arange(4) % 2, np.arange(4) % 2
    found = stratified_effect(summarise_strata(*trial), interval_scale="logit")
    assert found.effect == 1
    assert found.low < 0.8
    assert found.high == 1


@pytest.mark.parametrize("weighting", ["van-elteren", "mantel-haenszel", "pairs"])
def test_van_elteren_holds_its_level_and_strata_raise_its_power(
    weighting: StratumWeighting,
) -> None:
    """Four strata far apart, 20 patients an arm in all; 4 binomial standard errors."""
    random, trials_ = np.random.default_rng(2016), 4000
    stratum = np.arange(20) % 4
    control = random.normal(size=(trials_, 20)) + 2.0 * stratum
    rates = {}
    for shift in (0.0, 1.0):
        treated = random.normal(shift, size=(trials_, 20)) + 2.0 * stratum
        strata = summarise_strata(treated, control, stratum, stratum)
        rates[shift] = np.mean(stratified_test(strata, weighting).p_value <= 0.05)
        rates[shift + 0.5] = np.mean(mann_whitney(treated, control).p_value <= 0.05)
    assert rates[0.0] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials_)
    assert rates[1.0] > rates[1.5] + 0.3


def test_unknown_weighting_is_refused() -> None:
    strata = summarise_strata(np.array([1.0]), np.array([3.0]), np.array([0]), np.array([0]))
    with pytest.raises(ValueError, match=r"weighting must be one of van-elteren.*\(got 'best'\)"):
        stratum_weights(strata, "best")  # type: ignore[arg-type]


@law(trial=trials)
def test_patient_of_no_stratum_is_left_out(trial: Trial) -> None:
    treated, control, treated_stratum, control_stratum = trial
    more = np.append(treated, 3.0), np.append(treated_stratum, -1)
    found = summarise_strata(more[0], control, more[1], control_stratum)
    assert_array_equal(stratified_test(found), stratified_test(summarise_strata(*trial)))


@cache
def uneven_sites(trials: int, patients: int) -> RankSummary:
    """Summarise twelve sites of uneven size, with no effect and a fifth at either end."""
    random = np.random.default_rng(11)
    sizes = np.maximum(1, np.round(patients * np.linspace(0.3, 1.7, 12) / 12)).astype(int)
    arms = np.full((2, trials, 12, sizes.max()), np.nan)
    for site, size in enumerate(sizes):
        latent = 28 + 34 * random.normal(size=(2, trials, size))
        arms[:, :, site, :size] = np.clip(np.round(latent), 0, 57)
    return summarise(*arms)


@every_weighting
@pytest.mark.parametrize("patients", [52, 104])
def test_every_weighting_keeps_level_and_coverage(
    weighting: StratumWeighting, patients: int
) -> None:
    """No effect at twelve sites of 1 to 15 patients an arm; 4 binomial standard errors."""
    trials = 4000
    strata = uneven_sites(trials, patients)
    margin = 4 * np.sqrt(0.05 * 0.95 / trials)
    assert np.mean(stratified_test(strata, weighting).p_value <= 0.05) < 0.05 + margin
    found = stratified_effect(strata, weighting)
    assert np.mean((found.low <= 0.5) & (found.high >= 0.5)) > 0.95 - margin

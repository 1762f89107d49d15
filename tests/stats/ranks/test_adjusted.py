"""Covariate-adjusted effects, against sanon, NumPy and laws of their own."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from tests.stats.reference import reference
from trialsim.arrays import Booleans
from trialsim.stats.ranks.adjusted import AdjustedVariance, Arm, adjusted_effect
from trialsim.stats.ranks.placements import placements
from trialsim.stats.ranks.stratified import stratified_effect, summarise_strata

CASES = {c["id"]: c for c in reference("adjusted")["cases"]}
STRATIFIED = [
    case for case in reference("stratified")["cases"] if case["family"] == "stratified_mw_estimator"
]
VARIANCES: tuple[AdjustedVariance, ...] = get_args(AdjustedVariance)
every_variance = pytest.mark.parametrize("variance", VARIANCES)


def arms_of(
    outcome: list[float], covariates: list[list[float]], strata: list[str], treated: Booleans
) -> tuple[Arm, Arm]:
    values, stratum = np.array(outcome, float), np.unique(strata, return_inverse=True)[1]
    rows = np.array(covariates, float).reshape(-1, values.size)
    return (
        Arm(values[treated], rows[:, treated], stratum[treated]),
        Arm(values[~treated], rows[:, ~treated], stratum[~treated]),
    )


def random_arms(seed: int, *batch: int) -> tuple[Arm, Arm]:
    random = np.random.default_rng(seed)
    arms = []
    for patients in (17, 15):
        covariates = random.normal(size=(*batch, 2, patients))
        outcome = np.round(covariates.sum(axis=-2) + random.normal(size=(*batch, patients)), 1)
        arms.append(Arm(outcome, covariates, random.integers(0, 3, (*batch, patients))))
    return arms[0], arms[1]


def in_other_units(arm: Arm) -> Arm:
    """Give the first covariate another unit and twice, the second another order-true scale."""
    once, ranked = arm.covariates
    rows = [32 + 1.8 * once, np.exp(ranked), once, np.full(once.shape, 7.0)]
    return Arm(arm.outcome, np.vstack(rows), arm.stratum)


@st.composite
def small_arms(draw: st.DrawFn) -> Arm:
    row = st.tuples(
        st.sampled_from([0.0, 1, 2, np.nan]),
        st.sampled_from([0.0, 1, 5, np.nan]),
        st.sampled_from([2.0, 3]),
        st.integers(0, 1),
    )
    rows = draw(st.lists(row, min_size=1, max_size=12))
    columns = np.array(rows, float).T
    return Arm(columns[0], columns[1:3], columns[3].astype(np.int64))


@pytest.mark.parametrize("case", STRATIFIED, ids=[case["id"] for case in STRATIFIED])
def test_unadjusted_u_statistic_agrees_with_sanon(case: dict[str, Any]) -> None:
    """Oracle: sanon 1.6, sanon(v ~ grp(g) + strt(s))."""
    inputs = case["inputs"]
    arms = arms_of(inputs["v"], [], inputs["stratum"], np.array(inputs["arm"]) == "A")
    found = adjusted_effect(*arms, [], variance="u-statistic")
    assert_allclose(found.effect, case["expected"]["sanon"]["mw"], rtol=1e-12)
    assert_allclose(found.standard_error, case["expected"]["sanon"]["se"], rtol=1e-12)


def test_chronic_pain_trial_agrees_with_sanon() -> None:
    """Oracle: sanon 1.6 and Kawaguchi and Koch (2015), J Stat Softw 67(9), example 3.1."""
    inputs, expected = CASES["wl.sanon_cpain"]["inputs"], CASES["wl.sanon_cpain"]["expected"]
    strata = [a + b for a, b in zip(inputs["center"], inputs["diagnosis"], strict=True)]
    arms = arms_of(inputs["response"], [], strata, np.array(inputs["treat"]) == "active")
    found = adjusted_effect(*arms, [], variance="u-statistic")
    assert_allclose(found.effect - 0.5, expected["mw_minus_half"], rtol=1e-10)
    assert_allclose(found.standard_error, expected["se"], rtol=1e-10)
    assert_allclose(found.p_value, expected["p"], rtol=1e-9)


@pytest.mark.parametrize("visit", [0, 1, 2, 3])
def test_respiratory_trial_agrees_with_sanon(visit: int) -> None:
    """Oracle: sanon 1.6, example 3.2: adjusted for ranked baseline and age, by center and sex."""
    case = CASES["wl.sanon_resp_adjusted"]
    data, expected = case["inputs"]["data"], case["expected"]
    strata = [a + b for a, b in zip(data["center"], data["sex"], strict=True)]
    arms = arms_of(
        data[f"visit{visit + 1}"],
        [data["baseline"], data["age"]],
        strata,
        np.array(data["treatment"]) == "A",
    )
    found = adjusted_effect(*arms, [True, False], variance="u-statistic", small_samples=False)
    assert_allclose(found.effect - 0.5, expected["xi_minus_half"][visit], rtol=1e-10)
    assert_allclose(found.standard_error, expected["se"][visit], rtol=1e-10)
    assert_allclose(found.p_value, expected["p"][visit], rtol=1e-8)


def test_unstratified_adjustment_is_a_projection() -> None:
    """Oracle: the formula of Koch et al. (1998), with numpy.cov."""
    treated, control = (Arm(arm.outcome, arm.covariates) for arm in random_arms(20))
    placed = placements(treated.outcome, control.outcome)
    rows = (
        np.vstack([placed.treated, treated.covariates]),
        np.vstack([placed.control, control.covariates]),
    )
    covariance = sum(np.cov(arm) / arm.shape[1] for arm in rows)
    imbalance = treated.covariates.mean(axis=1) - control.covariates.mean(axis=1)
    slopes = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    found = adjusted_effect(treated, control, [False, False], small_samples=False)
    assert_allclose(found.effect, placed.treated.mean() - slopes @ imbalance, rtol=1e-12)
    variance = covariance[0, 0] - slopes @ covariance[1:, 0]
    assert_allclose(found.standard_error, np.sqrt(variance), rtol=1e-12)


@law(treated=small_arms(), control=small_arms())
def test_adjustment_for_nothing_is_the_stratified_effect(treated: Arm, control: Arm) -> None:
    strata = summarise_strata(treated.outcome, control.outcome, treated.stratum, control.stratum)
    first, second = (
        Arm(arm.outcome, arm.covariates[:0], arm.stratum) for arm in (treated, control)
    )
    bare = adjusted_effect(first, second, [])
    for found, expected in zip(bare, stratified_effect(strata), strict=True):
        assert_allclose(found, expected, atol=1e-12)


@law(treated=small_arms(), control=small_arms())
def test_swapping_the_arms_turns_the_effect_round(treated: Arm, control: Arm) -> None:
    for variance in VARIANCES:
        found = adjusted_effect(treated, control, [True, False], variance=variance)
        swapped = adjusted_effect(control, treated, [True, False], variance=variance)
        assert np.isfinite([found.low, found.high, found.z, found.p_value]).all(), variance
        assert_allclose(swapped.effect, 1 - found.effect, atol=1e-7, err_msg=variance)
        assert_allclose(swapped.low, 1 - found.high, atol=1e-7, err_msg=variance)


@every_variance
def test_units_and_repetition_of_covariates_change_nothing(variance: AdjustedVariance) -> None:
    treated, control = random_arms(21)
    found = adjusted_effect(treated, control, [False, True], variance=variance)
    first, second = (in_other_units(arm) for arm in (treated, control))
    again = adjusted_effect(first, second, [False, True, False, False], variance=variance)
    assert_allclose(again, found, rtol=1e-9)


@every_variance
def test_batch_equals_loop_over_trials(variance: AdjustedVariance) -> None:
    treated, control = random_arms(22, 4, 2)
    treated.outcome[0, 0, :3] = np.nan
    treated.covariates[1, 1, 0, :3] = np.nan
    batch = adjusted_effect(treated, control, [True, False], variance=variance)
    for trial in np.ndindex(4, 2):
        first, second = (
            Arm(arm.outcome[trial], arm.covariates[trial], arm.stratum[trial])
            for arm in (treated, control)
        )
        single = adjusted_effect(first, second, [True, False], variance=variance)
        assert_allclose([field[trial] for field in batch], single, rtol=1e-9)


@every_variance
def test_complete_separation_and_empty_arms_have_an_answer(variance: AdjustedVariance) -> None:
    low, high = Arm(np.array([1.0, 2, 3]), np.eye(2, 3)), Arm(np.array([5.0, 6]), np.ones((2, 2)))
    found = adjusted_effect(high, low, [False, True], variance=variance)
    assert found.effect == 1
    assert 0 <= found.low < 0.7
    nobody = Arm(np.array([]), np.empty((2, 0)))
    empty = adjusted_effect(nobody, low, [False, True], variance=variance)
    assert_array_equal(empty, (np.nan, np.nan, 0, 1, 0, 1, np.inf))


@every_variance
def test_prognostic_covariate_sharpens_the_effect_and_holds_the_level(
    variance: AdjustedVariance,
) -> None:
    """Correlation 0.8, 40 patients an arm, no effect; 4 binomial standard errors.

    The variance falls by near the square of the correlation of the ranks, and its mean is that of
    the estimates.
    """
    random, trials = np.random.default_rng(2016), 3000
    baseline = [random.normal(size=(trials, 1, 40)) for _ in range(2)]
    arms = [Arm(0.8 * x[:, 0] + 0.6 * random.normal(size=(trials, 40)), x) for x in baseline]
    found = adjusted_effect(arms[0], arms[1], [True], variance=variance)
    first, second = (Arm(arm.outcome, arm.covariates[:, :0]) for arm in arms)
    plain = adjusted_effect(first, second, [])
    ratio = np.mean(found.standard_error**2) / np.mean(plain.standard_error**2)
    assert 0.3 < ratio < 0.45
    assert abs(np.mean(found.standard_error**2) / np.var(found.effect) - 1) < 0.12
    assert np.mean(found.p_value <= 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)


def scores(random: np.random.Generator, trials: int, patients: int, share: float) -> Arm:
    """Return an arm of a scale with a fifth at either end, and covariates, one prognostic."""
    covariates = random.normal(size=(trials, 4, patients))
    latent = share * covariates[:, 0] + np.sqrt(1 - share**2) * random.normal(
        size=(trials, patients)
    )
    return Arm(np.clip(np.round(28 + 34 * latent), 0, 57), covariates)


@every_variance
@pytest.mark.parametrize("patients", [5, 10, 25])
def test_four_covariates_keep_the_level_in_small_arms(
    variance: AdjustedVariance, patients: int
) -> None:
    """No effect, ties at both ends; 4 binomial standard errors, on either side but at 5 an arm."""
    random, trials = np.random.default_rng(7), 2500
    treated, control = (scores(random, trials, patients, 0.7) for _ in range(2))
    found = adjusted_effect(treated, control, [True, False, False, True], variance=variance)
    margin = 4 * np.sqrt(0.05 * 0.95 / trials)
    rejected = np.mean(found.p_value <= 0.05)
    assert rejected < 0.05 + margin
    assert rejected > (0.05 - margin if patients > 5 else 0.01)
    covered = np.mean((found.low <= 0.5) & (found.high >= 0.5))
    assert abs(1 - covered - rejected) < 1e-12


def test_an_adjusted_effect_stays_on_its_scale_and_in_its_interval() -> None:
    random = np.random.default_rng(3)
    treated, control = scores(random, 2000, 5, 0.9), scores(random, 2000, 5, 0.9)
    better = Arm(treated.outcome + 60, treated.covariates[:, :2])
    found = adjusted_effect(better, Arm(control.outcome, control.covariates[:, :2]), [True, False])
    assert (found.effect <= 1).all()
    assert ((found.low <= found.effect) & (found.effect <= found.high)).all()
    assert (found.low < found.high).all()


def test_unknown_variance_is_refused() -> None:
    arm = Arm(np.array([1.0, 2]), np.empty((0, 2)))
    with pytest.raises(ValueError, match=r"variance must be one of placement, .*\(got 'null'\)"):
        adjusted_effect(arm, arm, [], variance="null")  # type: ignore[arg-type]


def test_scale_must_be_stated_for_each_covariate() -> None:
    arm = Arm(np.array([1.0, 2]), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"ranked must state each of 2 covariates \(got 1\)"):
        adjusted_effect(arm, arm, [True])

"""Trials are pooled as the meta-analysis of their summaries pools them, whatever the measure."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.stats.meta_analysis import combine_effects

from trialsim.analysis.data import Data
from trialsim.analysis.pooled import TrialEffect, pool, pooled_truth, trial_effect
from trialsim.arrays import Floats
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

PLAN = {
    "measure": "mann_whitney",
    "variance": "null_variance",
    "pooling": "wei_lachin",
    "alternative": "two-sided",
    "alpha": 0.05,
    "confidence": 0.95,
}
RANDOM = {"pooling": "random", "heterogeneity": "dersimonian-laird", "reference": "normal"}
ESTIMATES = np.array([[0.71, 0.53, 0.60], [0.62, 0.64, 0.55]])
VARIANCES = np.array([[0.0016, 0.0014, 0.0050], [0.0016, 0.0014, 0.0050]])


def plan(**changes: Any) -> PooledAnalysis:
    return PooledAnalysis.model_validate({**PLAN, **changes})


def effects(estimates: Floats = ESTIMATES, variances: Floats = VARIANCES) -> list[TrialEffect]:
    return [TrialEffect(estimates[:, one], variances[:, one]) for one in range(3)]


def test_equal_weights_are_a_plain_mean() -> None:
    found = pool(effects(), plan())
    assert_allclose(found.estimate, ESTIMATES.mean(axis=1))
    half = 1.959963984540054 * np.sqrt(VARIANCES.sum(axis=1)) / 3
    assert_allclose(found.high - found.low, 2 * half)


@pytest.mark.parametrize("pooling", ["fixed", "random"])
def test_weighted_pooling_is_that_of_statsmodels(pooling: str) -> None:
    changes = RANDOM if pooling == "random" else {"pooling": "fixed"}
    found = pool(effects(), plan(**changes))
    for replicate in range(2):
        known = combine_effects(ESTIMATES[replicate], VARIANCES[replicate], method_re="dl")
        row = known.summary_frame().loc[f"{pooling} effect"]
        if pooling == "random" and known.tau2 < 0:
            continue  # statsmodels does not cut it at 0
        assert_allclose(found.estimate[replicate], row["eff"])
        assert_allclose(found.low[replicate], row["ci_low"])


def test_heterogeneity_is_that_of_statsmodels() -> None:
    found = pool(effects(), plan())
    known = combine_effects(ESTIMATES[0], VARIANCES[0], method_re="dl")
    assert_allclose(found.tau2[0], known.tau2)
    assert_allclose(found.i2[0], known.i2)


def test_a_one_sided_p_value_is_half_of_the_other_on_its_side() -> None:
    two, greater, less = (
        pool(effects(), plan(alternative=one)).p_value for one in ("two-sided", "greater", "less")
    )
    assert_allclose(greater, two / 2)
    assert_allclose(less, 1 - greater)


def test_win_odds_are_pooled_as_logarithms_and_told_as_odds() -> None:
    """The mean logarithm of 3 and 1/3 is 0."""
    odds = [TrialEffect(np.log([value]), np.array([0.1])) for value in (3.0, 1 / 3)]
    found = pool(odds, plan(measure="win_odds"))
    assert_allclose(found.estimate, 1.0)
    assert_allclose(found.low * found.high, 1.0)
    assert found.p_value.item() == pytest.approx(1.0)


def test_a_trial_without_an_estimate_is_left_out() -> None:
    missing = ESTIMATES.copy()
    missing[:, 2] = np.nan
    found = pool(effects(missing), plan())
    assert_allclose(found.estimate, ESTIMATES[:, :2].mean(axis=1))


@pytest.mark.parametrize("heterogeneity", ["dersimonian-laird", "paule-mandel"])
def test_a_replicate_is_pooled_alike_alone_and_among_others(heterogeneity: str) -> None:
    numbers = np.random.Generator(np.random.PCG64(1))
    estimates, variances = numbers.normal(0.6, 0.1, (200, 3)), numbers.uniform(1e-4, 1e-2, (200, 3))
    asked = plan(**{**RANDOM, "heterogeneity": heterogeneity, "reference": "hartung-knapp"})
    whole = pool(effects(estimates, variances), asked)
    for one in range(0, 200, 7):
        rows = slice(one, one + 1)
        alone = pool(effects(estimates[rows], variances[rows]), asked)
        for name, values in alone._asdict().items():
            assert_array_equal(values, getattr(whole, name)[rows], err_msg=name)


@pytest.fixture(scope="module")
def batch() -> Trial:
    return simulate_batch(load("vad_cognition"), Streams(11, range(8)))


def by_hand(batch: Trial, replicate: int) -> tuple[Floats, Floats]:
    """Return the analysed scores of each arm, the last one seen carried forward."""
    scores = batch.scores["mmse"][replicate]
    last = np.where(np.isnan(scores[:, 1]), scores[:, 0], scores[:, 1])
    seen = batch.conduct.visit_attended[replicate, :, 1]
    arms = batch.arms[replicate]
    return last[seen & (arms == 0)], last[seen & (arms == 1)]


def test_a_standardised_difference_is_cohens_d_with_the_small_sample_factor(batch: Trial) -> None:
    asked = plan(measure="standardised_difference", variance=None)
    found = trial_effect(Data(batch, batch.scenario.analysis), asked)
    for replicate in range(8):
        treated, control = by_hand(batch, replicate)
        freedom = len(treated) + len(control) - 2
        squares = treated.var() * len(treated) + control.var() * len(control)
        d = (treated.mean() - control.mean()) / np.sqrt(squares / freedom)
        factor = 1 - 3 / (4 * freedom - 1)  # Hedges' approximation, good to 4 digits here
        assert found.estimate[replicate] == pytest.approx(factor * d, abs=1e-4)


def test_a_mean_difference_is_in_points(batch: Trial) -> None:
    found = trial_effect(
        Data(batch, batch.scenario.analysis), plan(measure="mean_difference", variance=None)
    )
    for replicate in range(8):
        treated, control = by_hand(batch, replicate)
        assert found.estimate[replicate] == pytest.approx(treated.mean() - control.mean())


def test_win_odds_of_a_trial_are_those_of_its_mann_whitney_effect(batch: Trial) -> None:
    theta, odds = (
        trial_effect(Data(batch, batch.scenario.analysis), plan(measure=one, variance="placement"))
        for one in ("mann_whitney", "win_odds")
    )
    assert_allclose(np.exp(odds.estimate), theta.estimate / (1 - theta.estimate))
    slope = theta.estimate * (1 - theta.estimate)
    assert_allclose(odds.variance, theta.variance / slope**2)


def test_the_truth_of_one_trial_is_the_odds_of_its_mean_effect() -> None:
    """A separated trial has a part in it, though its own odds are infinite."""
    thetas, variances = np.array([[0.5], [1.0], [0.75], [np.nan]]), np.full((4, 1), 0.01)
    odds, influence = pooled_truth(thetas, variances, plan(measure="win_odds", pooling="fixed"))
    assert_allclose(odds, 3.0)
    assert_allclose(influence[:3], (thetas[:3, 0] - 0.75) / 0.25**2, rtol=1e-4)
    assert np.isnan(influence[3])


def test_the_truth_of_several_trials_has_the_weights_of_their_mean_variances() -> None:
    found, influence = pooled_truth(ESTIMATES, VARIANCES, plan(pooling="fixed"))
    weights = 1 / VARIANCES[0] / (1 / VARIANCES[0]).sum()
    assert_allclose(found, ESTIMATES.mean(axis=0) @ weights)
    assert_allclose(influence, (ESTIMATES - ESTIMATES.mean(axis=0)) @ weights, atol=1e-6)

"""What is said of estimands: the truth table, the matrix, and what has no value."""

import json
from functools import cache

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import truth_parts
from trialsim.own.analyses import AnalysisData, Estimates, own_analysis
from trialsim.questions.estimands.result import Estimands
from trialsim.replicates.estimands import BOTH
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.programme import single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

BUILT_IN = single_trial(ts.load("cars1_estimands"))
SHARES = {"method": "responders", "threshold": 40}
WITHIN_SITES = {"strata": "site", "stratum_weighting": "mantel-haenszel"}
KEPT = ("failure", "last_on_treatment", "completers")
FAST = BUILT_IN.replace(
    {f"analysis.secondary.{one}": None for one in BUILT_IN.analysis.secondary if one not in KEPT}
)


@cache
def found(replicates: int = 96, study: Scenario = FAST) -> Estimands:
    return ts.estimands(study, replicates, 15, n_jobs=1)


def test_each_analysis_is_unbiased_for_its_own_estimand_and_biased_for_another() -> None:
    cells = {(one.analysis, one.estimand): one for one in found().matrix}
    own = {PRIMARY: "treatment_policy", "failure": "composite"}
    own["last_on_treatment"] = "while_on_treatment"
    for analysis, estimand in own.items():
        cell = cells[analysis, estimand]
        assert cell.is_named
        assert cell.is_aligned
        assert abs(cell.bias.estimate) < 4 * cell.bias.mcse
        assert cell.coverage.low < 0.95 < cell.coverage.high
    wrong = cells["failure", "treatment_policy"]
    assert not wrong.is_named
    assert not wrong.is_aligned
    assert wrong.bias.estimate < -10 * wrong.bias.mcse
    assert wrong.coverage.high < 0.5


def test_bias_squared_and_variance_are_the_mean_squared_error() -> None:
    result = found()
    for cell in result.matrix:
        if np.isnan(cell.truth.estimate):
            continue
        estimates = result.columns[f"estimand estimate by {cell.analysis}"]
        expected = np.sqrt(((estimates - cell.truth.estimate) ** 2).mean())
        assert cell.rmse.estimate == pytest.approx(expected)
        assert cell.bias.estimate == pytest.approx(
            float(estimates.mean()) - float(cell.truth.estimate)
        )


def test_the_error_of_a_bias_is_that_of_the_trials_taken_together() -> None:
    """By leaving out one trial after another, the true value is computed anew without it."""
    result, count = found(), found().replicates
    cell = next(one for one in result.matrix if one.analysis == PRIMARY)
    alone = FAST.replace({"analysis.secondary": {}})
    away = []
    for left_out in range(count):
        kept = np.arange(count) != left_out
        columns = {name: values[kept] for name, values in result.columns.items()}
        beside = Estimands(alone, 15, (), result.engine, columns, 0.0).matrix[0]
        away.append(float(beside.bias.estimate))
    jackknife = np.sqrt((count - 1) / count * np.var(away) * count)
    assert cell.bias.mcse == pytest.approx(jackknife, rel=0.05)


def test_the_treatment_policy_truth_is_that_of_the_power_but_more_precise() -> None:
    """Power has the pairs of the trial as it was run; all patients in both arms have more."""
    trial = simulate_batch(FAST, Streams(15, range(96)))
    own = truth_parts(Data(trial, FAST.analysis, complete=True)).over
    truth = found().truth_of(FAST.analysis, "treatment_policy").mean
    error = own.std(ddof=1) / np.sqrt(len(own))
    assert truth.mcse < error / 2
    assert abs(truth.estimate - own.mean()) < 4 * error


@own_analysis("share_of_pairs_won", estimates="Mann-Whitney effect", null=0.5)
def share_of_pairs_won(data: AnalysisData) -> Estimates:
    """Return the Mann-Whitney effect, pair by pair."""
    value = data.value
    first, second = value[:, :, np.newaxis], value[:, np.newaxis]
    pairs = data.treated[:, :, np.newaxis] & data.control[:, np.newaxis]
    pairs = pairs & ~np.isnan(first) & ~np.isnan(second)
    won = ((first > second) + 0.5 * (first == second)) * pairs
    share = won.sum(axis=(1, 2)) / pairs.sum(axis=(1, 2))
    return Estimates(share, np.ones_like(share), standard_error=np.full_like(share, 0.04))


@cache
def over_visits() -> Estimands:
    visits = {"method": "wei_lachin", "outcomes": ["arat"], "visits": ["day_14", "day_90"]}
    own = {"method": "own", "analysis": "share_of_pairs_won"}
    further = {
        "early": {"visit": "day_14"},
        "over_visits": {"test": visits},
        "odds_over_visits": {"test": visits, "effect": "win_odds"},
        "own": {"test": own},
    }
    return found(64, FAST.replace({"analysis.secondary": further}))


def test_the_true_value_over_visits_is_the_mean_of_those_at_each_and_has_its_own_error() -> None:
    """Oracle: the values at each visit, and the error by leaving out one trial after another."""
    result = over_visits()
    plans = {PRIMARY: result.study.analysis, **result.study.analysis.further}
    for estimand in result.named:
        one, two, both, odds = (
            result.truth_of(plans[name], estimand).mean
            for name in ("early", PRIMARY, "over_visits", "odds_over_visits")
        )
        assert both.estimate == pytest.approx((one.estimate + two.estimate) / 2)
        assert one.estimate != two.estimate
        assert odds.estimate == pytest.approx(both.estimate / (1 - both.estimate))
        assert odds.mcse == pytest.approx(both.mcse / (1 - both.estimate) ** 2)
    values = []
    for left_out in range(count := result.replicates):
        kept = np.arange(count) != left_out
        columns = {name: column[kept] for name, column in result.columns.items()}
        part = Estimands(result.study, 15, (), result.engine, columns, 0.0)
        values.append(float(part.truth_of(plans["over_visits"], "composite").mean.estimate))
    jackknife = np.sqrt((count - 1) / count * np.var(values) * count)
    error = result.truth_of(plans["over_visits"], "composite").mean.mcse
    assert error == pytest.approx(jackknife, rel=0.1)


def test_an_analysis_over_visits_is_unbiased_for_its_own_estimand() -> None:
    cells = {(one.analysis, one.estimand): one for one in over_visits().matrix}
    for name in ("over_visits", "early"):
        cell = cells[name, "treatment_policy"]
        assert abs(cell.bias.estimate) < 4 * cell.bias.mcse < 0.03


def test_an_own_analysis_has_the_true_value_of_what_it_says_that_it_estimates() -> None:
    cells = {(one.analysis, one.estimand): one for one in over_visits().matrix}
    for estimand in over_visits().named:
        own, ours = cells["own", estimand], cells[PRIMARY, estimand]
        assert own.truth == ours.truth
        assert own.bias.estimate == pytest.approx(ours.bias.estimate, abs=1e-12)


def test_who_would_have_events_is_told_by_arm() -> None:
    told = {one.event: one for one in found().events}
    stopped, dead, both = told["discontinuation"], told["death"], told[BOTH]
    assert stopped.treated.estimate > stopped.control.estimate + 0.1
    assert dead.treated.estimate == dead.control.estimate
    assert 0 < both.control.estimate < both.treated.estimate < dead.treated.estimate
    assert "withdrawal" not in told


def test_doing_better_than_oneself_is_likelier_than_doing_better_than_another() -> None:
    result = found()
    theta = next(one.value.estimate for one in result.truths if one.estimand == "hypothetical")
    own = result.individual["hypothetical"]
    assert own.estimate > theta + 0.1
    assert "beyond any trial" in result.to_dict()["individual"]


def test_a_mean_has_no_value_where_the_dead_are_below_every_score() -> None:
    means = {one.estimand: one.value for one in found().truths if one.measure == "mean difference"}
    assert np.isnan(means["treatment_policy"].estimate)
    assert means["undisturbed"].estimate > 0


def test_an_empty_stratum_is_told_and_has_no_value() -> None:
    early = {"distribution": "constant", "value": 5.0}
    everybody = {"probability": 1.0, "days": early, "arms": {}}
    stops = {f"operations.discontinuation.{name}": value for name, value in everybody.items()}
    study = FAST.replace({**stops, "operations.death.probability": 0.0})
    result = ts.estimands(study, 8, 15, n_jobs=1)
    told = next(one for one in result.to_dict()["estimands"] if one["name"] == "principal_stratum")
    assert told["population"] == {"value": 0.0, "mcse": 0.0}
    assert {one["value"] for one in told["values"]} == {None}
    cells = [one for one in result.to_dict()["matrix"] if one["estimand"] == "principal_stratum"]
    assert all(cell["bias"] is cell["coverage"] is cell["rmse"] is None for cell in cells)


def test_a_ratio_is_compared_by_its_logarithm() -> None:
    study = FAST.replace({"analysis.effect": "win_odds"})
    result = ts.estimands(study, 64, 15, n_jobs=1)
    cell = next(one for one in result.matrix if one.analysis == PRIMARY)
    assert cell.truth.estimate == pytest.approx(1.53, abs=0.03)
    logs = np.log(result.columns["estimand estimate by primary"])
    assert cell.bias.estimate == pytest.approx(logs.mean() - np.log(cell.truth.estimate))


def test_an_analysis_of_several_outcomes_is_told_as_left_out() -> None:
    result = ts.estimands(ts.load("cars1"), 8, 15, n_jobs=1)
    assert result.left_out == {"global_status": "several outcomes"}
    assert {one.analysis for one in result.matrix} == {PRIMARY}


def test_another_outcome_has_true_values_of_its_own() -> None:
    other = {"endpoint": "nihss", "estimand": "hypothetical"}
    study = FAST.replace(
        {
            "analysis.secondary": {
                "nihss": other,
                "shares": {"test": {"method": "responders", "threshold": 40}},
                "odds": {"test": {**SHARES, "effect": "odds_ratio"}},
                "within": {"test": {**SHARES, "effect": "odds_ratio"}, **WITHIN_SITES},
            }
        }
    )
    result = ts.estimands(study, 32, 15, n_jobs=1)
    cells = {(one.analysis, one.estimand): one.truth.estimate for one in result.matrix}
    assert cells["nihss", "hypothetical"] != cells[PRIMARY, "hypothetical"]
    assert set(result.left_out) == {"within"}
    truths = {one.measure: one.value for one in result.truths if one.estimand == "hypothetical"}
    odds = cells["odds", "hypothetical"]
    assert truths["odds ratio, 40 or better"].estimate == odds
    assert truths["risk difference, 40 or better"].estimate == cells["shares", "hypothetical"]


def test_the_answer_is_plain_json_with_the_five_attributes() -> None:
    told = json.loads(json.dumps(found().to_dict(), allow_nan=False))
    assert [one["name"] for one in told["estimands"]] == list(FAST.estimands)
    assert len(told["estimands"][0]["attributes"]) == 5
    assert len(told["matrix"]) == len(told["analyses"]) * len(told["estimands"])

"""How estimates after looks perform, against numbers worked out from the replicates."""

import numpy as np
import pytest

import trialsim as ts
from trialsim.replicates.monitoring.looks import FINAL, LooksResult
from trialsim.reporting.text.power import power_text


def looks_of(result: ts.PowerResult) -> LooksResult:
    """Return the looks of a result that has some."""
    assert result.looks is not None
    return result.looks


@pytest.fixture(scope="module")
def odds() -> ts.PowerResult:
    """Return trials that estimate the win odds."""
    changes = {"analysis.effect": "win_odds", "monitoring.planned_effect": 1.6}
    return ts.power(ts.load("cars_sequential").replace(changes), 256, 5, n_jobs=1)


def test_one_bias_has_one_monte_carlo_error(odds: ts.PowerResult) -> None:
    """That of the summary: the true effect comes from the same trials, and has an error too."""
    plain = ts.power(ts.load("cars_sequential"), 256, 5, n_jobs=1)
    for result in (plain, odds):
        found = looks_of(result).estimation().bias
        assert found == pytest.approx(result.bias)
        assert result.bias.mcse > 0


def test_the_error_of_a_bias_where_trials_ended_is_that_of_a_jackknife() -> None:
    """Leave out 1 of 256 trials in turn: of the mean there, and of the true effect of all."""
    result = ts.power(ts.load("cars_sequential"), 256, 5, n_jobs=1)
    columns = result.columns
    where = columns["stop"] == 1
    over, under = columns["truth_over"], columns["truth_under"]
    truth = (over.sum() - over) / (under.sum() - under)
    estimate = np.where(where, columns["estimate"], 0.0)
    mean = (estimate.sum() - estimate) / (where.sum() - where)
    left_out = mean - truth
    error = np.sqrt(255 / 256 * ((left_out - left_out.mean()) ** 2).sum())
    found = looks_of(result).estimation("", "second").bias
    assert found.mcse == pytest.approx(error, rel=0.02)


def test_bias_and_error_of_a_ratio_say_that_they_are_of_its_logarithm(odds: ts.PowerResult) -> None:
    text = power_text("title", odds)
    (head,) = (line for line in text.splitlines() if line.startswith("estimate    ended at"))
    assert head.split()[4:] == ["bias", "(log)", "RMSE", "(log)", "coverage"]
    error = np.log(odds.columns["estimate"]) - np.log(float(odds.truth.estimate))
    assert looks_of(odds).estimation().rmse.estimate == pytest.approx(np.sqrt((error**2).mean()))


def test_an_analysis_for_another_estimand_has_a_difference_and_no_bias() -> None:
    """As in the summary, which prints neither bias nor coverage."""
    changes = {"analysis.missing": "worst_rank"}
    result = ts.power(ts.load("cars_sequential").replace(changes), 64, 5, n_jobs=1)
    assert not result.estimand.is_target
    text = power_text("title", result)
    assert "coverage of the interval" not in text
    (head,) = (line for line in text.splitlines() if line.startswith("estimate    ended at"))
    assert head.split()[4:] == ["difference"]
    for one in result.to_dict()["monitoring"]["estimation"]:
        assert one["bias"] is one["rmse"] is one["coverage"] is None
    assert {one["where"] for one in result.to_dict()["monitoring"]["estimation"]} >= {FINAL}


def test_the_text_says_where_the_type_i_error_is(odds: ts.PowerResult) -> None:
    assert "trialsim type-one-error" in power_text("title", odds)


def test_the_json_says_that_secondary_analyses_wait_for_the_last() -> None:
    study = ts.load("cars_sequential").replace({"design.patients": 80})
    found = ts.power(study, 64, 5, n_jobs=1, secondary=True)
    assert found.secondary is not None
    told = found.to_dict()["secondary"]
    assert told["note"].startswith("Tested only in trials that reach the last analysis")
    assert told["reach_the_last"]["power"] == (found.columns["stop"] == 2).mean()
    assert told["among_those"].keys() == told["analyses"].keys()

"""How estimates after looks perform, against numbers worked out from the replicates."""

import numpy as np
import pytest

import trialsim as ts
from trialsim.replicates.monitoring.looks import FINAL, LooksResult
from trialsim.reporting.text.power import power_text
from trialsim.stats.monte_carlo import wilson_interval


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


@pytest.fixture(scope="module")
def hasty() -> ts.PowerResult:
    """Return trials whose first look is at four patients, whose ratio may be infinite."""
    changes = {
        "analysis.effect": "win_odds",
        "monitoring.planned_effect": 1.6,
        "monitoring.looks.first.when": {"known_patients": 4},
        "monitoring.looks.second.decided_after_days": 60.0,
    }
    return ts.power(ts.load("cars_sequential").replace(changes), 192, 5, n_jobs=1)


def test_ratios_that_have_no_logarithm_are_counted_where_trials_ended(
    hasty: ts.PowerResult,
) -> None:
    """Bias and RMSE of so many others would not be theirs; the coverage is of all."""
    looks, stop = looks_of(hasty), hasty.columns["stop"]
    ratios = hasty.columns["estimate"]
    endless = (ratios == 0) | np.isinf(ratios)
    assert endless.sum() > 5
    for place, where in enumerate((*looks.names, FINAL)):
        found = looks.estimation("", where)
        assert found.without_logarithm == endless[stop == place].sum()
        assert np.isnan(found.bias.estimate) == np.isnan(found.rmse.estimate) == (place == 0)
        assert found.coverage.estimate > 0.5
    told = hasty.to_dict()["monitoring"]["estimation"]
    (first,) = (one for one in told if (one["estimate"], one["where"]) == ("reported", "first"))
    assert first["without_logarithm"] == endless.sum()
    assert f"Ratios of 0 or infinity, reported: {endless.sum()} at first." in power_text("t", hasty)


def test_a_stop_that_comes_when_all_are_randomised_is_counted(hasty: ts.PowerResult) -> None:
    looks, columns = looks_of(hasty), hasty.columns
    for place, name in enumerate(looks.names):
        late = (columns["stop"] == place) & (columns["randomised"] == 240)
        assert looks.too_late(name).estimate == late.mean()
    assert (
        looks.too_late("second").estimate > 0.9 * looks.probability("second", "efficacy").estimate
    )
    row = next(
        one for one in power_text("t", hasty).splitlines() if one.startswith("stopped when all")
    )
    assert row.split()[-2] == f"{looks.too_late('second').estimate:.4f}"


def test_every_number_of_looks_has_its_monte_carlo_error(hasty: ts.PowerResult) -> None:
    """Of proportions, 0 and 1 too, an interval; of quantiles the limits of order statistics."""
    told = hasty.to_dict()["monitoring"]
    first, looks = told["looks"][0], looks_of(hasty)
    assert (first["held"], first["held_mcse"], first["held_high"]) == (1.0, 0.0, 1.0)
    assert first["held_low"] == pytest.approx(wilson_interval(192, 192).low)
    assert first["out_of_reach"] == looks.out_of_reach("first").estimate
    for row in told["looks"]:
        names = {name for name in row if not name.endswith(("_mcse", "_low", "_high", "look"))}
        assert all(f"{name}_mcse" in row for name in names)
        shares = {"held", "efficacy", "futility", "harm", "too_late", "out_of_reach"}
        assert all(row[f"{name}_low"] <= row[name] <= row[f"{name}_high"] for name in shares)
    assert [*looks.frame.columns] == [*first]
    for name, found in told["spread"].items():
        for quantile in ("low", "median", "high"):
            low, high = found[f"{quantile}_ci"]
            assert low <= found[quantile] <= high, (name, quantile)
        assert found["at_most_low"] < found["at_most"] < found["at_most_high"]
    text = power_text("t", hasty)
    low = looks.spread("duration_days").low
    assert f"{low.low:.1f}-{low.high:.1f}" in text

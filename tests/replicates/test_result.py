"""Bias and coverage are over all trials, ratios of 0 and infinity among them."""

from dataclasses import replace

import numpy as np
import pytest

import trialsim as ts
from trialsim.reporting.tables.operating_characteristics import performance
from trialsim.reporting.text.power import power_text
from trialsim.stats.monte_carlo import Mean, RatioOfMeans

INF, NAN = np.inf, np.nan


@pytest.fixture(scope="module")
def win_odds() -> ts.PowerResult:
    study = ts.load("cars1").replace({"analysis.effect": "win_odds", "design.patients": 6})
    return ts.power(study, replicates=2_000, seed=3, n_jobs=1)


def known(result: ts.PowerResult, *trials: tuple[float, float, float]) -> ts.PowerResult:
    """Return a result of trials with given estimate, low and high, whose true win odds are 2."""
    estimate, low, high = np.array(trials).T
    none = np.zeros(len(trials))
    kept = dict.fromkeys(result.columns, none)
    columns = kept | {"estimate": estimate, "low": low, "high": high}
    truth = RatioOfMeans(Mean(np.asarray(2.0), np.asarray(0.0), np.asarray(0.0)), none)
    return replace(result, replicates=len(trials), columns=columns, true_effect=truth)


SIX = ((1, 0.5, 3), (2, 1, 4), (4, 2.5, 8), (INF, 1.9, INF), (0, 0, 1.5), (NAN, 0, INF))


def test_an_infinite_ratio_covers_where_its_lower_limit_allows(win_odds: ts.PowerResult) -> None:
    """By hand: of the five with an estimate those of 1, 2 and infinity cover 2."""
    found = known(win_odds, *SIX)
    assert found.coverage.estimate == pytest.approx(3 / 5)
    assert (found.without_logarithm, found.without_estimate, found.without_limits) == (2, 1, 0)
    above = known(win_odds, *SIX[:3], (INF, 2.1, INF), *SIX[4:])
    assert above.coverage.estimate == pytest.approx(2 / 5)


def test_no_mean_bias_is_printed_where_many_ratios_have_no_logarithm(
    win_odds: ts.PowerResult,
) -> None:
    """By hand: the logarithms are -inf, 0, log 2, log 4 and inf, so the median is that of 2."""
    found = known(win_odds, *SIX)
    assert not found.has_mean
    assert np.isnan(found.bias.estimate)
    assert found.median_bias.estimate == pytest.approx(0.0)
    told = found.to_dict()
    assert told["bias"] is None
    assert told["median_bias"]["median"] == pytest.approx(0.0)
    text = power_text("t", found)
    assert "median bias (logarithm)                0.0000" in text
    assert "\nbias" not in text
    assert "In 2 replicates the ratio is 0 or infinite" in text
    labels = [row.cells[0].text for row in performance(found, None).rows]
    assert "Median bias of its logarithm" in labels
    assert "Bias of its logarithm" not in labels


def test_one_ratio_of_many_without_a_logarithm_leaves_the_mean(win_odds: ts.PowerResult) -> None:
    """By hand: log 1 and log 4 have the mean of log 2, whatever the one infinite estimate."""
    found = known(win_odds, (1, 0.5, 3), (4, 2.5, 8), (INF, 1.9, INF))
    assert found.has_mean
    assert found.bias.estimate == pytest.approx(0.0)
    assert "left out of the mean and the bias" in power_text("t", found)


def test_an_interval_without_limits_is_counted(win_odds: ts.PowerResult) -> None:
    found = known(win_odds, (INF, 0, INF), (1, 0.5, 1.5))
    assert found.coverage.estimate == pytest.approx(0.5)
    assert found.without_limits == 1
    assert "In 1 replicates the interval is from 0 to infinity" in power_text("t", found)


def test_in_trials_of_six_patients_the_bias_keeps_its_sign(win_odds: ts.PowerResult) -> None:
    """Win odds are biased upwards in small samples; the finite ones alone have a mean below."""
    finite = win_odds.columns["estimate"]
    logarithms = np.log(finite[np.isfinite(finite) & (finite > 0)])
    assert logarithms.mean() < np.log(win_odds.truth.estimate)
    assert win_odds.median_bias.low > 0


def test_coverage_is_the_same_of_the_effect_and_of_its_odds(win_odds: ts.PowerResult) -> None:
    """Oracle: odds are a monotone function of the Mann-Whitney effect, ends and truth alike."""
    study = ts.load("cars1").replace({"design.patients": 6})
    effect = ts.power(study, replicates=2_000, seed=3, n_jobs=1)
    assert win_odds.coverage.estimate == effect.coverage.estimate
    assert win_odds.coverage.estimate > 0.9


def test_where_effects_vary_the_mean_is_said_to_be_the_target() -> None:
    """Intervals of one trial have no variance between trials, so they cover the mean too rarely."""
    study = ts.load("cars1").replace({"outcomes.arat.effect.trial_sd": 10.0})
    found = ts.power(study, replicates=128, seed=3, n_jobs=1)
    assert found.coverage.high < 0.85
    assert found.estimand.name.endswith("mean over trials whose own effects vary")
    assert found.to_dict()["estimand"]["is_mean_of_varying_effects"]
    assert "not of each trial's own" in " ".join(power_text("t", found).split())
    fixed = ts.power(ts.load("cars1"), replicates=8, seed=3, n_jobs=1)
    assert not fixed.to_dict()["estimand"]["is_mean_of_varying_effects"]
    assert "trial_sd" not in power_text("t", fixed)


def test_no_error_of_zero_stands_beside_an_interval() -> None:
    """A share of 1 has an error of 0 by the formula, which says nothing: a dash stands there."""
    study = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.9})
    found = ts.power(study, replicates=16, seed=3, n_jobs=1)
    assert found.power == 1.0
    lines = power_text("t", found).splitlines()
    (power,) = (line for line in lines if line.startswith("power, in favour"))
    assert power.split()[-6:] == ["1.0000", "-", "95%", "0.8064", "to", "1.0000"]
    (row,) = (one for one in performance(found, None).rows if one.cells[0].text.startswith("Power"))
    assert [cell.text for cell in row.cells[1:3]] == ["1.0000", "–"]

"""The truth is that of the two populations, so an estimator's own bias shows."""

import math
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.reporting.text.power import power_text
from trialsim.scenario.words.estimands import target_of

SEED = 7
NOBODY_LOST = {
    "operations.withdrawal.probability": 0.0,
    "operations.death.probability": 0.0,
    "operations.visit_missed_probability": 0.0,
    "operations.discontinuation.probability": 0.0,
}


@pytest.fixture(scope="module")
def small() -> ts.Scenario:
    """Return a trial of 24 patients in which nobody is lost."""
    study = ts.load("cars1").replace({**NOBODY_LOST, "design.patients": 24})
    assert isinstance(study, ts.Scenario)
    return study


def large(small: ts.Scenario, effect: str, test: dict[str, object]) -> float:
    """Return the same truth as estimated in large trials, where hardly any bias is left."""
    study = small.replace(
        {"design.patients": 1_000, "analysis.effect": effect, "analysis.test": test}
    )
    return float(ts.power(study, 64, SEED, n_jobs=1).estimate.estimate)


@pytest.mark.parametrize("effect", ["win_odds", "win_ratio"])
def test_the_bias_of_a_ratio_in_small_trials_shows(small: ts.Scenario, effect: str) -> None:
    """Oracle: trials of a thousand patients; the log bias at 24 is that of the odds' logarithm.

    By the delta method it is Var(theta) (1 / (1 - theta)**2 - 1 / theta**2) / 2, about 0.06.
    """
    found = ts.power(small.replace({"analysis.effect": effect}), 3_000, SEED, n_jobs=1)
    whole = large(small, effect, {"method": "mann_whitney"})
    assert math.log(found.truth.estimate) == pytest.approx(
        math.log(whole), abs=4 * float(found.truth.mcse / found.truth.estimate) + 0.01
    )
    away = math.log(found.estimate.estimate / found.truth.estimate)
    assert found.bias.estimate == pytest.approx(away, abs=1e-9)
    assert 0.04 < found.bias.estimate < 0.11
    assert found.bias.mcse < 0.012


def test_the_truth_of_win_odds_is_the_odds_of_the_mean_effect(small: ts.Scenario) -> None:
    theta = ts.power(small, 500, SEED, n_jobs=1)
    odds = ts.power(small.replace({"analysis.effect": "win_odds"}), 500, SEED, n_jobs=1)
    mean = float(theta.truth.estimate)
    assert odds.truth.estimate == pytest.approx(mean / (1 - mean))
    slope = 1 / (1 - mean) ** 2
    assert odds.truth.mcse == pytest.approx(slope * float(theta.truth.mcse))


def test_weights_that_follow_from_scores_are_no_part_of_the_truth(small: ts.Scenario) -> None:
    """The truth of a stratified plan has weights of the strata's sizes, whatever the plan's."""
    strata = {"design.patients": 60, "analysis.strata": "site"}
    truths = [
        ts.power(
            small.replace({**strata, "analysis.stratum_weighting": weighting}), 64, SEED, n_jobs=1
        ).truth
        for weighting in ("van-elteren", "inverse-variance")
    ]
    assert truths[0].estimate == truths[1].estimate


def test_the_dead_have_no_treatment_policy() -> None:
    """ICH E9(R1), A.3.2: a death is an outcome of its own, or the effect is hypothetical."""
    cars1 = ts.load("cars1")
    deaths = cars1.replace({"operations.death.probability": 0.2})
    assert target_of(deaths).name == "treatment-policy effect, death as the worst outcome"
    missing = deaths.replace({"analysis.death": "as_missing"})
    assert target_of(missing).name == "treatment-policy effect, had nobody died"
    nobody = cars1.replace({"operations.death.probability": 0.0})
    assert target_of(nobody).name == "treatment-policy effect"


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis.missing": "worst_rank"},
        {
            "analysis.missing": "multiple_imputation",
            "analysis.intercurrent": {"discontinuation": "hypothetical"},
            "operations.discontinuation.probability": 0.2,
        },
    ],
)
def test_an_analysis_for_another_estimand_is_not_called_biased(changes: dict[str, Any]) -> None:
    study = ts.load("cars1").replace({"design.patients": 40, **changes})
    found = ts.power(study, 16, SEED, n_jobs=1)
    told = found.to_dict()
    assert (told["bias"], told["coverage"]) == (None, None)
    assert told["difference_from_truth"]["mean"] == float(found.bias.estimate)
    assert not told["estimand"]["is_target"]
    text = power_text("x", found)
    assert "difference from it" in text
    assert "\nbias" not in text
    assert "\ncoverage" not in text


def test_power_counts_no_rejection_in_favour_of_the_control() -> None:
    """Under an effect of 0.35 nearly every trial rejects, and none for the treated."""
    harmful = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.35})
    found = ts.power(harmful, 200, SEED, n_jobs=1)
    assert found.power < 0.02
    assert found.wrong_direction.estimate > 0.8
    both = found.power + float(found.wrong_direction.estimate)
    assert both == pytest.approx(float(found.rejections.estimate))
    assert found.is_harmful
    assert "WARNING" in power_text("x", found)
    assert np.isfinite(found.to_dict()["wrong_direction"]["mean"])

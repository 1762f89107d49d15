"""The true effect of a model, or of several trials, is that of the pooled populations."""

import math
from collections.abc import Sequence

import pytest

import trialsim as ts
from trialsim.replicates.true_effect import PREFIX
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Programme

SEED = 7
NOBODY_LOST = {
    "operations.withdrawal.probability": 0.0,
    "operations.death.probability": 0.0,
    "operations.visit_missed_probability": 0.0,
    "operations.discontinuation.probability": 0.0,
}


def odds_of(patients: int, replicates: int, covariates: Sequence[str] = ()) -> ts.PowerResult:
    model = {"method": "proportional_odds", "covariates": list(covariates)}
    changes = {**NOBODY_LOST, "analysis.test": model, "design.patients": patients}
    return ts.power(ts.load("cars1").replace(changes), replicates, SEED, n_jobs=1)


@pytest.mark.parametrize(("patients", "covariates"), [(30, ()), (30, ("age_years",))])
def test_the_bias_of_an_odds_ratio_in_small_trials_shows(
    patients: int, covariates: Sequence[str]
) -> None:
    """Oracle: the same populations in trials of a thousand patients, whose bias is next to none.

    Both truths are estimates of one number, so they agree within their Monte Carlo errors.
    """
    small, large = odds_of(patients, 600, covariates), odds_of(1_000, 32, covariates)
    logarithms = [math.log(one.truth.estimate) for one in (small, large)]
    errors = [float(one.truth.mcse / one.truth.estimate) for one in (small, large)]
    assert logarithms[0] == pytest.approx(logarithms[1], abs=4 * math.hypot(*errors))
    assert small.bias.estimate - 4 * small.bias.mcse > 0.05
    assert abs(large.bias.estimate) < 0.01
    away = math.log(small.estimate.estimate / small.truth.estimate)
    assert small.bias.estimate == pytest.approx(away, abs=1e-9)


def test_what_the_truth_is_fitted_to_is_no_operating_characteristic() -> None:
    found = odds_of(20, 8)
    assert any(name.startswith(PREFIX) for name in found.columns)
    assert not any(name.startswith(PREFIX) for name in found.per_replicate().columns)
    assert not any(name.startswith(PREFIX) for name in found.to_dict())


def pooled(measure: str, patients: int, replicates: int) -> ts.PowerResult:
    programme = load_study("cars_pooled")
    assert isinstance(programme, Programme)
    lost = {
        f"trials.{name}.{path}": value
        for name in programme.trials
        for path, value in NOBODY_LOST.items()
    }
    sizes = {f"trials.{name}.design.patients": patients for name in programme.trials}
    study = programme.replace({**lost, **sizes, "analysis.measure": measure})
    return ts.power(study, replicates, SEED, n_jobs=1)


def test_the_bias_of_the_pooled_win_odds_of_small_trials_shows() -> None:
    """By the delta method the log odds of theta are biased by about 0.05 at 12 patients an arm."""
    small, large = pooled("win_odds", 24, 300), pooled("win_odds", 400, 24)
    logarithms = [math.log(one.truth.estimate) for one in (small, large)]
    errors = [float(one.truth.mcse / one.truth.estimate) for one in (small, large)]
    assert logarithms[0] == pytest.approx(logarithms[1], abs=4 * math.hypot(*errors))
    assert small.bias.estimate - 3 * small.bias.mcse > 0
    assert abs(large.bias.estimate) < 0.01


def test_pooled_effects_that_are_unbiased_have_no_bias() -> None:
    found = pooled("mann_whitney", 24, 64)
    assert found.bias.estimate == pytest.approx(0.0, abs=4 * float(found.bias.mcse) + 1e-9)

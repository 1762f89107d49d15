"""A limit of recruitment stops a trial, which analyses whom it has, or fails it."""

import numpy as np
import pytest

from trialsim.analysis.finding_figures import finding_figures
from trialsim.clock import DAY, NEVER
from trialsim.datasets import tables
from trialsim.errors import RecruitmentError
from trialsim.questions.power import power
from trialsim.replicates.run import Simulation
from trialsim.reporting.text.power import power_text
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, simulate_batch

CARS1 = load("cars1")
STOPPED = {"operations.recruitment_limit_days": 120, "operations.at_limit": "stop"}
BATCH = Streams(5, range(16))


@pytest.mark.parametrize("engine", ["vector", "events"])
def test_a_trial_that_stops_has_the_patients_of_the_whole_one_before_the_limit(
    engine: Engine,
) -> None:
    """Oracle: the trial without a limit, of whose patients those who came by the limit are left."""
    stopped = simulate_batch(CARS1.replace(STOPPED), BATCH, engine)
    whole = simulate_batch(CARS1, BATCH, engine)
    assert not stopped.failures
    arrival = np.take_along_axis(whole.cohort.arrival, whole.candidate, axis=1)
    early = arrival <= 120 * DAY
    assert early.any(axis=1).all()
    assert not early.all(axis=1).any()
    for replicate in range(16):
        randomised = stopped.conduct.randomised[replicate]
        np.testing.assert_array_equal(
            randomised[randomised < NEVER], whole.conduct.randomised[replicate][early[replicate]]
        )
    recruited = (stopped.conduct.randomised < NEVER).sum(axis=1)
    assert len(tables(stopped)["subjects"]) == recruited.sum()


def test_a_trial_that_stops_analyses_whom_it_has_and_one_that_fails_does_not() -> None:
    result = power(CARS1.replace(STOPPED), replicates=16, seed=5, n_jobs=1)
    assert result.failed == 0
    analysed = result.columns["treated_analysed"] + result.columns["control_analysed"]
    assert (analysed < 208).all()
    assert (analysed > 0).all()
    assert (result.columns["recruitment_days"] >= 120).all()
    with pytest.raises(RecruitmentError, match="not complete after 120 days"):
        simulate_batch(CARS1.replace({**STOPPED, "operations.at_limit": "fail"}), BATCH)


def test_a_limit_stops_a_trial_unless_the_study_says_that_it_fails() -> None:
    """All trials of a planner with a year to recruit in failed, where each has patients."""
    assert CARS1.replace({"operations.at_limit": "stop"}).digest == CARS1.digest
    assert CARS1.replace({"operations.at_limit": "fail"}).digest != CARS1.digest
    limited = CARS1.replace({"operations.recruitment_limit_days": 120})
    assert not simulate_batch(limited, BATCH).failures


def test_a_result_says_in_how_many_replicates_the_limit_was_reached() -> None:
    limited = CARS1.replace({"operations.recruitment_limit_days": 330})
    result = power(limited, replicates=40, seed=5, n_jobs=1)
    whole = power(CARS1, replicates=40, seed=5, n_jobs=1)
    assert 0 < result.reached_limit < 40
    assert result.reached_limit == (whole.columns["recruitment_days"] >= 330).sum()
    assert result.to_dict()["reached_limit"] == result.reached_limit
    told = f"In {result.reached_limit} replicates recruitment lasted until its limit of 330 days"
    assert told in power_text("t", result)
    assert whole.reached_limit == 0
    assert "until its limit" not in power_text("t", whole)


def test_the_tables_of_a_trial_that_stopped_hold_whom_it_recruited() -> None:
    stopped = simulate_batch(CARS1.replace(STOPPED), BATCH)
    found = tables(stopped)
    recruited = int((stopped.conduct.randomised < NEVER).sum())
    for name in ("subjects", "disposition"):
        assert len(found[name]) == recruited
        assert (found[name]["replicate"].diff().dropna() >= 0).all()
    assert len(found["visits"]) == 6 * recruited
    assert len(found["infusions"]) == 21 * recruited
    assert (found["screening"]["outcome"] == "randomised").sum() == recruited
    assert (found["screening"]["arrival_minute"] <= 120 * DAY).all()


@pytest.mark.parametrize(
    ("study", "missing"),
    [
        *(("cars1", rule) for rule in ("locf", "worst_rank", "bocf", "multiple_imputation")),
        ("cars_sequential", "locf"),
    ],
)
def test_nobody_who_was_never_randomised_counts_in_truth_or_analysis(
    study: str, missing: str
) -> None:
    """The true effect is the study's, not that of the missing, who stood as the worst of one arm.

    Oracle: the effect that was simulated, through which bias is small; it was above 0.4.
    """
    plan = {"analysis.missing": missing, "analysis.death": "as_missing"} if study == "cars1" else {}
    limited = load(study).replace({"operations.recruitment_limit_days": 150, **plan})
    result = power(limited, replicates=24, seed=5, n_jobs=1)
    assert abs(result.bias.estimate) < 0.05
    assert abs(result.truth.estimate - (0.71 if study == "cars1" else 0.61)) < 0.03
    assert result.columns["recruitment_days"].max() < 152
    analysed = result.columns["treated_analysed"] + result.columns["control_analysed"]
    assert analysed.mean() < 120


def test_published_counts_are_of_those_who_were_randomised() -> None:
    limited = CARS1.replace({"operations.recruitment_limit_days": 150})
    trial = simulate_batch(limited, BATCH)
    findings = {name: CARS1.findings[name] for name in ("randomised_active", "age_active")}
    found = finding_figures(trial, findings)
    there = (trial.conduct.randomised < NEVER) & (trial.arms == 0)
    np.testing.assert_array_equal(found["randomised_active"], there.sum(axis=1))
    assert (abs(found["age_active"] - 64) < 5).all()


def test_a_study_that_one_candidate_in_ten_thousand_can_enter_is_simulated() -> None:
    """Its patients come after about as many candidates as that says."""
    rare = load("stroke_nihss").replace(
        {
            "population.covariates.haemorrhagic.margin.probability": 0.9999,
            "operations.candidates_per_site_per_month": 2_000,
            "design.patients": 12,
        }
    )
    numbers = Simulation(rare, 2016).run(range(2))
    assert not numbers.failures
    screened = numbers.columns["screened"]
    assert (screened > 12 * 10_000 / 3).all()
    assert (screened < 12 * 10_000 * 3).all()

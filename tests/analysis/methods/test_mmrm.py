"""The mixed model in a trial: who is in it, in which direction, and what it leaves out."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.analysis.analyse import analyse
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import truth_parts
from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.replicates.run import Simulation
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

Planned: TypeAlias = Callable[..., SimulatedTrial]
MMRM: dict[str, Any] = {"test": "mmrm", "missing": "likelihood", "death": "as_missing"}
NEVER = {"probability": 0, "days": {"distribution": "constant", "value": 1}}
NOBODY_LEAVES: dict[str, Any] = {
    "operations.withdrawal": NEVER,
    "operations.death": NEVER,
    "operations.visit_missed_probability": 0,
}


def with_plan(scenario: Scenario, **changes: Any) -> Scenario:
    return scenario.replace({f"analysis.{name}": value for name, value in changes.items()})


def test_with_nothing_missing_it_is_analysis_of_covariance(two_outcomes: Scenario) -> None:
    whole = two_outcomes.replace(NOBODY_LEAVES)
    trial = simulate_batch(whole, Streams(3, range(8)))
    for outcome in ("arat", "disability"):
        found, alone = (
            analyse_primary(trial, with_plan(whole, endpoint=outcome, **changes).analysis)
            for changes in (MMRM, {"test": "ancova", "death": "as_missing"})
        )
        for one, other in zip(found, alone, strict=True):
            assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-6)


def test_a_change_from_baseline_has_the_same_difference(planned: Planned) -> None:
    score = analyse(planned(**MMRM)).primary
    change = analyse(planned(**MMRM, measure="change")).primary
    assert_allclose(change.estimate, score.estimate, rtol=1e-5)
    assert_allclose(change.p_value, score.p_value, rtol=1e-4)


def test_all_with_a_score_at_any_visit_are_analysed_and_no_others(planned: Planned) -> None:
    trial = planned(**MMRM)
    found = analyse(trial).primary
    scores = trial.batch.scores["arat"][0, :, 1:]
    seen = ~np.isnan(scores).all(axis=-1)
    assert found.treated + found.control == seen.sum()
    assert np.isnan(scores[seen, -1]).any()  # some of them not at the last


def test_the_truth_is_the_difference_of_complete_trials(two_outcomes: Scenario) -> None:
    """Within 3.5 standard errors of the plain difference of means, patient by patient the same."""
    trial = simulate_batch(with_plan(two_outcomes, **MMRM), Streams(4, range(200)))
    over, _ = truth_parts(Data(trial, trial.scenario.analysis, complete=True))
    means = [
        np.nanmean(np.where(trial.arms == arm, trial.underlying.at("arat", 5), np.nan), axis=1)
        for arm in (0, 1)
    ]
    gap = over - (means[0] - means[1])
    assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(len(gap))


def test_neither_batch_nor_engine_changes_a_bit(two_outcomes: Scenario) -> None:
    study = with_plan(two_outcomes, **MMRM)
    whole, parts = (Simulation(study, 11, "vector", size).run(range(3, 30)) for size in (64, 5))
    events = Simulation(study, 11, "events").run(range(3, 30))
    for name, column in whole.columns.items():
        assert_array_equal(column, parts.columns[name], err_msg=name)
        assert_array_equal(column, events.columns[name], err_msg=name)


def test_a_likelihood_without_a_maximum_is_counted_and_rejects_nothing(
    two_outcomes: Scenario,
) -> None:
    """Six patients and five visits: fewer than the covariances need."""
    from trialsim.questions.power import power
    from trialsim.reporting.text.power import power_text

    result = power(
        with_plan(two_outcomes, **MMRM).replace({"design.patients": 6}), replicates=20, seed=1
    )
    lost = np.isnan(result.columns["estimate"])
    assert result.without_estimate == lost.sum() > 0
    assert not result.columns["rejected"][lost].any()
    assert f"{lost.sum():,} replicates have no estimate" in power_text("", result)


def test_a_baseline_that_is_not_measured_is_refused() -> None:
    refused = r"test.baseline: must be none: gait_velocity is not measured at baseline"
    with pytest.raises(InputError, match=refused):
        with_plan(load("cars1"), **MMRM, endpoint="gait_velocity")


def test_more_than_eight_visits_are_refused(two_outcomes: Scenario) -> None:
    visits = {f"day_{day}": {"day": day} for day in range(10, 100, 10)}
    plan = {f"analysis.{name}": value for name, value in MMRM.items()}
    content = {"design.visits": {"baseline": {"day": 0}, **visits}, **plan}
    with pytest.raises(InputError, match=r"analysis.test: cannot be mmrm with more than 8 visits"):
        two_outcomes.replace(content)

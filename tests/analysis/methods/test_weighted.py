"""Weighted comparisons in a trial: of whom, and beside those that need no weights."""

from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.analysis.primary import analyse_primary
from trialsim.replicates.run import Simulation
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

RANKS: dict[str, Any] = {
    "missing": "complete_case",
    "test": {"method": "weighted_mann_whitney", "covariates": ["arat", "age_years"]},
}
MEANS: dict[str, Any] = {
    "missing": "complete_case",
    "death": "as_missing",
    "test": {"method": "weighted_means", "covariates": ["arat"]},
}
NEVER = {"probability": 0, "days": {"distribution": "constant", "value": 1}}


def with_plan(scenario: Scenario, changes: dict[str, Any]) -> Scenario:
    return scenario.replace({f"analysis.{name}": value for name, value in changes.items()})


def test_with_nobody_missing_the_estimates_are_those_without_weights(
    two_outcomes: Scenario,
) -> None:
    whole = two_outcomes.replace(
        {
            "operations.withdrawal": NEVER,
            "operations.death": NEVER,
            "operations.visit_missed_probability": 0,
        }
    )
    trial = simulate_batch(whole, Streams(3, range(8)))
    for changes, plain in ((RANKS, "mann_whitney"), (MEANS, "welch")):
        for outcome in ("arat", "disability"):
            found = analyse_primary(
                trial, with_plan(whole, changes | {"endpoint": outcome}).analysis
            )
            alone = with_plan(whole, {**MEANS, "test": plain, "endpoint": outcome}).analysis
            assert_allclose(found.estimate, analyse_primary(trial, alone).estimate, rtol=1e-10)


def test_the_same_patients_are_analysed_as_without_weights(two_outcomes: Scenario) -> None:
    trial = simulate_batch(two_outcomes, Streams(4, range(8)))
    found = analyse_primary(trial, with_plan(two_outcomes, RANKS).analysis)
    alone = {**RANKS, "test": "mann_whitney"}
    plain = analyse_primary(trial, with_plan(two_outcomes, alone).analysis)
    assert_array_equal(found.treated, plain.treated)
    assert (np.abs(found.estimate - plain.estimate) < 0.05).all()
    assert (found.estimate != plain.estimate).any()


def test_the_batch_changes_no_bit(two_outcomes: Scenario) -> None:
    for changes in (RANKS, MEANS):
        study = with_plan(two_outcomes, changes)
        whole, parts = (Simulation(study, 11, "vector", size).run(range(3, 20)) for size in (64, 5))
        for name, column in whole.columns.items():
            assert_array_equal(column, parts.columns[name], err_msg=name)

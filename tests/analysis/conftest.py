"""What tests of analyses share: a small study of two outcomes, and its values made by hand."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from pandas import DataFrame

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import SimulatedTrial, simulate

ByHand: TypeAlias = Callable[..., DataFrame]
Planned: TypeAlias = Callable[..., SimulatedTrial]


@pytest.fixture(scope="session")
def two_outcomes() -> Scenario:
    """Return 60 patients of CARS-1 with a smaller effect and a second scale, lower being better."""
    cars1 = load("cars1")
    arat = cars1.model_dump()["outcomes"]["arat"]
    effect = {**arat["effect"], "value": 0.62}
    course = {**arat["course"], "end_mean": 22.0, "start_mean": 30.0}
    disability = {**arat, "better": "lower", "effect": effect, "course": course}
    return cars1.replace(
        {
            "design.patients": 60,
            "outcomes": {"arat": {**arat, "effect": effect}, "disability": disability},
            "outcome_correlation": {},
            "analysis.secondary": {},
        }
    )


@pytest.fixture(scope="session")
def planned(two_outcomes: Scenario) -> Planned:
    """Return a function that simulates one trial under a changed plan, and the same patients."""

    def simulated(patients: int = 60, **changes: Any) -> SimulatedTrial:
        paths = {f"analysis.{name}": value for name, value in changes.items()}
        scenario = two_outcomes.replace({"design.patients": patients, **paths})
        return simulate(scenario, seed=2016, replicate=4)

    return simulated


@pytest.fixture(scope="session")
def by_hand() -> ByHand:
    """Return a function that makes the analysed values from the tables of a trial, with pandas."""
    return _by_hand


def _by_hand(trial: SimulatedTrial, outcome: str = "arat", dead_below: bool = True) -> DataFrame:
    """Return arm, site, baseline and value of each analysed patient; more is better.

    Efficacy set, last observation carried forward; the dead are at -1, or as missing.
    """
    tables, order = trial.tables(), list(trial.scenario.design.visits)
    visits = tables["visits"]
    scores = visits.pivot(index="subject", columns="visit", values=outcome)[order].astype(float)
    if trial.scenario.outcomes[outcome].better == "lower":
        scores = 57 - scores
    found = tables["subjects"].set_index("subject")[["arm", "site", "screening_number"]].copy()
    found["baseline"] = scores["baseline"]
    found["value"] = scores.ffill(axis=1)["day_90"]
    seen = scores.drop(columns="baseline").notna().any(axis=1)
    last = visits[visits["visit"] == "day_90"].set_index("subject")
    if dead_below:
        dead = last["status"] == "died"
        found.loc[dead, "value"] = -1
        seen |= dead
    return found[seen]

"""What is analysed does not depend on the engine that simulated it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Simulation
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.yaml_file import load

PLANS: list[dict[str, Any]] = [
    {},
    {"analysis.measure": "change", "analysis.missing": "bocf", "analysis.death": "as_missing"},
    {"analysis.missing": "worst_rank", "analysis.alternative": "greater"},
    {"analysis.strata": "site", "analysis.interval": "delong"},
    {"analysis.test": {"method": "brunner_munzel"}, "analysis.interval": "brunner-munzel"},
    {"analysis.effect": "win_ratio", "analysis.missing": "complete_case"},
    {"analysis.continuity_correction": True, "analysis.minimum_infusion_share": 0.8},
]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**64 - 1),
    first=st.integers(0, 10_000),
    patients=st.integers(8, 40),
    plan=st.sampled_from(PLANS),
    visit=st.sampled_from(["day_21", "day_42", "day_90"]),
    exposure=st.sampled_from(["none", "proportional"]),
)
def test_engines_give_the_same_analysis(
    seed: int, first: int, patients: int, plan: dict[str, Any], visit: str, exposure: str
) -> None:
    model = {"model": exposure} if exposure == "none" else {"model": exposure, "full_dose": 630}
    study = load("cars1").replace(
        {
            "design.patients": patients,
            "analysis.visit": visit,
            "outcomes.arat.effect.exposure": model,
            **plan,
        }
    )
    some = range(first, first + 3)
    vector, events = (Simulation(study, seed, one).run(some) for one in ("vector", "events"))
    assert vector.failures == events.failures == ()
    for name in QUANTITIES:
        assert np.array_equal(vector.columns[name], events.columns[name], equal_nan=True), name


@pytest.mark.parametrize("name", builtin_scenarios())
def test_every_study_is_analysed_alike_by_both_engines(name: str) -> None:
    """Eight replicates are some hundreds of patients, with every event that the study has."""
    study = load(name).replace({"operations.infusion_chairs_per_site": None})
    vector, events = (Simulation(study, 3, one).run(range(8)) for one in ("vector", "events"))
    for quantity in QUANTITIES:
        assert np.array_equal(vector.columns[quantity], events.columns[quantity], equal_nan=True), (
            quantity
        )

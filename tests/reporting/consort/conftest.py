"""Trials of two studies, simulated once: as it is, and with all that can happen to a patient."""

from functools import cache
from typing import Any, Final

import pytest
from pandas import DataFrame

from trialsim.datasets import tables
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

SEED: Final = 2016
REPLICATES: Final = 8
CARS1: Final = load("cars1")
ARMS: Final = {
    f"dose_{dose}": {"label": f"{dose} mL in saline", "dose_ml": dose, "volume_ml": 100}
    for dose in (0, 10, 30)
}
STUDIES: Final[dict[str, dict[str, Any]]] = {
    "as it is": {},
    "hard": {
        "operations.infusion_chairs_per_site": 1,
        "operations.withdrawal.probability": 0.2,
        "operations.death.probability": 0.1,
        "operations.discontinuation.probability": 0.2,
        "operations.drug_related_discontinuation.probability": 0.3,
        "operations.rescue.probability": 0.2,
        "operations.visit_missed_probability": 0.1,
        "design.patients": 60,
        "design.arms": ARMS,
        "design.block_size": 6,
        "analysis.treated": "dose_30",
        "analysis.control": "dose_0",
    },
}
every_study = pytest.mark.parametrize("study", list(STUDIES))


@cache
def study_of(name: str) -> Scenario:
    """Return a study by its name here."""
    return CARS1.replace(STUDIES[name])


@cache
def trials_of(name: str) -> Trial:
    """Return trials of a study."""
    return simulate_batch(study_of(name), Streams(SEED, range(REPLICATES)))


@cache
def tables_of(name: str) -> dict[str, DataFrame]:
    """Return their tables."""
    return tables(trials_of(name))

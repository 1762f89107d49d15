"""What is analysed does not depend on the engine that simulated it."""

import numpy as np
import pytest

from trialsim.replicates.quantities import QUANTITIES
from trialsim.replicates.run import Simulation
from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.yaml_file import load


@pytest.mark.parametrize("name", builtin_scenarios())
def test_every_study_is_analysed_alike_by_both_engines(name: str) -> None:
    """Eight replicates are some hundreds of patients, with every event that the study has."""
    study = load(name).replace({"operations.infusion_chairs_per_site": None})
    vector, events = (Simulation(study, 3, one).run(range(8)) for one in ("vector", "events"))
    for quantity in QUANTITIES:
        assert np.array_equal(vector.columns[quantity], events.columns[quantity], equal_nan=True), (
            quantity
        )

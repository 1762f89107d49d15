"""Every study that comes with the package says the same whatever the batch, and can be replayed."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.runs.test_directory import kept_power
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.run import Simulation
from trialsim.runs.directory import find_run, open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.replay import replay
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study


@pytest.mark.parametrize("name", builtin_studies())
def test_a_trial_alone_says_the_same_to_the_bit_as_after_31_others(name: str) -> None:
    study = load_study(name)
    whole = Simulation(study, 2016, chosen_engine(study, "auto"), batch=32)
    together, alone = whole.run(range(32)), replace(whole, batch=1).run(range(31, 32))
    for column, values in alone.columns.items():
        assert values.tobytes() == together.columns[column][31:].tobytes(), column


@pytest.mark.parametrize(
    "name",
    ["cars1", "cars1_chairs", "cars1_registry", "cars_sequential", "cars_pooled", "dose_finding"],
)
def test_a_trial_of_a_run_is_replayed(name: str, tmp_path: Path) -> None:
    """Of a plain study, and of those with waiting, a table, looks, several trials or doses."""
    directory = open_run(tmp_path, manifest_here(load_study(name), 2016, block=8))
    kept_power(directory, 8)
    assert replay(find_run(tmp_path), 7).replicate == 7

"""Every study that comes with the package is replayed, and says the same whatever the batch."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.runs.test_directory import kept_power
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.run import Simulation
from trialsim.runs.directory import open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.replay import replay
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study


@pytest.mark.parametrize("name", builtin_studies())
def test_a_trial_of_any_study_is_replayed(name: str, tmp_path: Path) -> None:
    """A replay simulates one trial alone; the run simulated it among others."""
    study = load_study(name)
    directory = open_run(tmp_path, manifest_here(study, 2016, block=8))
    kept_power(directory, 8)
    for replicate in (0, 7):
        assert replay(directory, replicate).replicate == replicate


@pytest.mark.parametrize("name", builtin_studies())
def test_batches_of_one_and_of_64_say_the_same_to_the_bit(name: str) -> None:
    study = load_study(name)
    whole = Simulation(study, 2016, chosen_engine(study, "auto"), batch=64)
    together, alone = whole.run(range(64)), replace(whole, batch=1).run(range(4))
    for column, values in alone.columns.items():
        assert values.tobytes() == together.columns[column][:4].tobytes(), column

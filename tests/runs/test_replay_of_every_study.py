"""Every study that comes with the package is replayed, and says the same whatever the batch."""

from pathlib import Path

import pytest

from tests.runs.test_directory import kept_power
from trialsim.runs.directory import open_run
from trialsim.runs.manifest import manifest_here
from trialsim.runs.replay import replay
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study


@pytest.mark.parametrize("name", builtin_studies())
def test_a_trial_of_any_study_is_replayed(name: str, tmp_path: Path) -> None:
    """To the bit: a replay simulates one trial alone; the run simulated it after 15 others."""
    study = load_study(name)
    directory = open_run(tmp_path, manifest_here(study, 2016, block=16))
    kept_power(directory, 16)
    assert replay(directory, 15).replicate == 15

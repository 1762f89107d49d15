"""A comparison as a folder of files: it replaces one of the same study and nothing else."""

from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.power.alternatives import alternatives
from trialsim.power.run_directory import open_run
from trialsim.power.run_manifest import manifest_here
from trialsim.power.runner import Runner
from trialsim.power.what_if import compared
from trialsim.reporting.exports import Manifest, open_folder, write_trial, write_what_if
from trialsim.scenario.files import load
from trialsim.scenario.scenario import Scenario

STUDY = load("cars1").replace({"design.patients": 20})
OTHER = STUDY.replace({"design.patients": 24})
CHANGES = {"operations.visit_missed_probability": [0.1]}
RESULT = compared(alternatives(STUDY, CHANGES), tuple(CHANGES), 4, Runner(2016, 1))


def manifest_of(study: Scenario, seed: int = 2016) -> Manifest:
    return Manifest(study, seed, tuple(range(4)), {}, "vector", "trialsim what-if")


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_comparison_replaces_one_of_the_same_study(tmp_path: Path) -> None:
    write_what_if(tmp_path / "again", RESULT, manifest_of(STUDY, 3))
    write_what_if(tmp_path / "again", RESULT, manifest_of(STUDY))
    write_what_if(tmp_path / "once", RESULT, manifest_of(STUDY))
    assert content_of(tmp_path / "again") == content_of(tmp_path / "once")


def test_a_comparison_of_another_study_is_left_alone(tmp_path: Path) -> None:
    write_what_if(tmp_path, RESULT, manifest_of(OTHER))
    before = content_of(tmp_path)
    with pytest.raises(InputError, match=r"^--out: must be .* of this study; .* \(got"):
        write_what_if(tmp_path, RESULT, manifest_of(STUDY))
    assert content_of(tmp_path) == before


def test_a_trial_of_the_same_study_is_left_alone(tmp_path: Path) -> None:
    write_trial(tmp_path, {}, {}, {}, manifest_of(STUDY))
    before = content_of(tmp_path)
    with pytest.raises(InputError, match=r"^--out: must be .* holds other results \(got"):
        write_what_if(tmp_path, RESULT, manifest_of(STUDY))
    assert content_of(tmp_path) == before


def test_a_run_of_the_same_study_is_left_alone_and_refused_before_anything_is_computed(
    tmp_path: Path,
) -> None:
    open_run(tmp_path, manifest_here(STUDY, 2016))
    before = content_of(tmp_path)
    with pytest.raises(InputError, match=": must be new, empty, or hold results"):
        open_folder(tmp_path)
    with pytest.raises(InputError, match=": must be new, empty, or hold results"):
        write_what_if(tmp_path, RESULT, manifest_of(STUDY))
    assert content_of(tmp_path) == before

"""Every number that is not published is moved, one at a time, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.questions.what_if.variants import Variant
from trialsim.questions.what_if.what_if import what_if
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.sensitivity import KEPT, computed, given, swings
from trialsim.reporting.evidence.what_if_file import what_if_of
from trialsim.runs.directory import RunDirectory, find_run
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.programme import differences, value_at
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.sources import source_of


@pytest.fixture(scope="module")
def cars1_swings() -> list[Variant]:
    """Return the worlds beside a built-in study."""
    return list(swings(load("cars1")))


def test_each_world_moves_one_number_that_is_not_published(
    cars1_swings: list[Variant],
) -> None:
    cars1 = load("cars1")
    for world in cars1_swings:
        ((path, value),) = world.changes.items()
        assert source_of(path, cars1.sources).status != "published"
        assert value_at(world.scenario, path) == value != value_at(cars1, path)
        assert list(differences(cars1, world.scenario)) == [path]


def test_an_effect_moves_about_no_effect(cars1_swings: list[Variant]) -> None:
    """A fifth of the way from 0.5 to 0.722, which is 0.0444."""
    moved = [world.changes.get("outcomes.arat.effect.value") for world in cars1_swings]
    assert [value for value in moved if value] == [0.6776, 0.7664]


def test_every_single_number_of_the_operations_is_moved_both_ways(
    cars1_swings: list[Variant],
) -> None:
    moved = [path for world in cars1_swings for path in world.changes]
    for path in (
        "operations.candidates_per_site_per_month",
        "operations.refusal_probability.median",
        "operations.withdrawal.probability",
        "operations.death.probability",
        "operations.visit_missed_probability",
    ):
        assert moved.count(path) == 2, path
    assert not [path for path in moved if path.startswith(("design.", "analysis."))]


def test_what_is_kept_is_read_again_if_it_is_the_same(
    modest_run: RunDirectory, evidence: Evidence, tmp_path: Path
) -> None:
    copied = find_run(shutil.copytree(modest_run.folder, tmp_path / "run"))
    file = copied.folder / KEPT
    told = json.loads(file.read_text(encoding="utf-8"))
    told["rows"][0]["power"] = "read again"
    file.write_text(json.dumps(told), encoding="utf-8")
    runner = Runner(2016, 1)
    assert computed(copied, 16, runner)["rows"][0]["power"] == "read again"
    assert isinstance(computed(copied, 8, runner)["rows"][0]["power"], float)
    assert evidence.what_if is not None
    assert evidence.what_if["replicates"] == 16


def test_a_what_if_is_read_back_as_it_was(modest: Scenario) -> None:
    result = what_if(modest, {"design.patients": [30, 60]}, replicates=32, n_jobs=1)
    told = json.loads(json.dumps(result.to_dict()))
    again = what_if_of(told, modest)
    assert again is not None
    assert json.dumps({**again.to_dict(), "seconds": 0}) == json.dumps({**told, "seconds": 0})


def test_studies_that_the_json_does_not_hold_are_not_made_up(modest: Scenario) -> None:
    told = what_if(modest, {"design.patients": [30]}, replicates=8, n_jobs=1).to_dict()
    told["rows"][1]["digest"] = "0" * 12
    assert what_if_of(told, modest) is None


@pytest.mark.parametrize("content", ["{}", "no json", '{"digest": "a", "rows": []}', "[]"])
def test_what_is_no_what_if_is_refused(
    modest_run: RunDirectory, tmp_path: Path, content: str
) -> None:
    (tmp_path / "what_if.json").write_text(content)
    with pytest.raises(InputError, match="--what-if: must be the folder of a what-if"):
        given(modest_run, tmp_path)


def test_a_what_if_of_another_study_is_refused(modest_run: RunDirectory, tmp_path: Path) -> None:
    told = {"digest": "0" * 12, "seed": 1, "replicates": 1, "rows": [{"digest": "0" * 12}]}
    (tmp_path / "what_if.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="--what-if: must be a what-if of the run's study"):
        given(modest_run, tmp_path)

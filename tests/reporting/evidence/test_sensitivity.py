"""The sensitivity analysis of a report is kept, or given, and read back as it was."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.questions.what_if.what_if import what_if
from trialsim.reporting.evidence.evidence import Evidence
from trialsim.reporting.evidence.sensitivity import KEPT, load_what_if, run_sensitivity
from trialsim.reporting.evidence.what_if_file import what_if_of
from trialsim.runs.directory import RunDirectory
from trialsim.runs.runner import Runner
from trialsim.runs.sealed import sealed
from trialsim.scenario.scenario import Scenario


def test_what_is_kept_is_read_again_if_it_is_the_same(
    modest_run: RunDirectory, evidence: Evidence, keep: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(keep, tmp_path / "kept")
    file = copied / KEPT
    told = json.loads(file.read_text(encoding="utf-8"))
    told["rows"][0]["power"] = "read again"
    del told["checksum"]
    file.write_bytes(sealed(told))
    runner = Runner(2016, 1)
    assert run_sensitivity(modest_run, 16, runner, copied)["rows"][0]["power"] == "read again"
    assert isinstance(run_sensitivity(modest_run, 8, runner, copied)["rows"][0]["power"], float)
    assert evidence.what_if is not None
    assert evidence.what_if["replicates"] == 16


def test_a_what_if_is_read_back_as_it_was(modest: Scenario) -> None:
    look = {"looks": {"first": {"when": {"known": 0.7}}}, "efficacy": "pocock"}
    changes: dict[str, list[Any]] = {"design.patients": [30, 60], "monitoring": [look]}
    result = what_if(modest, changes, replicates=32, n_jobs=1)
    assert "randomised" in result.rows[0].means
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
        load_what_if(modest_run, tmp_path)


def test_a_what_if_that_is_not_of_the_command_beside_it_is_refused(
    modest_run: RunDirectory, tmp_path: Path
) -> None:
    """It may be copied there from another seed, or from other changes of the same study."""
    study = modest_run.manifest.scenario
    for name, seed, patients in (("one", 1, 30), ("seed", 2, 30), ("rows", 1, 40)):
        changes = {"design.patients": [patients]}
        what_if(study, changes, replicates=8, seed=seed, n_jobs=1, out=tmp_path / name)
    one = tmp_path / "one" / "what_if.json"
    assert load_what_if(modest_run, tmp_path / "one")["seed"] == 1
    for name, told in (
        ("seed", r"seed: must be 1, as in the .* \(got 2\)"),
        ("rows", "rows: must"),
    ):
        shutil.copy(tmp_path / name / "what_if.json", one)
        with pytest.raises(InputError, match=told):
            load_what_if(modest_run, tmp_path / "one")


def test_a_what_if_of_another_study_is_refused(modest_run: RunDirectory, tmp_path: Path) -> None:
    told = {"digest": "0" * 12, "seed": 1, "replicates": 1, "rows": [{"digest": "0" * 12}]}
    (tmp_path / "what_if.json").write_bytes(sealed(told))
    with pytest.raises(InputError, match="--what-if: must be a what-if of the run's study"):
        load_what_if(modest_run, tmp_path)

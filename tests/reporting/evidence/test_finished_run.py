"""A report is made of a run that is whole, and of no other."""

import json
import shutil
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.reporting.evidence.finished_run import commands_of, finished
from trialsim.runs.directory import RunDirectory, find_run


@pytest.fixture
def copied(modest_run: RunDirectory, tmp_path: Path) -> Path:
    """Return the folder of a run that a test may damage."""
    return Path(shutil.copytree(modest_run.folder, tmp_path / "run"))


def test_the_result_is_that_of_the_summary(modest_run: RunDirectory) -> None:
    summary = json.loads((modest_run.folder / "summary.json").read_text(encoding="utf-8"))
    assert summary.pop("checksum")
    told = json.loads(json.dumps(finished(modest_run).to_dict()))
    assert {name: told[name] for name in summary} == summary


def test_a_damaged_part_is_told_by_its_block(copied: Path) -> None:
    part = sorted((copied / "parts").iterdir())[2]
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(InputError, match="block 2 is missing or damaged") as refused:
        finished(find_run(copied))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("summary", [None, "", "{}", '{"replicates": "many"}'])
def test_a_run_that_is_not_finished_is_refused(copied: Path, summary: str | None) -> None:
    file = copied / "summary.json"
    file.unlink() if summary is None else file.write_text(summary)
    with pytest.raises(InputError, match="must be finished"):
        finished(find_run(copied))


def test_a_log_that_is_gone_or_wrong_tells_no_command(copied: Path) -> None:
    log = copied / "log.jsonl"
    log.write_text('{"command": "a"}\n{"held": 2}\n{"command": "a"}\n{"command": "b"}\n')
    assert commands_of(find_run(copied)) == ("a", "b")
    log.write_text("no json")
    assert commands_of(find_run(copied)) == ()
    log.unlink()
    assert commands_of(find_run(copied)) == ()

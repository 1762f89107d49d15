"""What is computed beside a run is kept for the same question alone, and never in the run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.reporting.evidence.evidence import ReportOptions, collect_evidence
from trialsim.reporting.evidence.kept_file import kept
from trialsim.runs.directory import RunDirectory


def half() -> Mapping[str, Any]:
    return {"power": 0.5, "sd": float("nan")}


def never() -> Mapping[str, Any]:
    pytest.fail("what is kept is computed again")


def test_what_is_kept_is_read_again_for_the_same_question_alone(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert kept(file, {"seed": 1}, half) == {"power": 0.5, "sd": None}
    assert kept(file, {"seed": 1}, never) == {"power": 0.5, "sd": None}
    assert kept(file, {"seed": 2}, lambda: {"power": 0.6}) == {"power": 0.6}


def test_without_a_file_nothing_is_kept() -> None:
    assert kept(None, {"seed": 1}, half) == {"power": 0.5, "sd": None}


@pytest.mark.parametrize("change", ["versions", "inputs", "all"])
def test_what_other_software_kept_is_computed_again(tmp_path: Path, change: str) -> None:
    file = tmp_path / "kept.json"
    kept(file, {"seed": 1}, half)
    told = json.loads(file.read_text(encoding="utf-8"))
    content = "no json" if change == "all" else json.dumps({**told, change: {"numpy": "0"}})
    file.write_text(content, encoding="utf-8")
    assert kept(file, {"seed": 1}, lambda: {"power": 0.7}) == {"power": 0.7}


@pytest.mark.parametrize("inside", [".", "parts", "more/kept"])
def test_a_folder_in_the_run_is_refused(modest_run: RunDirectory, inside: str) -> None:
    with pytest.raises(InputError, match=r"^--keep: must lie outside the run"):
        collect_evidence(modest_run, ReportOptions(keep=modest_run.folder / inside))


def test_a_file_and_a_folder_with_links_are_refused(
    modest_run: RunDirectory, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("dear to me")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "without_effect").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"^--keep: must be a folder, not a file"):
        collect_evidence(modest_run, ReportOptions(keep=tmp_path / "file"))
    with pytest.raises(InputError, match="must be no link"):
        collect_evidence(modest_run, ReportOptions(keep=tmp_path / "linked"))
    assert not (tmp_path / "elsewhere").exists()

"""A bolus trial on mRS takes at most 45 lines and two rounds of `check`, as its page says."""

import re
from pathlib import Path
from typing import Final

import pytest

from trialsim.cli import DONE, INPUT_WRONG, run

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "bolus_trial.md"
BLOCKS: Final = re.findall(r"^```(yaml)?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
DRAFT, FINAL = (text for kind, text in BLOCKS if kind == "yaml")
PROBLEMS: Final = next(text for kind, text in BLOCKS if not kind)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my_bolus.yaml"


def test_the_first_round_of_check_names_all_that_is_wrong(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(DRAFT)
    assert run(["check", file.name]) == INPUT_WRONG
    assert capsys.readouterr().err == PROBLEMS


def test_the_second_round_finds_no_problem_in_at_most_45_lines(file: Path) -> None:
    file.write_text(FINAL)
    assert run(["check", file.name]) == DONE
    assert len(FINAL.splitlines()) <= 45
    assert {line for line in DRAFT.splitlines() if line not in FINAL.splitlines()} == {
        line for line in DRAFT.splitlines() if "min:" in line or "model: proportions" in line
    }


def test_the_study_has_1600_patients_at_30_sites_and_runs(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FINAL)
    assert run(["power", file.name, "--replicates", "2", "--jobs", "1"]) == DONE
    assert "Mann-Whitney" in capsys.readouterr().out
    assert FINAL.count("patients: 1600") == FINAL.count("count: 30") == 1

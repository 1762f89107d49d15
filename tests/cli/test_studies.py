"""A new study is written to start from, and any study's file is shown."""

from pathlib import Path

import pytest

from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.cli.studies import Kind
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.templates import KINDS


@pytest.fixture(autouse=True)
def _inside_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_study_of_each_kind_is_short_commented_sound_and_runs(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "mine", "--kind", kind]) == DONE
    text = Path("mine.yaml").read_text()
    assert text.startswith("#")
    assert "name: mine\n" in text
    assert len(text.splitlines()) <= 90
    assert run(["check", "--no-obtained", "mine.yaml"]) == DONE
    assert run(["power", "mine.yaml", "--replicates", "2", "--jobs", "1"]) == DONE
    assert "mine" in capsys.readouterr().out


def test_the_kinds_of_the_command_are_those_of_the_templates() -> None:
    assert tuple(kind.value for kind in Kind) == KINDS


def test_a_new_study_replaces_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("dear to me")
    Path("link.yaml").symlink_to("nowhere.yaml")
    assert run(["new", "mine"]) == INPUT_WRONG
    assert "must not exist" in capsys.readouterr().err
    assert run(["new", "other", "-o", "link.yaml"]) == INPUT_WRONG
    assert Path("mine.yaml").read_text() == "dear to me"
    assert not Path("nowhere.yaml").exists()


@pytest.mark.parametrize("name", ["Mine", "my trial", "", "cars1"])
def test_a_new_study_has_a_name_of_its_own(name: str) -> None:
    assert run(["new", name]) == INPUT_WRONG
    assert list(Path().iterdir()) == []


def test_a_name_over_two_lines_is_told_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "a\nb"]) == INPUT_WRONG
    assert capsys.readouterr().err.splitlines()[0].endswith(r"(got a\nb)")


def test_a_new_study_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "mine", "-o", "-"]) == DONE
    assert "name: mine\n" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ["cars1", "casta_severe", "cars_pooled"])
def test_show_prints_the_file_of_a_built_in_study(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", name, "--yaml"]) == DONE
    assert capsys.readouterr().out == builtin_studies()[name].read_text()


def test_show_prints_a_changed_study_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "cars1", "--yaml", "--set", "design.patients=100"]) == DONE
    Path("changed.yaml").write_text(capsys.readouterr().out)
    assert load_study("changed.yaml") == load_study("cars1").replace({"design.patients": 100})


def test_show_warns_of_a_harmful_effect(capsys: pytest.CaptureFixture[str]) -> None:
    change = "outcomes.arat.effect.value=0.35"
    assert run(["show", "cars1", "--set", change]) == DONE
    assert "WARNING: cars1: outcomes.arat.effect: theta 0.35 favours" in capsys.readouterr().out
    assert run(["show", "cars1"]) == DONE
    assert "WARNING" not in capsys.readouterr().out

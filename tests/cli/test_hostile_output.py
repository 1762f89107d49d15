"""What a study's words hold reaches terminals, drawings, pages and tables as words alone."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from unicodedata import category
from xml.etree import ElementTree

import pytest

from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.scenario.files.yaml_text import yaml_of

WORDS = r"Cost in $ (\euro and $) from $5 to $10" + "\x1b[2J\x07\x9b\u202e 小"
FORMULA = "=cmd|' /C calc'!A0"
STUDY = {
    "extends": "cars1",
    "name": "hostile",
    "title": WORDS,
    "summary": WORDS,
    "design": {
        "patients": 40,
        "arms": {"cerebrolysin": {"label": WORDS}, "placebo": {"label": WORDS}},
    },
    "outcomes": {"arat": {"label": WORDS}},
    "eligibility": {"inclusion": {"age": {"label": WORDS}}},
    "findings": {},
}


@pytest.fixture
def study(tmp_path: Path) -> str:
    path = tmp_path / "hostile.yaml"
    path.write_text(yaml_of(STUDY), encoding="utf-8")
    return str(path)


def is_legible(text: str) -> bool:
    seen = text.replace("\n", "").replace("\t", "")
    return not {"Cc", "Cs"} & {category(letter) for letter in seen} and "\u202e" not in text


@pytest.mark.parametrize(
    "command", [["show"], ["check"], ["simulate"], ["power", "--replicates", "8", "--jobs", "1"]]
)
def test_no_control_character_of_a_study_reaches_the_terminal(
    command: list[str], study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command[0], study, *command[1:]]) == DONE
    told = capsys.readouterr()
    assert is_legible(told.out) and is_legible(told.err)  # noqa: PT018
    if command != ["check"]:
        assert r"\u001b[2J" in told.out


def test_what_is_escaped_means_the_same_in_json(
    study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", study, "--json"]) == DONE
    told = capsys.readouterr().out
    assert is_legible(told)
    assert any(WORDS in text for text in _texts(json.loads(told)))


def _texts(content: object) -> list[str]:
    if isinstance(content, dict):
        return [text for part in content.values() for text in _texts(part)]
    if isinstance(content, list):
        return [text for part in content for text in _texts(part)]
    return [content] if isinstance(content, str) else []


def test_no_control_character_of_a_wrong_file_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text('extends: cars1\n"\\e[2J": 1\ndesign: {patients: "\\e[31m"}\n')
    assert run(["check", str(path)]) == INPUT_WRONG
    assert is_legible(capsys.readouterr().err)


@pytest.mark.parametrize("kind", ["scores", "distribution", "recruitment", "lanes", "consort"])
def test_a_dollar_is_text_in_a_drawing_which_is_well_formed(
    kind: str, study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "figure.svg"
    few = ["--replicates", "2"] if kind == "recruitment" else []
    assert run(["plot", kind, study, *few, "-o", str(drawn)]) == DONE, capsys.readouterr().err
    text = drawn.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert is_legible(text)
    if kind in ("scores", "distribution"):
        words = " ".join(ElementTree.fromstring(text).itertext())
        assert "from $5 to" in " ".join(words.split())


def test_a_picture_in_pixels_of_any_words_is_drawn(study: str, tmp_path: Path) -> None:
    drawn = tmp_path / "figure.png"
    assert run(["plot", "scores", study, "-o", str(drawn)]) == DONE
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_a_page_of_any_words_is_legible(study: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run(["simulate", study, "--report", str(page)]) == DONE
    assert is_legible(page.read_text(encoding="utf-8"))


def test_a_level_that_looks_like_a_formula_is_no_formula_in_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = {FORMULA: 0.5, "-1+1": 0.25, "right": 0.25}
    margin = {"distribution": "categorical", "levels": levels}
    covariate = {"handed": {"label": "Handed", "margin": margin}}
    path = tmp_path / "levels.yaml"
    content = {**STUDY, "title": "Levels", "population": {"covariates": covariate}}
    path.write_text(yaml_of(content), encoding="utf-8")
    out = tmp_path / "out"
    assert run(["simulate", str(path), "--out", str(out)]) == DONE, capsys.readouterr().err
    for table in out.glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        wrong = {cell for cell in cells if cell.startswith(("=", "+", "@", "-1+"))}
        assert not wrong, table.name
    assert f"'{FORMULA}" in (out / "screening.csv").read_text(encoding="utf-8")


def test_a_page_and_a_figure_go_to_standard_output_alone(
    study: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["plot", "scores", study, "-o", "-"]) == DONE
    drawn, told = capfdbinary.readouterr()
    ElementTree.fromstring(drawn)
    assert told == b"standard output: scores\n"
    assert run(["simulate", study, "--report", "-"]) == DONE
    told = capfdbinary.readouterr().out
    assert told.startswith(b"<!DOCTYPE html>")
    assert told.rstrip().endswith(b"</html>")


def test_what_stands_at_a_name_is_replaced_only_if_that_is_said(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.svg"
    mine.write_text("<svg/>")
    command = ["plot", "scores", study, "-o", str(mine)]
    assert run(command) == INPUT_WRONG
    assert "--out: must not be a file that trialsim has not made" in capsys.readouterr().err
    assert mine.read_text() == "<svg/>"
    assert run([*command, "--overwrite"]) == DONE
    assert run(command) == DONE, "its own figure is replaced"
    flow = ["plot", "consort", study, "-o", str(tmp_path / "flow.svg")]
    assert [run(flow), run(flow)] == [DONE, DONE], "its own flow diagram is replaced"
    page = tmp_path / "mine.html"
    page.write_text("<p>Mine</p>")
    assert run(["simulate", study, "--report", str(page)]) == INPUT_WRONG
    assert page.read_text() == "<p>Mine</p>"
    assert run(["simulate", study, "--report", str(page), "--overwrite"]) == DONE


def test_where_only_ascii_is_known_text_is_escaped_and_files_are_named_and_read_all_the_same(
    study: str, tmp_path: Path
) -> None:
    """The study has a letter that ASCII lacks, and the name of the page is no Unicode."""
    page = os.fsencode(tmp_path) + b"/page-\xff.html"
    program = "import sys; from trialsim.cli import main; main()"
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    found = subprocess.run(
        [sys.executable, "-c", program, "simulate", study, "--report", page],
        capture_output=True,
        env={**os.environ, **plain},
    )
    assert (found.returncode, found.stderr) == (DONE, b"")
    assert rb"\u5c0f" in found.stdout
    assert b"\\udcff" in found.stdout
    with open(page, encoding="utf-8") as file:  # noqa: PTH123 - a name in bytes
        assert "<!DOCTYPE html>" in file.read()


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000])
@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["assurance", "cars1", "--prior"],
        ["simulate", "cars1_null", "--out"],
        ["simulate", "cars1_null", "--report"],
        ["report"],
        ["replay", "--replicate", "0"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long_is_wrong_input(
    command: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["-o", str(tmp_path / "page.html")] if command == ["report"] else []
    assert run([*command, str(tmp_path / name), *more]) == INPUT_WRONG
    told = capsys.readouterr().err
    assert "File name too long" in told or "must be the directory of a run" in told

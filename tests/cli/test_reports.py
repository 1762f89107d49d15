"""Pages from the command line: of one trial, and of one patient of a run."""

import json
import socket
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.runs.test_directory import kept_power
from trialsim.cli import DONE, INPUT_WRONG, RUN_FAILED, run
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.tables import page
from trialsim.runs.directory import open_run
from trialsim.runs.manifest import manifest_here
from trialsim.scenario.files.yaml_file import load

pytest.importorskip("jinja2")

SMALL: Final = ["simulate", "cars1", "--set", "design.patients=40"]
HURRIED: Final = load("cars1").replace(
    {"design.patients": 20, "operations.recruitment_limit_days": 40, "operations.at_limit": "fail"}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a run of which some replicates failed."""
    folder = tmp_path_factory.mktemp("run")
    kept_power(open_run(folder, manifest_here(HURRIED, 2016, block=32)), 32)
    return folder


def test_simulate_writes_the_page_of_its_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "trial.html"
    assert run([*SMALL, "--report", str(page)]) == DONE
    assert capsys.readouterr().out.endswith(f"\nThe page of the trial is {page}\n")
    assert "one simulated trial</h1>" in page.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["trial.html"]


def test_replay_writes_the_page_of_a_trial_or_of_a_patient(folder: Path, tmp_path: Path) -> None:
    kept = next(one for one in range(32) if _replayed(folder, one, tmp_path / "trial.html") == DONE)
    page = (tmp_path / "trial.html").read_text(encoding="utf-8")
    assert f"Replicate {kept} of seed 2016" in page
    assert _replayed(folder, kept, tmp_path / "patient.html", "--patient", "7") == DONE
    page = (tmp_path / "patient.html").read_text(encoding="utf-8")
    assert f"Patient 7 of replicate {kept}, seed 2016" in page
    assert SIMULATED in page


def test_a_replicate_that_failed_has_no_page(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "failed.html"
    failed = next(one for one in range(32) if _replayed(folder, one, page) == RUN_FAILED)
    told = capsys.readouterr().err.splitlines()[-1]
    rule = "so there is no page of it: recruitment was not complete after 40 days"
    assert told == f"trialsim: replicate {failed} failed, {rule}"


@pytest.mark.parametrize("place", [".", "missing/trial.html"])
def test_a_page_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*SMALL, "--report", str(tmp_path / place)]) == INPUT_WRONG
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("--report: must be ")


@pytest.mark.parametrize("command", [SMALL, ["replay", "run/", "--replicate", "0"]])
def test_without_the_extra_its_name_is_told_in_one_line(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run([*command, "--report", str(tmp_path / "page.html")]) == INPUT_WRONG
    needed = "pages need the extra report: pip install 'trialsim[report]'\n"
    assert capsys.readouterr() == ("", needed)
    assert not list(tmp_path.iterdir())


def _replayed(folder: Path, replicate: int, page: Path, *options: str) -> int:
    return run(
        ["replay", str(folder), "--replicate", str(replicate), "--report", str(page), *options]
    )


def test_plot_draws_the_flow_of_one_trial_or_of_the_average(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing, table = tmp_path / "flow.svg", tmp_path / "flow.csv"
    study = ["plot", "consort", "cars1", "--set", "design.patients=40"]
    assert run([*study, "-o", str(drawing), "-o", str(table)]) == DONE
    assert "Randomised (n\xa0=\xa040)" in drawing.read_text(encoding="utf-8")
    assert "enrolment,,0,Randomised,40.0,40.0,40.0" in table.read_text(encoding="utf-8")
    capsys.readouterr()
    assert run([*study, "--replicates", "9", "--json"]) == DONE
    rows = json.loads(capsys.readouterr().out)["rows"]
    (assessed,) = [row for row in rows if row["label"] == "Assessed for eligibility"]
    assert assessed["low"] < assessed["mean"] < assessed["high"]


def test_a_flow_goes_to_paper_and_into_pixels_on_white(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("weasyprint", reason="the extra office is not installed")
    pytest.importorskip("pypdfium2", reason="the extra office is not installed")
    from PIL import Image

    picture, paper = tmp_path / "flow.png", tmp_path / "flow.pdf"
    study = ["plot", "consort", "cars1", "--set", "design.patients=40", "-o", str(picture)]
    assert run([*study, "-o", str(paper)]) == DONE
    assert paper.read_bytes().startswith(b"%PDF-")
    with Image.open(picture) as drawn:
        assert drawn.getpixel((0, 0)) == (255, 255, 255)
        assert min(drawn.size) > 800
    assert run(study) == DONE, "what trialsim made is replaced"


def test_explore_writes_the_page_of_a_grid_and_keeps_what_it_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, kept = str(tmp_path / "page.html"), str(tmp_path / "kept")
    asked = ["explore", "stroke_nihss", "--jobs", "1", "--replicates", "8", "-o", page]
    asked += ["--set", "design.patients=12,20", "--set", "analysis.alpha=0.05,0.1"]
    assert run([*asked, "--keep", kept]) == DONE
    assert capsys.readouterr().out == f"The page of 4 designs is {page}\n"
    assert Path(page).read_text(encoding="utf-8").count('<input type="range"') == 2
    assert any(Path(kept).rglob("*.parquet"))
    Path(page).write_text("the page of somebody else", encoding="utf-8")
    assert run(asked) == INPUT_WRONG


def test_explore_needs_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", "cars1", "-o", str(tmp_path / "page.html")]) == INPUT_WRONG
    assert "must name a path and its values" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_page_to_plan_on_says_which_extra_it_needs_and_which_address_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A study that is wrong is told before, and an address that is not free after."""
    monkeypatch.setattr("trialsim.app.serving.find_spec", lambda name: None)
    assert run(["app", "cars1"]) == INPUT_WRONG
    needed = "the page to plan on needs the extra app: pip install 'trialsim[app]'"
    assert capsys.readouterr().err == f"{needed}\n"
    monkeypatch.setattr("trialsim.app.serving.find_spec", lambda name: name)
    assert run(["app", "no_such_study"]) == INPUT_WRONG
    assert "must be a built-in scenario" in capsys.readouterr().err


def test_the_page_to_plan_on_is_not_served_where_somebody_else_serves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("shiny", reason="the extra app is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["app", "--port", port]) == INPUT_WRONG
    assert "must be an address of this machine that is free" in capsys.readouterr().err

"""The commands reproduce and calibrate: tables, JSON, files, and every problem at once."""

import json
import os
from pathlib import Path

import pytest

from trialsim.cli import run
from trialsim.questions.calibration.reproduce import reproduce
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.findings import AnalysisFigure

EFFECT = "outcomes.arat.effect.value"
VARIANT = """\
extends: cars1
design: {patients: 40}
outcomes: {arat: {effect: {value: 0.7}}}
findings: {theta_arat: {}}
"""


@pytest.fixture
def variant(tmp_path: Path) -> Path:
    path = tmp_path / "variant.yaml"
    path.write_text(VARIANT, encoding="utf-8")
    return path


def test_json_has_what_the_function_gives(
    capsys: pytest.CaptureFixture[str], variant: Path
) -> None:
    asked = ["reproduce", str(variant), "--replicates", "40", "--seed", "3", "--jobs", "1"]
    assert run([*asked, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["studies"]
    expected = reproduce(load(variant), 40, seed=3, n_jobs=1).to_dict()
    told["seconds"] = expected["seconds"] = 0
    assert told == expected


def test_the_table_says_figure_error_interval_and_verdict(
    capsys: pytest.CaptureFixture[str], variant: Path
) -> None:
    assert run(["reproduce", str(variant), "--replicates", "60", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if line.startswith("Mann-Whitney effect")]
    row = reproduce(load(variant), 60, n_jobs=1).rows[0]
    assert f"0.71      {row.simulated:.3f}" in line
    assert f"{row.low:.2f} to {row.high:.2f}" in line
    assert row.verdict == "typical"
    assert line.endswith("within the central 95% of trials")
    assert "All cohorts are simulated" in said


def test_effects_alone_stand_in_one_table_of_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    studies = ["cars1", "cars_pooled"]
    asked = ["reproduce", *studies, "--effects", "--markdown", "--replicates", "2", "--jobs", "1"]
    assert run(asked) == 0
    rows = [one for one in capsys.readouterr().out.splitlines() if one.startswith("| `")]
    estimates = [
        (name, finding.label)
        for name in studies
        for finding in load_study(name).findings.values()
        if isinstance(finding.of, AnalysisFigure) and finding.of.figure == "estimate"
    ]
    cells = [row.strip("| ").split(" | ") for row in rows]
    assert [(one[0].strip("`"), one[1]) for one in cells] == estimates
    assert len(estimates) > 2
    assert {len(one) for one in cells} == {7}


def test_studies_that_cannot_be_reproduced_are_told_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["reproduce", "cars1_null", "cars0", "cars1"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 2


def test_calibrate_writes_the_number_into_the_file(
    capsys: pytest.CaptureFixture[str], variant: Path
) -> None:
    asked = ["calibrate", str(variant), "--path", EFFECT, "--target", "theta_arat"]
    asked += ["--replicates", "60", "--jobs", "1"]
    assert run([*asked, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert variant.read_text(encoding="utf-8") == VARIANT
    assert run([*asked, "--write"]) == 0
    said = capsys.readouterr().out
    assert f"{row['value']:.12g}" in said
    assert "confirmed" in said
    solved = load(variant)
    assert solved.outcomes["arat"].effect.value == row["value"] != 0.7
    assert solved.calibrated[EFFECT].finding == "theta_arat"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_calibrate_writes_into_a_file_alone(
    kind: str, capsys: pytest.CaptureFixture[str], variant: Path
) -> None:
    place, whole = variant.with_name("place.yaml"), variant.read_bytes()
    match kind:
        case "link":
            place.symlink_to(variant)
        case "pipe":
            os.mkfifo(place)
        case _:
            place.mkdir()
    asked = ["calibrate", str(place), "--path", EFFECT, "--target", "theta_arat", "--write"]
    assert run([*asked, "--replicates", "20", "--jobs", "1"]) == 2
    told = "must not be a link" if kind == "link" else "needs the path of a file"
    assert told in capsys.readouterr().err
    assert place.is_symlink() == (kind == "link")
    assert place.is_fifo() == (kind == "pipe")
    assert variant.read_bytes() == whole


@pytest.mark.parametrize("programme", [False, True])
def test_a_number_is_not_written_whose_source_says_that_it_was_published(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, programme: bool
) -> None:
    source = f"sources: {{{EFFECT}: {{status: published, reference: label}}}}\n"
    study = VARIANT + "references: {label: The label}\n" + source
    above = ""
    if programme:
        two = (f"  {name}:\n{indented(study)}" for name in ("first", "second"))
        plan = "measure: mann_whitney, variance: placement, pooling: wei_lachin"
        level = "alternative: two-sided, alpha: 0.05, confidence: 0.95"
        head = "name: two\ntitle: Two trials\nsummary: Two trials.\ntrials:\n"
        study, above = f"{head}{''.join(two)}analysis: {{{plan}, {level}}}\n", "trials.first."
    path = tmp_path / "study.yaml"
    path.write_text(study, encoding="utf-8")
    asked = ["calibrate", str(path), "--path", f"{above}{EFFECT}", "--target", "estimate=0.7"]
    assert run([*asked, "--write"]) == 2
    assert f"{above}{EFFECT}: must have a source that says derived" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == study


def indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


def test_a_search_begins_where_it_is_told_to(
    capsys: pytest.CaptureFixture[str], variant: Path
) -> None:
    asked = ["calibrate", str(variant), "--path", f"{EFFECT}=0.6", "--target", "power=0.5"]
    assert run([*asked, "--replicates", "100", "--jobs", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["figure"] == pytest.approx(0.5, abs=0.03)
    assert row["before"] == 0.7


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--path", EFFECT], "--target"),
        (["--path", EFFECT, "--target", "theta"], "--target: must name a finding"),
        (["--path", EFFECT, "--path", "a", "--target", "theta_arat"], "once for each --path"),
        (["--path", f"{EFFECT}=some", "--target", "theta_arat"], "must begin at a number"),
        (["--path", "design.patients", "--target", "power=0.9"], "need not be whole"),
        (["--path", EFFECT, "--target", "theta_arat", "--write"], "needs the path of a file"),
    ],
)
def test_what_calibrate_cannot_do_is_told(
    options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["calibrate", "cars1", *options]) == 2
    assert problem in capsys.readouterr().err


def test_a_secondary_analysis_can_be_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    how = ["--analysis", "global_status", "--replicates", "20", "--jobs", "1", "--json"]
    study = load("cars1").with_analysis("global_status")
    assert run(["power", "cars1", *how]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == study.digest
    asked = ["what-if", "cars1", "--set", "design.patients=60", "--variant", "cars1_null"]
    assert run([*asked, *how]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    null = load("cars1_null").with_analysis("global_status")
    assert [rows[0]["digest"], rows[2]["digest"]] == [study.digest, null.digest]
    assert run(["power", "cars1", "--analysis", "none", "--replicates", "2"]) == 2
    assert "must be a secondary analysis of cars1" in capsys.readouterr().err

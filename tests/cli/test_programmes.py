"""Programmes on the command line: simulated, pooled, asked how often their trials disagree."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import trialsim as ts
from trialsim.cli import INPUT_WRONG, run
from trialsim.public import disagreement
from trialsim.questions.programmes.one_programme import simulate_programme
from trialsim.replicates.result import SIMULATED
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Programme

SMALL = [f"--set=trials.{name}.design.patients=24" for name in ("cars1", "cars2")]


def small() -> Programme:
    found = load_study("cars_pooled")
    assert isinstance(found, Programme)
    return found.replace({f"trials.{name}.design.patients": 24 for name in found.trials})


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_simulate_writes_a_folder_for_each_trial_and_the_pooled_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # again over the same folder
        assert run(["simulate", "cars_pooled", *SMALL, "--seed", "5", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert SIMULATED in text
    found = simulate_programme(small(), 5)
    pooled = json.loads((out / "pooled.json").read_text(encoding="utf-8"))
    assert pooled["estimate"] == found.to_dict()["estimate"]
    assert f"{pooled['estimate']:.4f}" in text
    for name, trial in found.trials.items():
        subjects = pd.read_csv(out / name / "subjects.csv")
        assert list(subjects["arm"]) == list(trial.tables()["subjects"]["arm"])
    assert load_study(out / "scenario.yaml").digest == small().digest


def test_power_tells_how_far_the_trials_lie_apart_and_what_each_finds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["power", "cars_pooled", *SMALL, "--replicates", "16", "--jobs", "1"]
    found = told(capsys, *asked)
    known = ts.power(small(), 16, n_jobs=1)
    assert found["power"] == known.power
    for name in ("tau2", "i2", "cars1.estimate", "cars2.favoured"):
        assert found[name]["mean"] == float(known.mean_of(name).estimate)
    assert run(asked) == 0
    assert "cars2.favoured" in capsys.readouterr().out


def test_disagree_tells_what_the_function_gives_of_each_programme(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["disagree", "cars_pooled", "cars_common", *SMALL, "--replicates", "32", "--jobs", "1"]
    first, second = told(capsys, *asked)["programmes"]
    assert first == disagreement(small(), 32, n_jobs=1).to_dict()
    assert (first["scenario"], second["scenario"]) == ("cars_pooled", "cars_common")
    assert run(asked) == 0
    printed = capsys.readouterr().out
    assert "in favour: cars1 and cars2" in printed
    assert "cars1: CARS-1, Cerebrolysin and recovery after stroke" in printed
    assert "MCSE   95% interval" in printed


def test_what_if_and_size_take_the_paths_of_a_programme(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = ["--replicates", "100", "--jobs", "1"]
    rows = told(capsys, "what-if", "cars_common", "--set", "size_percent=20,50", *few)["rows"]
    assert [row["changes"] for row in rows] == [{}, {"size_percent": 20}, {"size_percent": 50}]
    assert rows[1]["power"] < rows[2]["power"]
    assert told(capsys, "size", "cars_common", "--power", "0.8", *few)["path"] == "size_percent"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["disagree", "cars1"], "programme: must be a programme of several trials (got cars1)"),
        (["endpoint", "cars_pooled"], "scenario: must be one trial; this is a programme of cars1"),
        (
            ["power", "cars_pooled", "--set", "trials.cars3.design.patients=3"],
            "trials.cars3.design.patients: must be a path that exists; did you mean trials.cars",
        ),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert run(arguments) == INPUT_WRONG
    assert problem in capsys.readouterr().err


def test_a_page_of_one_trial_is_not_written_of_a_programme(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert run(["simulate", "cars_pooled", "--report", str(page)]) == INPUT_WRONG
    assert "--report" in capsys.readouterr().err
    assert not page.exists()


def test_a_programme_has_no_page_of_one_trial_and_no_patient_of_its_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    power = ["power", "cars_pooled", *SMALL, "--replicates", "2", "--jobs", "1"]
    assert run([*power, "--out", "run"]) == 0
    for asked in (["--report", "page.html"], ["--patient", "1"]):
        assert run(["replay", "run", "--replicate", "0", *asked]) == INPUT_WRONG
        assert "must be one trial; this is a programme" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()

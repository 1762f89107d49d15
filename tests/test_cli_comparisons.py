"""The commands what-if, size and assure: JSON as promised, files, and every problem at once."""

import json
from pathlib import Path

import pandas as pd
import pytest

import trialsim as ts
from trialsim.cli import run

MODEST = "outcomes.arat.effect.value=0.62"


def test_what_if_prints_the_rows_that_the_function_gives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["what-if", "cars1", "--base", MODEST, "--set", "design.patients=60,80", "--json"]
    asked += ["--variant", "cars1_null", "--replicates", "64", "--jobs", "1"]
    assert run(asked) == 0
    found = json.loads(capsys.readouterr().out)
    base = ts.load("cars1").replace({"outcomes.arat.effect.value": 0.62})
    alike = ts.what_if(
        base, {"design.patients": [60, 80]}, variants=["cars1_null"], replicates=64, n_jobs=1
    )
    expected = alike.to_dict()["rows"]
    assert [row["digest"] for row in found["rows"]] == [row["digest"] for row in expected]
    for name in ("power", "mcse", "difference", "difference_mcse", "changes"):
        assert [row[name] for row in found["rows"]] == [row[name] for row in expected]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--grid", "--set", "design.patients=60,80", "--set", "design.block_size=2,4"], 5),
        (["--hypercube", "3", "--set", "design.patients=60:80"], 4),
        (["--set", "operations.infusion_chairs_per_site=null"], 2),
    ],
)
def test_what_if_takes_grids_hypercubes_and_null(
    options: list[str], rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["what-if", "cars1", *options, "--replicates", "4", "--jobs", "1", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == rows


def test_what_if_tells_every_problem_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["what-if", "cars1", "--set", "design.patients=1,60", "--set", "design.patient=9"]
    assert run([*asked, "--variant", "cars3"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 3
    assert run(["what-if", "cars1", "--grid", "--hypercube", "3"]) == 2


def test_what_if_writes_its_table_its_json_and_its_base(tmp_path: Path) -> None:
    asked = ["what-if", "cars1", "--set", "design.patients=60", "--replicates", "8", "--jobs", "1"]
    assert run([*asked, "--out", str(tmp_path / "run")]) == 0
    table = pd.read_csv(tmp_path / "run" / "what_if.csv")
    rows = json.loads((tmp_path / "run" / "what_if.json").read_text())["rows"]
    assert table["power"].tolist() == [row["power"] for row in rows]
    assert ts.load(tmp_path / "run" / "scenario.yaml").digest == rows[0]["digest"]


def test_size_prints_what_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["size", "cars1", "--power", "0.8", "--replicates", "100", "--jobs", "1", "--json"]
    assert run(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"path", "low", "high", "power", "mcse", "value", "candidates"} <= found.keys()
    assert found["path"] == "design.patients"
    assert found["low"] <= found["value"] <= found["high"] + 4


def test_size_out_of_reach_is_a_run_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["size", "cars1", "--set", MODEST, "--low", "10", "--high", "60", "--jobs", "1"]
    assert run([*asked, "--replicates", "100"]) == 1
    assert "out of reach of design.patients" in capsys.readouterr().err
    assert run(["size", "cars1", "--power", "1.5"]) == 2


def test_assure_prints_what_the_function_gives(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["assure", "cars1", "--prior", "cars_pooled", "--no-effect", "0.5", "--jobs", "1"]
    assert run([*asked, "--replicates", "40", "--strata", "4", "--observed", "0.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    prior = ts.load_prior("cars_pooled").model_copy(update={"no_effect": 0.5})
    alike = ts.assurance(ts.load("cars1"), prior, 40, strata=4, n_jobs=1)
    assert (found["probability"], found["mcse"]) == (alike.probability, alike.mcse)
    assert found["observed"]["share_at_most"] == alike.share_at_most(0.5).estimate


def test_assure_with_an_unknown_prior_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assure", "cars1", "--prior", "cars_poled"]) == 2
    assert "did you mean cars_pooled?" in capsys.readouterr().err

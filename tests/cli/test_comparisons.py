"""The commands what-if, size and assurance: JSON as promised, files, and every problem at once."""

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pytest

import trialsim as ts
from tests.runs.test_directory import bytes_of
from trialsim.cli import DONE, INPUT_WRONG, INTERRUPTED, run
from trialsim.replicates.run import Replicates
from trialsim.reporting.progress import Progress

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


def test_looks_that_are_doubtful_are_warned_of_as_check_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, late = "monitoring.looks.second.decided_after_days", "90"
    file = tmp_path / "late.yaml"
    file.write_text(ts.load("cars_sequential").replace({path: 90.0}).to_yaml())
    few = ["--replicates", "4", "--jobs", "1", "--json"]
    assert run(["check", str(file)]) == 0
    (warning,) = [one for one in capsys.readouterr().out.splitlines() if "WARNING" in one]
    assert "a stop would change nothing" in warning
    assert run(["power", str(file), *few]) == 0
    assert capsys.readouterr().err == f"{warning}\n"
    assert run(["what-if", "cars_sequential", "--set", f"{path}={late}", *few]) == 0
    said = warning.removeprefix("WARNING: ")
    assert capsys.readouterr().err == f"WARNING: {path}={late}: {said}\n"


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


def test_a_path_that_is_given_twice_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The last does not win in silence."""
    twice = ["--set", "design.patients=60", "--set", " design.patients =80"]
    for command in ("what-if", "power", "size", "show"):
        assert run([command, "cars1", *twice]) == 2
        assert capsys.readouterr().err == "design.patients: must be given once to --set (got 80)\n"
    assert run(["what-if", "cars1", "--base", MODEST, "--base", MODEST]) == 2
    assert "must be given once to --base (got 0.62)" in capsys.readouterr().err


def test_a_wrong_base_hides_no_other_problem(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["what-if", "cars1", "--base", "design.patient=60", "--base", "design.block_size=8"]
    asked += ["--set", "design.patients=1,100", "--set", "seed", "--variant", "cars3"]
    assert run(asked) == 2
    told = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == ["design.patient", "--set", "design.patients", "scenario"]


def test_a_wrong_change_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["--set", "seed", "--set", "design.patients=1", "--set", "design.patient=3"]
    assert run(["show", "cars1", *wrong]) == 2
    told = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert told[:2] == ["--set", "design.patient"]


SHORT = ["--replicates", "100", "--jobs", "1", "--set", "design.patients=20"]
KEPT = {
    "what_if": ["what-if", "cars1", "--base", MODEST, *SHORT],
    "size": ["size", "cars1", "--power", "0.5", *SHORT],
    "assurance": ["assurance", "cars1", "--prior", "cars1", "--strata", "2", *SHORT],
}


@pytest.mark.parametrize("name", KEPT)
def test_a_directory_keeps_what_a_command_runs_and_prints(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run"), "--json"]
    answers = []
    for _ in range(2):
        assert run([*KEPT[name], *out]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    kept = json.loads((tmp_path / "run" / f"{name}.json").read_text())
    assert len(pd.read_csv(tmp_path / "run" / f"{name}.csv")) > 0
    for told in answers:
        assert {key for key in told if told[key] != kept.get(key)} <= {"seconds", "candidates"}
    assert run([*KEPT[name], *out, "--seed", "3"]) == INPUT_WRONG
    assert "seed: must be 2016, as in" in capsys.readouterr().err


@pytest.mark.parametrize("name", KEPT)
def test_an_interruption_tells_what_is_kept_and_the_same_command_continues(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = ["--out", str(tmp_path)]
    finished = []

    def stop_at_the_second(_: Progress, done: int, __: Replicates) -> None:
        finished.append(done)
        if len(finished) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Progress, "__call__", stop_at_the_second)
        assert run([*KEPT[name], *out]) == INTERRUPTED
    told = f"interrupted; 2 finished blocks of 2 scenarios are kept in {tmp_path}"
    assert capsys.readouterr().err == f"trialsim: {told}, and the same command continues\n"
    part = min(tmp_path.glob("studies/*/parts/*.parquet"))
    part.write_bytes(b"")
    assert run([*KEPT[name], *out]) == 0
    assert (
        f"{part.name} was damaged, misnamed or of another block: set aside in"
        in capsys.readouterr().err
    )


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
    asked = ["assurance", "cars1", "--prior", "cars_pooled", "--no-effect", "0.5", "--jobs", "1"]
    assert run([*asked, "--replicates", "40", "--strata", "4", "--observed", "0.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    prior = ts.load_prior("cars_pooled").model_copy(update={"no_effect": 0.5})
    alike = ts.assurance(ts.load("cars1"), prior, 40, strata=4, n_jobs=1)
    assert (found["probability"], found["mcse"]) == (alike.probability, alike.mcse)
    assert found["observed"]["share_at_most"] == alike.share_at_most(0.5).estimate


def test_assure_with_an_unknown_prior_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assurance", "cars1", "--prior", "cars_poled"]) == 2
    assert "did you mean cars_pooled?" in capsys.readouterr().err


SHARDED: Final = {
    "what-if": ["--set", "design.block_size=2", "--replicates", "300"],
    "assurance": ["--prior", "cars_pooled", "--strata", "2", "--replicates", "64"],
}


@pytest.mark.parametrize("name", SHARDED)
def test_shards_are_merged_into_the_bytes_of_one_command(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has its share of the blocks of all scenarios, and the command answers from them all."""
    asked = [name, "stroke_nihss", "--jobs", "1", *SHARDED[name], "--json", "--out"]
    shards = [str(tmp_path / number) for number in "12"]
    for number, shard in enumerate(shards, 1):
        assert run([*asked, shard, "--shard", f"{number}/2"]) == DONE
        told = f"shard {number}/2 is finished in {shard}; trialsim merge merges the shards\n"
        assert capsys.readouterr().out == told
    alone, merged = str(tmp_path / "alone"), str(tmp_path / "merged")
    assert run([*asked, alone]) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert run(["merge", merged, *shards, "--json"]) == DONE
    blocks = len(list((tmp_path / "alone").rglob("*.parquet")))
    assert json.loads(capsys.readouterr().out)["blocks"] == blocks
    held = [len(list(Path(shard).rglob("*.parquet"))) for shard in shards]
    assert (sum(held), max(held) - min(held) <= 1) == (blocks, True)
    assert run([*asked, merged]) == DONE
    again = json.loads(capsys.readouterr().out)
    assert without_seconds(again) == without_seconds(answer)
    assert bytes_of(Path(merged)) == bytes_of(Path(alone))


def without_seconds(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: without_seconds(one) for name, one in content.items() if name != "seconds"}
    return [without_seconds(one) for one in content] if isinstance(content, list) else content


def test_shards_of_different_commands_are_not_merged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = [str(tmp_path / "1"), str(tmp_path / "2")]
    asked = ["what-if", "stroke_nihss", "--jobs", "1", "--replicates", "8"]
    for number, values in enumerate(("2", "4"), 1):
        values = f"design.patients={40 * int(values)}"
        place = ["--out", shards[number - 1], "--shard", f"{number}/2"]
        assert run([*asked, "--set", values, *place]) == DONE
    assert run(["merge", str(tmp_path / "merged"), *shards]) == INPUT_WRONG
    assert "as in" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_a_shard_needs_a_directory(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["what-if", "stroke_nihss", "--set", "design.patients=40", "--shard", "1/2"]
    assert run(asked) == INPUT_WRONG
    assert "--shard: needs --out" in capsys.readouterr().err


def asked_of(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*command, "--jobs", "1"]) == DONE
    return capsys.readouterr().out


def test_every_question_can_be_of_any_of_all_or_of_one_analysis(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--of` is the study whose success that is."""
    study = ts.load("alvarez2011")
    powers = {
        of: ts.power(study.replace({"analysis.success": of}), replicates=64, n_jobs=1).power
        for of in ("any", "all", "impression_30")
    }
    assert powers["all"] < powers["impression_30"] < powers["any"]
    for of, power in powers.items():
        some = ["--of", of, "--replicates", "64", "--json"]
        assert json.loads(asked_of(["power", "alvarez2011", *some], capsys))["power"] == power
        compared = ["what-if", "alvarez2011", "--set", "design.patients=100", *some]
        assert json.loads(asked_of(compared, capsys))["rows"][0]["power"] == power
    sized = ["size", "alvarez2011", "--of", "any", "--replicates", "100", "--power", "0.6"]
    told = asked_of(sized, capsys)
    assert "At least one of primary" in told
    assert "closed form" not in told


def test_the_error_of_every_null_configuration_is_asked_for_by_one_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["type-one-error", "cars1", "--each-null", "--replicates", "32"]
    assert "global status" in asked_of(asked, capsys)
    assert run([*asked, "--out", "somewhere"]) == INPUT_WRONG
    assert "--out: must not be given with --each-null" in capsys.readouterr().err

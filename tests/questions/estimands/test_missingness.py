"""The bias of analyses as more is missing: which estimand, which trials, and known directions."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import trialsim as ts
from trialsim.cli import DONE, run
from trialsim.errors import InputError
from trialsim.questions.estimands.missingness import Missingness
from trialsim.scenario.programme import single_trial

CARS1 = single_trial(ts.load("cars1")).replace({"analysis.secondary": {}})
SMALL = CARS1.replace({"design.patients": 40})
PATH = "operations.discontinuation.probability"
STOPPED = {PATH: [0.3, 0.6]}


@cache
def found() -> Missingness:
    return ts.missingness(CARS1, STOPPED, "hypothetical", 64, 15, n_jobs=1)


def test_more_who_stop_are_more_affected_and_farther_from_the_hypothetical_effect() -> None:
    """A treatment-policy analysis loses what the infusions that were not given would have done."""
    shares = [one.estimate for one in found().affected]
    biases = [found().beside(place)[0].bias for place in range(3)]
    assert shares == sorted(shares)
    assert biases[1].estimate - biases[2].estimate > 4 * biases[2].mcse


def test_each_variant_is_the_study_with_its_change_on_the_same_trials() -> None:
    alone = ts.estimands(CARS1.replace({PATH: 0.6}), 64, 15, n_jobs=1)
    whole = {**alone.to_dict(), "seconds": 0}
    assert {**found().found[2].to_dict(), "seconds": 0} == whole


def test_without_a_name_each_analysis_stands_beside_its_own_estimand() -> None:
    rows = replace(found(), estimand=None).to_dict()["rows"]
    assert {row["estimand"] for row in rows} == {"treatment_policy"}
    assert [row["changes"] for row in rows] == [{}, {PATH: 0.3}, {PATH: 0.6}]


def test_an_estimand_that_no_study_has_is_refused() -> None:
    with pytest.raises(InputError, match="must be an estimand of cars1: treatment_policy"):
        ts.missingness(CARS1, STOPPED, "hypothetic", 4, 15, n_jobs=1)


def test_what_is_kept_gives_the_same_answer_and_is_extended(tmp_path: Path) -> None:
    changes = {PATH: [0.6]}
    apart = ts.missingness(SMALL, changes, None, 24, 15, n_jobs=1)
    kept = ts.missingness(SMALL, changes, None, 24, 15, n_jobs=1, out=tmp_path)
    assert kept.to_frame().equals(apart.to_frame())
    studies = sorted(one.name for one in (tmp_path / "studies").iterdir())
    assert studies == sorted(f"{one.digest}-15" for one in kept.found)
    written = json.loads((tmp_path / "missingness.json").read_text())
    assert written["rows"] == kept.to_dict()["rows"]
    table = pd.read_csv(tmp_path / "missingness.csv")
    told = pd.read_csv(tmp_path / "dictionary.csv", keep_default_na=False)
    assert told["column"].tolist() == table.columns.tolist()
    before = {part: part.stat().st_mtime_ns for part in tmp_path.rglob("*.parquet")}
    again = ts.missingness(SMALL, changes, "composite", 20, 15, n_jobs=1, out=tmp_path)
    assert {part: part.stat().st_mtime_ns for part in tmp_path.rglob("*.parquet")} == before
    assert len(again.found[1].columns["estimate"]) == 20
    with pytest.raises(InputError, match=r"variants"):
        ts.missingness(SMALL, {PATH: [0.5]}, None, 24, 15, n_jobs=1, out=tmp_path)


def test_shards_are_merged_to_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialsim.runs.runner.STUDY_BLOCK", 8)
    options = ["--set", f"{PATH}=0.6", "--base", "design.patients=20", "--replicates", "16"]
    asked = ["missingness", "stroke_nihss", *options, "--seed", "15", "--jobs", "1"]
    for shard in ("1/2", "2/2"):
        out = ["--out", str(tmp_path / shard[0]), "--shard", shard]
        assert run([*asked, *out]) == DONE
    folders = [str(tmp_path / "1"), str(tmp_path / "2")]
    assert run(["merge", str(tmp_path / "all"), *folders]) == DONE
    assert run([*asked, "--out", str(tmp_path / "all")]) == DONE
    assert run([*asked, "--out", str(tmp_path / "one")]) == DONE
    one, merged = ((tmp_path / name / "missingness.csv").read_bytes() for name in ("one", "all"))
    assert one == merged

"""What the board of one trial saw is what the replicates of a run kept of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import trialsim as ts
from trialsim.cli.app import run
from trialsim.reporting.pages.trial import trial_page

SMALL = {"design.patients": 80, "outcomes.arat.effect.value": 0.75}


def study() -> ts.Scenario:
    """Return a small sequential trial."""
    found = ts.load("cars_sequential").replace(SMALL)
    assert isinstance(found, ts.Scenario)
    return found


def test_the_looks_of_a_trial_are_those_of_its_replicate() -> None:
    kept = ts.power(study(), replicates=12, seed=3, n_jobs=1).columns
    decisions = set()
    for replicate in range(12):
        seen = ts.board(ts.simulate(study(), seed=3, replicate=replicate))
        assert len(seen.looks) == kept["stop"][replicate] + 1
        assert seen.patients == kept["randomised"][replicate]
        assert seen.rejects == (kept["rejected"][replicate] == 1)
        for end in ("estimate", "low", "high"):
            assert getattr(seen, end) == pytest.approx(kept[end][replicate])
        for look in seen.looks[:2]:
            if look.name != "final":
                assert look.z == pytest.approx(kept[f"look.{look.name}.z"][replicate])
                assert look.known == kept[f"look.{look.name}.known"][replicate]
        decisions.add(seen.looks[-1].decision.split(";")[0])
    assert "stopped for efficacy" in decisions


def test_a_size_set_again_is_told() -> None:
    sizes = {"at": "first", "by": "blinded", "power": 0.9, "at_least": 80, "at_most": 160}
    plan = {"looks": {"first": {"when": {"known": 0.3}}}, "efficacy": "none"}
    changed = study().replace(
        {"monitoring": {**plan, "planned_effect": 0.66, "re_estimation": sizes}}
    )
    seen = ts.board(ts.simulate(changed, seed=3))
    assert seen.looks[0].decision == f"continues, to {seen.patients} patients"
    assert np.isnan(seen.looks[-1].day)


def test_a_study_without_looks_has_no_board() -> None:
    with pytest.raises(ts.InputError, match="monitoring: must be there"):
        ts.board(ts.simulate(ts.load("cars1"), seed=1))


def test_simulate_and_replay_tell_the_looks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [part for path, value in SMALL.items() for part in ("--set", f"{path}={value}")]
    assert run(["simulate", "cars_sequential", "--seed", "3", *changes]) == 0
    told = capsys.readouterr().out
    assert "patients were randomised in the end" in told
    assert told.index("follows is of everybody, as if no look had stopped") < told.index("Screened")
    folder = tmp_path / "trial"
    asked = ["simulate", "cars_sequential", "--seed", "3", *changes]
    assert run([*asked, "--json", "--out", str(folder)]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["monitoring"]["looks"][0]["name"] == "first"
    assert next(iter(whole)) == "monitoring"
    own = whole["monitoring"]["result"]
    assert (whole["estimate"], whole["rejected"]) == (own["estimate"], own["rejects"])
    assert whole["ci"] == [own["low"], own["high"]]
    assert {"estimate", "p_value", "consort", "by_visit"} <= set(whole["ignoring_looks"])
    assert not {"p_value", "consort"} & set(whole)
    assert 0 < told.index("The trial's own result") < told.index("Screened")
    written = json.loads((folder / "analysis.json").read_text())
    assert written["monitoring"]["result"] == whole["monitoring"]["result"]
    out = str(tmp_path / "run")
    ran = ["power", "cars_sequential", *changes, "--replicates", "8", "--jobs", "1", "--out", out]
    assert run(ran) == 0
    capsys.readouterr()
    assert run(["replay", out, "--replicate", "2"]) == 0
    replayed = capsys.readouterr().out
    assert "patients were randomised in the end" in replayed
    assert "as if no look had stopped" not in replayed  # its numbers are of the trial as it ended
    assert "follows is of the trial as it ended" in replayed


def test_a_look_with_the_information_of_the_end_is_the_last() -> None:
    plan = {
        "looks": {"first": {"when": {"known": 0.5}}},
        "information": "variance",
        "planned_standard_error": 0.2,
        "efficacy": "obrien_fleming",
    }
    study = ts.load("cars1").replace(
        {"design.patients": 60, "outcomes.arat.effect.value": 0.5, "monitoring": plan}
    )
    seen = ts.board(ts.simulate(study, seed=5))
    (first,) = seen.looks
    assert first.share > 1
    assert first.decision == (
        "last analysis, with the planned information: does not reject the null hypothesis"
    )


def test_the_page_of_a_trial_begins_with_its_own_result_and_its_looks() -> None:
    """Seed 2016, replicate 7: the whole trial has p < 0.05, but z 2.006 is below the bound."""
    study = ts.load("cars_sequential").replace({"outcomes.arat.effect.value": 0.56})
    assert isinstance(study, ts.Scenario)
    trial = ts.simulate(study, 2016, 7)
    seen, whole = ts.board(trial), ts.analyse(trial)
    assert whole.primary.rejected
    assert not seen.rejects
    page = trial_page(trial, "trialsim simulate")
    headline, rest = page.split("</ul>", 1)
    assert "not rejected" in headline
    assert "rejects at" not in headline
    assert f"{seen.estimate:.3f}" in headline
    assert f"{whole.estimate:.3f}" not in headline
    looks = rest[rest.index('<h2 id="looks">') : rest.index('<h2 id="participants">')]
    assert all(f"{look.z:.3f}" in looks and look.decision in looks for look in seen.looks)
    assert "as if no look had stopped the trial" in looks

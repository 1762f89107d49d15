"""The tipping point: on the same imputations, by delta alone, where there is a conclusion."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import trialsim as ts
from tests.runs.test_directory import bytes_of
from trialsim.cli.app import run
from trialsim.replicates.deltas import Deltas, tipping_between
from trialsim.reporting.text.robustness import tipping_point_text
from trialsim.scenario.files.yaml_file import load

DELTAS = (0.0, -10.0, -20.0, -40.0)
LEAVING = {"probability": 0.35, "days": {"distribution": "constant", "value": 30}}
PLAN: dict[str, Any] = {
    "design.patients": 120,
    "operations.withdrawal": LEAVING,
    "outcomes.arat.effect.value": 0.66,
    "analysis.missing": "multiple_imputation",
    "analysis.imputations": 4,
    "analysis.secondary": {},
}


@pytest.fixture(scope="module")
def study() -> ts.Scenario:
    return load("cars1").replace(PLAN)


@pytest.fixture(scope="module")
def found(study: ts.Scenario) -> ts.TippingPoint:
    return ts.tipping_point(study, DELTAS, 96, n_jobs=1)


@pytest.mark.parametrize("place", range(len(DELTAS)))
def test_each_delta_is_the_power_of_a_study_with_it(
    study: ts.Scenario, found: ts.TippingPoint, place: int
) -> None:
    """Law, to the bit: the same imputations as the plan itself draws."""
    alone = study.replace({"analysis.imputation": {"delta": DELTAS[place]}})
    power = ts.power(alone, replicates=96, n_jobs=1)
    for name in ("estimate", "low", "p_value", "favoured"):
        assert_array_equal(found.columns[name][place], power.columns[name])


def test_the_tipping_point_is_where_the_conclusion_is_lost_between_the_deltas_given(
    found: ts.TippingPoint,
) -> None:
    favoured = found.columns["favoured"]
    kinds = set()
    for replicate, (tipping, before) in enumerate(zip(found.tipping, found.before, strict=True)):
        course = favoured[:, replicate].tolist()
        if course[0] != 1:
            assert np.isnan([tipping, before]).all()
        elif 0 in course:
            first = course.index(0)
            assert DELTAS[first - 1] >= before == tipping + 1 > tipping >= DELTAS[first]
        else:
            assert tipping == -np.inf
            assert np.isnan(before)
        kinds.add("nan" if np.isnan(tipping) else tipping)
    assert {"nan", -np.inf} < kinds
    assert len(kinds) > 8  # there is something of everything in these trials


@pytest.mark.parametrize("scale", ["points", "latent"])
def test_each_trial_rejects_just_before_its_tipping_point_and_not_at_it(
    study: ts.Scenario, scale: str
) -> None:
    """Law, to the bit: a plan with either delta of a trial finds the same in that trial."""
    study = study.replace({"analysis.imputation": {"delta_scale": scale}})
    found = ts.tipping_point(study, DELTAS, 24, n_jobs=1)
    assert found.tolerance == (1 if scale == "points" else 0.1)
    tips = np.flatnonzero(np.isfinite(found.tipping))
    assert len(tips) > 2
    for replicate in tips[:2]:
        for delta, rejects in ((found.before, 1), (found.tipping, 0)):
            assumed = {"delta_scale": scale, "delta": float(delta[replicate])}
            alone = study.replace({"analysis.imputation": assumed})
            power = ts.power(alone, replicates=int(replicate) + 1, n_jobs=1)
            assert power.columns["favoured"][replicate] == rejects


@pytest.mark.parametrize(
    ("imputation", "whose"),
    [
        ({}, "on cerebrolysin, after a patient's last score"),
        (
            {"delta_arms": "both", "delta": -1, "after": "withdrawal"},
            "in both arms, after the trial was left",
        ),
    ],
)
def test_it_says_whose_scores_are_shifted_and_after_what(
    study: ts.Scenario, imputation: dict[str, Any], whose: str
) -> None:
    found = ts.tipping_point(study.replace({"analysis.imputation": imputation}), (0, -9), 1)
    assert found.to_dict()["whose"] == whose
    assert f"Scores imputed {whose}, are made better by" in " ".join(str(found).split())


def test_the_search_ends_on_a_change_also_where_the_conclusion_comes_and_goes() -> None:
    """The first change along the deltas given is sought, whatever comes after it."""
    lost = [[-6, -4], [-13, -11], [-31, -30]]

    def favoured_at(delta: Any) -> Any:
        return ~np.any([(low <= delta) & (delta <= high) for low, high in lost], axis=0)

    for tolerance, tried in ((0.25, (0.0, -5.0, -12.0)), (1.0, (0.0, -8.0, -12.0, -40.0))):
        at = np.array([favoured_at(np.full(1, one)) for one in tried])
        before, after = tipping_between(Deltas(tried, tolerance), at, favoured_at)
        assert before == after + tolerance
        assert favoured_at(before)
        assert not favoured_at(after)
        assert after == (-4 if tried[1] == -5 else -11)


def test_the_distribution_over_trials_is_that_of_the_tipping_points(
    found: ts.TippingPoint,
) -> None:
    tipping = found.tipping[~np.isnan(found.tipping)]
    assert found.never.estimate == np.mean(np.isinf(tipping))
    for share, ends in found.quartiles.items():
        assert ends.estimate == -np.quantile(-tipping, share)
        assert ends.low >= ends.estimate >= ends.high
    told = found.to_dict()
    assert [one["share"] for one in told["quartiles"]] == [0.25, 0.5, 0.75]
    assert told["never"]["estimate"] == found.never.estimate
    assert told["tolerance"] == 1


def test_a_conclusion_that_is_regained_is_counted(found: ts.TippingPoint) -> None:
    assert found.regained == 0
    favoured = found.columns["favoured"].copy()
    (replicate, *_) = np.flatnonzero(found.tipping > -20)
    favoured[-1, replicate] = 1
    columns = {**found.columns, "favoured": favoured}
    changed = dataclasses.replace(found, columns=columns)
    assert changed.regained == 1
    assert "One trial rejects again" in tipping_point_text("", changed)


def test_the_text_gives_one_trial_its_tipping_point_and_many_their_quartiles(
    study: ts.Scenario, found: ts.TippingPoint
) -> None:
    (replicate, *_) = np.flatnonzero(np.isfinite(found.tipping))
    columns = {name: one[..., [replicate]] for name, one in found.columns.items()}
    alone = dataclasses.replace(found, replicates=1, columns=columns)
    tipping = alone.tipping.item()
    told = tipping_point_text(study.title, alone)
    assert f"Tipping point: {tipping:g}; at {tipping + 1:g} the trial still rejects." in told
    many = " ".join(tipping_point_text(study.title, found).split())
    assert found.search in many
    assert found.to_dict()["search"] == found.search
    quarter = found.quartiles[0.25]
    assert f"25% {quarter.estimate:.4g} {quarter.low:g} to {quarter.high:g}" in many


def test_a_delta_of_less_than_half_a_step_of_the_scale_changes_nothing(study: ts.Scenario) -> None:
    small = ts.tipping_point(study, (0.0, -0.4, -1.0), 8, n_jobs=1).columns["estimate"]
    assert_array_equal(small[0], small[1])
    assert (small[1] != small[2]).any()


def test_what_has_tipped_adds_up_with_the_power(found: ts.TippingPoint) -> None:
    shares = [float(one.estimate) for one in found.tipped]
    assert shares[0] == 0
    assert shares == sorted(shares)
    powers = [float(one.estimate) for one in found.power]
    lost = [1 - one / powers[0] for one in powers]
    assert np.all(np.array(shares) >= np.array(lost) - 1e-12)


def test_neither_batch_nor_workers_change_a_bit(study: ts.Scenario, found: ts.TippingPoint) -> None:
    again = ts.tipping_point(study, DELTAS, 96, n_jobs=2, batch=7)
    for name, column in found.columns.items():
        assert_array_equal(column, again.columns[name])


def test_one_trial_is_shown_by_its_own_estimates(study: ts.Scenario) -> None:
    alone = ts.tipping_point(study, DELTAS, 1, n_jobs=1)
    frame = alone.to_frame()
    assert list(frame) == ["delta", "estimate", "low", "high", "p_value", "favoured"]
    assert frame["estimate"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("changes", "deltas", "told"),
    [
        ({"analysis.missing": "locf"}, DELTAS, "analysis.missing: must be multiple_imputation"),
        ({}, (0.0,), "deltas: must be two or more, rising or falling"),
        ({}, (0.0, -5.0, -5.0), "deltas: must be two or more, rising or falling"),
        ({}, (0.0, float("nan")), "deltas: must be numbers"),
        ({}, (0.0, -1e300), "deltas: must lie within -570 and 570, 10 times the scale"),
        ({"outcomes.arat.step": 3}, (0.0, -5.0), "tolerance: must be 3 points or more"),
    ],
)
def test_what_has_no_tipping_point_is_refused(
    study: ts.Scenario, changes: dict[str, Any], deltas: tuple[float, ...], told: str
) -> None:
    with pytest.raises(ts.InputError, match=told):
        ts.tipping_point(study.replace(changes), deltas, 4, n_jobs=1, tolerance=1)


def test_the_command_prints_many_trials_and_one(capsys: pytest.CaptureFixture[str]) -> None:
    changes = {**PLAN, "operations.withdrawal": None, "analysis.secondary": None}
    given = [
        part
        for path, value in changes.items()
        if value is not None
        for part in ("--set", f"{path}={value}")
    ]
    asked = ["tipping-point", "cars1", *given, "--jobs", "1", "--deltas", "0,-50"]
    assert run([*asked, "--replicates", "8", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["delta"] for row in rows] == [0, -50]
    assert run([*asked, "--replicates", "8"]) == 0
    assert "reject in favour of the treated at a delta of 0" in capsys.readouterr().out
    assert run([*asked, "--replicates", "1"]) == 0
    assert "95%" in capsys.readouterr().out
    assert run(["tipping-point", "cars1", "--deltas", "a,b"]) == 2
    assert "--deltas: must be numbers separated by commas" in capsys.readouterr().err


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run have 16 replicates in a part, as the law is of parts and not of their size."""
    monkeypatch.setattr("trialsim.runs.runner.BLOCK", 16)


@pytest.mark.usefixtures("small_blocks")
def test_a_directory_continues_where_it_was_stopped_and_gives_the_same_answer(
    study: ts.Scenario, tmp_path: Path
) -> None:
    """Law, to the bit: a run of which a block was lost is mended, its parts the same bytes."""
    small = study.replace({"design.patients": 12, "analysis.imputations": 2})
    short: dict[str, Any] = {
        "deltas": (0.0, -20.0),
        "replicates": 24,
        "tolerance": 10,
        "n_jobs": 1,
    }
    apart = ts.tipping_point(small, **short)
    kept = ts.tipping_point(small, **short, out=tmp_path)
    undisturbed = bytes_of(tmp_path)
    lost, _ = sorted((tmp_path / "parts").iterdir())
    lost.unlink()
    (tmp_path / "summary.json").unlink()
    again = ts.tipping_point(small, **{**short, "n_jobs": 2}, out=tmp_path)
    assert bytes_of(tmp_path) == undisturbed
    for name, column in apart.columns.items():
        assert_array_equal(column, kept.columns[name])
        assert_array_equal(column, again.columns[name])


@pytest.mark.usefixtures("small_blocks")
def test_a_directory_of_another_command_or_of_other_deltas_is_refused(
    study: ts.Scenario, tmp_path: Path
) -> None:
    small = study.replace({"design.patients": 12, "analysis.imputations": 2})
    ts.tipping_point(small, DELTAS, 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match="deltas"):
        ts.tipping_point(small, (0.0, -9.0), 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match="tolerance"):
        ts.tipping_point(small, DELTAS, 2, n_jobs=1, out=tmp_path, tolerance=2)
    with pytest.raises(ts.InputError, match=r"deltas: must be .*, as in"):
        ts.power(small, 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match="estimands"):
        ts.estimands(small, 2, n_jobs=1, out=tmp_path)

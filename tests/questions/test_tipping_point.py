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
from trialsim.questions.tipping_point import GRID
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


def test_the_tipping_point_is_the_first_delta_that_loses_the_conclusion(
    found: ts.TippingPoint,
) -> None:
    favoured = found.columns["favoured"]
    kinds = set()
    for replicate, tipping in enumerate(found.tipping):
        course = favoured[:, replicate].tolist()
        if course[0] != 1:
            assert np.isnan(tipping)
        elif 0 in course:
            assert tipping == DELTAS[course.index(0)]
        else:
            assert tipping == -np.inf
        kinds.add("nan" if np.isnan(tipping) else tipping)
    assert {"nan", -np.inf} < kinds
    assert len(kinds) > 3  # there is something of everything in these trials


def test_the_delta_tried_before_the_tipping_point_still_has_the_conclusion(
    found: ts.TippingPoint,
) -> None:
    favoured = found.columns["favoured"]
    for replicate, (before, tipping) in enumerate(zip(found.before, found.tipping, strict=True)):
        if not np.isfinite(tipping):
            assert np.isnan(before)
            continue
        place = DELTAS.index(before)
        assert DELTAS[place + 1] == tipping
        assert favoured[place, replicate] == 1 > favoured[place + 1, replicate]
    told = found.to_dict()["before"]
    assert {one for one in told if one is not None} == {0.0, -10.0, -20.0}


def test_the_text_says_that_a_tipping_point_is_between_deltas_that_were_tried(
    study: ts.Scenario, found: ts.TippingPoint
) -> None:
    (replicate, *_) = np.flatnonzero(found.tipping == -20.0)
    columns = {name: one[:, [replicate]] for name, one in found.columns.items()}
    alone = dataclasses.replace(found, replicates=1, columns=columns)
    told = tipping_point_text(study.title, alone)
    assert "Tipping point: between -10 and -20, the deltas tried." in told
    many = " ".join(tipping_point_text(study.title, found).split())
    assert GRID in many
    assert found.to_dict()["grid"] == GRID


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
    ],
)
def test_what_has_no_tipping_point_is_refused(
    study: ts.Scenario, changes: dict[str, Any], deltas: tuple[float, ...], told: str
) -> None:
    with pytest.raises(ts.InputError, match=told):
        ts.tipping_point(study.replace(changes), deltas, 4, n_jobs=1)


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


def test_a_directory_continues_where_it_was_stopped_and_gives_the_same_answer(
    study: ts.Scenario, tmp_path: Path
) -> None:
    """Law, to the bit: a run of which a block was lost is mended, its parts the same bytes."""
    small = study.replace({"design.patients": 12, "analysis.imputations": 2})
    apart = ts.tipping_point(small, DELTAS, 1040, n_jobs=1)
    kept = ts.tipping_point(small, DELTAS, 1040, n_jobs=1, out=tmp_path)
    undisturbed = bytes_of(tmp_path)
    lost, _ = sorted((tmp_path / "parts").iterdir())
    lost.unlink()
    (tmp_path / "summary.json").unlink()
    again = ts.tipping_point(small, DELTAS, 1040, n_jobs=2, out=tmp_path)
    assert bytes_of(tmp_path) == undisturbed
    for name, column in apart.columns.items():
        assert_array_equal(column, kept.columns[name])
        assert_array_equal(column, again.columns[name])


def test_a_directory_of_another_command_or_of_other_deltas_is_refused(
    study: ts.Scenario, tmp_path: Path
) -> None:
    small = study.replace({"design.patients": 12, "analysis.imputations": 2})
    ts.tipping_point(small, DELTAS, 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match="deltas"):
        ts.tipping_point(small, (0.0, -9.0), 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match=r"deltas: must be .*, as in"):
        ts.power(small, 2, n_jobs=1, out=tmp_path)
    with pytest.raises(ts.InputError, match="estimands"):
        ts.estimands(small, 2, n_jobs=1, out=tmp_path)

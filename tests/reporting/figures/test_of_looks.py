"""What figures of looks draw, against the results that it comes from."""

import numpy as np
import pytest

import trialsim as ts
from trialsim.reporting.figures.catalogue import data
from trialsim.reporting.figures.of_looks.boundaries import boundaries_data
from trialsim.reporting.figures.of_looks.expected_size import (
    expected_size_data,
    expected_size_figure,
)
from trialsim.reporting.figures.of_looks.patients import patients_data
from trialsim.reporting.figures.of_looks.stopping import stopping_data


def test_every_trial_ends_in_one_way_at_one_look(looked_at: ts.PowerResult) -> None:
    ends = stopping_data(looked_at)
    assert ends["trials"].sum() == looked_at.replicates
    favoured = ends.loc[ends["end"] == "efficacy", "probability"].sum()
    assert favoured == pytest.approx(looked_at.power)
    assert looked_at.looks is not None
    first = ends[(ends["look"] == "first") & (ends["end"] == "futility")]
    assert first["probability"].item() == looked_at.looks.probability("first", "futility").estimate


def test_patients_of_each_state_add_up_to_those_planned(looked_at: ts.PowerResult) -> None:
    found = patients_data(looked_at).set_index("look")
    states = found[["known", "waiting", "before_decision", "to_come"]]
    assert states.sum(axis=1).tolist() == pytest.approx([240.0, 240.0])
    assert found["known"].round().tolist() == [120.0, 180.0]
    assert (states > 0).to_numpy().all()
    assert (found["day_mcse"] > 0).all()
    first, second = found["trials"]
    assert second < first == looked_at.replicates


def test_bounds_are_drawn_on_z_and_on_the_effect() -> None:
    bounds = ts.bounds("cars_sequential")
    drawn = boundaries_data(bounds)
    assert drawn["efficacy_z"].tolist() == [one.efficacy.z for one in bounds.looks]
    assert drawn["harm_z"].tolist() == [-one.efficacy.z for one in bounds.looks]
    away = drawn["efficacy_effect"] - 0.5
    assert (0.5 - drawn["harm_effect"]).tolist() == pytest.approx(away.tolist())
    assert drawn["futility_z"].notna().tolist() == [True, False, False]


def test_a_one_sided_plan_without_futility_has_one_bound() -> None:
    study = ts.load("cars_sequential").replace(
        {"analysis.alternative": "greater", "analysis.alpha": 0.025, "monitoring.futility": None}
    )
    columns = set(boundaries_data(ts.bounds(study)).columns)
    assert {name for name in columns if name.endswith("_z")} == {"efficacy_z"}


def test_without_planned_information_bounds_are_drawn_on_z_alone() -> None:
    study = ts.load("cars1").replace(
        {
            "analysis.test": {"method": "t_test"},
            "analysis.death": "as_missing",
            "monitoring": {
                "looks": {"first": {"when": {"known": 0.5}}},
                "efficacy": "pocock",
            },
        }
    )
    drawing = ts.bounds(study).plot()
    assert [axes.get_ylabel() for axes in drawing.axes] == ["z"]


def test_the_curve_of_expected_sizes_holds_the_simulated_trial(looked_at: ts.PowerResult) -> None:
    bounds = ts.bounds("cars_sequential", [0.68, 0.5, 0.62])
    curve = expected_size_data(bounds)
    assert curve["effect"].tolist() == [0.5, 0.62, 0.68]
    assert (curve["textbook_patients"] < curve["patients"]).all()
    assert np.all(curve["patients"] <= 240)
    told = expected_size_figure(bounds, looked_at).caption
    assert f"Simulated: {looked_at.replicates:,} trials, seed 2016." in told
    assert data(bounds, "expected-size").equals(curve)

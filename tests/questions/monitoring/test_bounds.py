"""The bounds of a study, and what they do, without a trial."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import trialsim as ts
from trialsim.cli.app import app
from trialsim.errors import InputError

LOOK = {"when": {"known": 0.7}, "decided_after_days": 28.0}
PLAN = {"looks": {"first": LOOK}, "efficacy": "obrien_fleming", "planned_effect": 0.62}
STUDY = ts.load("cars1").replace({"monitoring": PLAN, "design.patients": 240})


def test_the_textbook_size_forgets_who_waits() -> None:
    """With most patients in before the decision, stopping saves nobody."""
    none, planned = ts.bounds(STUDY, effects=[0.5, 0.62]).effects
    assert none.power == pytest.approx(0.025, abs=1e-6)
    assert 190 < planned.textbook_patients < 205
    assert planned.patients > 235


def test_a_bound_is_the_same_on_every_scale() -> None:
    first, final = ts.bounds(STUDY).looks
    assert first.efficacy.p == pytest.approx(0.00738, abs=1e-5)
    error = 1 / np.sqrt(0.7 * 12 * 120 * 120 / 241)
    assert first.efficacy.effect == pytest.approx(0.5 + first.efficacy.z * error)
    assert np.isnan(final.efficacy.conditional_power)
    assert final.alpha_spent == pytest.approx(0.025)


def test_probabilities_add_to_the_power() -> None:
    for one in ts.bounds(STUDY).effects:
        assert sum(one.efficacy.values()) == pytest.approx(one.power)
        assert set(one.below) == {"first", "final"}


def test_a_study_without_looks_has_no_bounds() -> None:
    with pytest.raises(InputError, match="monitoring: must be there"):
        ts.bounds(ts.load("cars1"))


def test_effects_need_a_planned_information() -> None:
    changes = {"monitoring.planned_effect": None, "analysis.test": "ancova"}
    study = STUDY.replace({**changes, "analysis.death": "as_missing"})
    assert len(ts.bounds(study).effects) == 1
    with pytest.raises(InputError, match="planned_standard_error"):
        ts.bounds(study, effects=[3.0])


def test_the_command_prints_what_the_function_returns() -> None:
    arguments = ["--set", "monitoring={looks: {first: {when: {known: 0.7}}}, efficacy: pocock}"]
    found = CliRunner().invoke(app, ["bounds", "cars1", *arguments, "--json"])
    told = json.loads(found.stdout)
    assert {"looks", "effects", "conventions", "sides"} <= told.keys()
    text = CliRunner().invoke(app, ["bounds", "cars1", *arguments]).stdout
    assert "no trial was run" in text
    assert "Pocock" in text

"""The bounds of a study, and what they do, without a trial."""

import json
import math
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import trialsim as ts
from trialsim.cli.app import app
from trialsim.errors import InputError
from trialsim.reporting.tables.captions import caption_of_bounds
from trialsim.reporting.text.bounds import bounds_text
from trialsim.stats.sequential.re_estimation import patients_for_conditional_power, promising_zone

_SIDES = ("efficacy", "futility")
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
        assert set(one.futility) == set(one.harm) == {"first", "final"}
        assert sum(one.futility.values()) == 0


def test_futility_and_harm_are_told_apart() -> None:
    """A look stops below z = .78 and, for harm, below -2.96: of 400,000 walks, 4 errors."""
    result = ts.bounds("cars_sequential", effects=[0.5, 0.44])
    above, below = ([getattr(one, side).z for one in result.looks] for side in _SIDES)
    t = np.array([0.5, 0.75, 1.0])
    steps = np.random.default_rng(1).standard_normal((400_000, 3)) * np.sqrt(np.diff(t, prepend=0))
    for one in result.effects:
        drift = (one.effect - 0.5) * np.sqrt(12 * 120 * 120 / 241)
        z = (steps.cumsum(axis=1) + drift * t) / np.sqrt(t)
        going = np.ones(len(z), bool)
        for place, name in enumerate(("first", "second", "final")):
            harmed = going & (z[:, place] <= -above[place])
            futile = going & (z[:, place] < below[place]) & ~harmed
            for seen, told in ((harmed, one.harm[name]), (futile, one.futility[name])):
                assert abs(seen.mean() - told) <= 4 * np.sqrt(told * (1 - told) / len(z))
            going &= ~harmed & ~futile & (z[:, place] < above[place])
    text = bounds_text("title", result)
    row = next(one for one in text.splitlines() if one.split()[:1] == ["harm"] and "." in one)
    assert "-" not in row


def test_a_study_without_looks_has_no_bounds() -> None:
    with pytest.raises(InputError, match="monitoring: must be there"):
        ts.bounds(ts.load("cars1"))


def test_effects_need_a_planned_information() -> None:
    changes = {"monitoring.planned_effect": None, "analysis.test": "ancova"}
    study = STUDY.replace({**changes, "analysis.death": "as_missing"})
    assert len(ts.bounds(study).effects) == 1
    assert "nan" not in bounds_text("title", ts.bounds(study))
    with pytest.raises(InputError, match="planned_standard_error"):
        ts.bounds(study, effects=[3.0])


@pytest.mark.parametrize(
    ("effect", "wrong", "said"),
    [
        ("mann_whitney", 1.4, "Mann-Whitney effect: between 0 and 1"),
        ("mann_whitney", float("nan"), "Mann-Whitney effect: between 0 and 1"),
        ("win_odds", -1.0, "win odds: above 0"),
        ("net_benefit", 1.0, "net benefit: between -1 and 1"),
    ],
)
def test_an_effect_that_cannot_be_is_refused(effect: str, wrong: float, said: str) -> None:
    study = STUDY.replace({"analysis.effect": effect, "monitoring.planned_effect": None})
    with pytest.raises(InputError, match=rf"^effect: must be possible as a {said} \(got {wrong:g}"):
        ts.bounds(study, effects=[0.6, wrong])
    means: dict[str, Any] = {"monitoring.planned_effect": None, "analysis.test": "ancova"}
    means |= {"analysis.death": "as_missing", "monitoring.planned_standard_error": 2.0}
    with pytest.raises(InputError, match=r": a number \(got inf"):
        ts.bounds(STUDY.replace(means), effects=[float("inf")])


def test_the_command_prints_what_the_function_returns() -> None:
    arguments = ["--set", "monitoring={looks: {first: {when: {known: 0.7}}}, efficacy: pocock}"]
    found = CliRunner().invoke(app, ["bounds", "cars1", *arguments, "--json"])
    told = json.loads(found.stdout)
    assert {"looks", "effects", "conventions", "sides"} <= told.keys()
    text = CliRunner().invoke(app, ["bounds", "cars1", *arguments]).stdout
    assert "no trial was run" in text
    assert "Pocock" in text


def with_sizes(by: str, test: str) -> ts.Scenario:
    """Return the study with one look that sets its size again."""
    rule = {"at": "first", "by": by, "power": 0.9, "at_least": 240, "at_most": 400}
    changes = {
        "monitoring.efficacy": "none",
        "monitoring.re_estimation": rule,
        "monitoring.final.test": test,
    }
    found = STUDY.replace(changes)
    assert isinstance(found, ts.Scenario)
    return found


def test_combined_stages_say_their_weights_and_what_they_must_reach() -> None:
    weighted = ts.bounds(with_sizes("promising_zone", "cui_hung_wang")).final
    assert weighted.weights == pytest.approx((np.sqrt(0.7), np.sqrt(0.3)))
    assert weighted.z == pytest.approx(1.959964, abs=1e-5)
    result = ts.bounds(with_sizes("promising_zone", "fisher"))
    assert result.final.product == pytest.approx(0.00380, abs=1e-5)  # Bauer and Koehne 1994
    assert np.isnan(result.looks[-1].efficacy.effect)
    assert ts.bounds(STUDY).final.weights is None
    for said in (bounds_text("title", result), caption_of_bounds(result)):
        assert "must be at most 0.00380" in said
    assert "the product is at most 0.00380" in result.conventions["final_test"]


def test_sizes_by_the_trend_are_those_that_trials_are_given() -> None:
    """Against the rule applied to z at the planned look, and the zone by Mehta and Pocock."""
    result = ts.bounds(with_sizes("promising_zone", "inverse_normal"))
    rule = result.re_estimation
    assert rule is not None
    assert rule.least_power is not None
    critical = result.looks[-1].efficacy.z
    zone = promising_zone(0.7, 400 / 240, 0.9, critical)
    assert rule.least_power == pytest.approx(zone.least_power.item())
    assert {one.conditional_power for one in rule.by_trend} > {rule.least_power, 0.9}
    for one in rule.by_trend:
        inside = rule.least_power <= one.conditional_power < 0.9
        wanted = patients_for_conditional_power(one.z, 168, 240, 0.9, critical).item()
        assert one.patients == (min(math.ceil(wanted), 400) if inside else 240)
    told = result.to_dict()["re_estimation"]
    assert told["by_trend"][0]["patients"] == 240
    text = bounds_text("title", result)
    assert "re-estimated at first, unblinded, between 240 and 400 (planned 240)" in text
    assert "all here is of the plan without that" in caption_of_bounds(result)
    blinded = ts.bounds(with_sizes("blinded", "conventional")).re_estimation
    assert blinded is not None
    assert blinded.by_trend == ()


def test_a_two_sided_test_prints_its_bounds_for_harm() -> None:
    lines = bounds_text("title", ts.bounds(STUDY)).splitlines()
    harm = next(at for at, line in enumerate(lines) if line.startswith("harm "))
    first = ts.bounds(STUDY).looks[0]
    assert lines[harm + 1].split()[:2] == ["first", f"{-first.efficacy.z:.4f}"]
    one_sided = STUDY.replace({"analysis.alternative": "greater", "analysis.alpha": 0.025})
    assert "\nharm " not in bounds_text("title", ts.bounds(one_sided))

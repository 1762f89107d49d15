"""The bounds of a plan are those of its rule, on every scale, at whatever information was held."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.programme import single_trial
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.stats.sequential.boundaries import spending_bounds
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
)
from trialsim.stats.sequential.crossing import crossing_probabilities
from trialsim.stats.sequential.spending import OBrienFlemingSpending

CARS1 = ts.load("cars1")

LOOKS = {"first": {"when": {"known": 0.5}}, "second": {"when": {"known": 0.75}}}


def plan_of(alternative: str = "greater", alpha: float = 0.025, **said: Any) -> BoundaryPlan:
    """Return the plan of the bounds of cars1 with two looks."""
    content = {"looks": LOOKS, "efficacy": "obrien_fleming", "planned_effect": 0.62, **said}
    changes = {"analysis.alternative": alternative, "analysis.alpha": alpha}
    return boundary_of(single_trial(CARS1.replace({"monitoring": content, **changes})))


EFFICACY: list[Any] = [
    "obrien_fleming",
    "pocock",
    {"rule": "hwang_shih_decani", "gamma": -4.0},
    {"rule": "kim_demets", "rho": 3.0},
    {"rule": "spending_table", "fractions": [0.5, 0.75], "shares": [0.2, 0.4]},
    "classical_obrien_fleming",
    "classical_pocock",
    {"rule": "wang_tsiatis", "delta": 0.25},
    "haybittle_peto",
    {"rule": "given_bounds", "z": [3.0, 2.5]},
    "none",
]


def test_bounds_of_many_trials_are_those_of_each_in_whatever_order() -> None:
    """Trials with the same shares are solved once; looks that were not held differ among them."""
    drawn = np.random.default_rng(5)
    fractions = np.stack([drawn.choice([at, at + 0.05, np.nan], 24) for at in (0.5, 0.75, 1)], 1)
    fractions[np.isnan(fractions).all(axis=1), -1] = 1.0
    plan = plan_of(alpha=0.0249)  # of which nothing was solved before
    found = plan.held(fractions.reshape(2, 12, 3), np.nan * fractions.reshape(2, 12, 3))
    for row, bounds in zip(fractions, found.efficacy.reshape(-1, 3), strict=True):
        alone = spending_bounds(row, OBrienFlemingSpending(), 0.0249)
        np.testing.assert_array_equal(bounds, alone)


@pytest.mark.parametrize("rule", EFFICACY, ids=str)
@pytest.mark.parametrize("held", [[0.5, 0.75, 1.0], [0.55, 0.7, 1.04], [0.4, np.nan, 0.97]])
def test_every_rule_keeps_the_level_at_the_information_that_was_held(
    rule: Any, held: list[float]
) -> None:
    plan = plan_of(efficacy=rule)
    fractions = np.array(held)
    bounds = plan.held(fractions, fractions * plan.information).efficacy
    spent = np.nansum(crossing_probabilities(fractions, bounds).efficacy)
    assert spent == pytest.approx(0.025, abs=1e-6)


def test_a_two_sided_plan_gives_half_of_alpha_to_each_side() -> None:
    two, one = plan_of("two-sided", 0.05), plan_of()
    assert two.planned.efficacy == pytest.approx(one.planned.efficacy, abs=1e-6)
    assert (two.sides, two.alpha_of_a_side) == (2, 0.025)


def test_a_given_last_bound_is_taken_as_it_is() -> None:
    plan = plan_of(efficacy={"rule": "given_bounds", "z": [3.0, 2.5, 2.0]})
    assert plan.planned.efficacy.tolist() == [3.0, 2.5, 2.0]


def test_futility_scales_are_one_rule_said_differently() -> None:
    """At the first look, conditional power .1 under the trend is a z, a p, an effect."""
    by_power = plan_of(futility={"scale": "conditional_power", "below": 0.1})
    z = float(by_power.planned.futility[0])
    effect = 0.5 + z / np.sqrt(0.5 * by_power.information)
    for said in ({"scale": "z", "below": z}, {"scale": "effect", "below": float(effect)}):
        other = plan_of(futility=said)
        assert other.planned.futility[0] == pytest.approx(z, abs=1e-9)
    assert by_power.planned.futility[-1] == -np.inf


def test_futility_is_tried_at_the_named_looks_alone() -> None:
    plan = plan_of(futility={"scale": "p", "above": 0.5, "at": ["second"]})
    assert plan.planned.futility.tolist() == [-np.inf, pytest.approx(0.0), -np.inf]


def test_binding_futility_leaves_more_room_for_efficacy() -> None:
    rule = {"scale": "z", "below": 0.5}
    free = plan_of(futility=rule).planned
    bound = plan_of(futility={**rule, "binding": True}).planned
    assert bound.efficacy[-1] < free.efficacy[-1]
    spent = crossing_probabilities([0.5, 0.75, 1.0], *bound).efficacy.sum()
    assert spent == pytest.approx(0.025, abs=1e-6)


def test_beta_spending_ends_at_the_efficacy_bound() -> None:
    plan = plan_of(futility={"scale": "beta_spending", "power": 0.9})
    assert -np.inf < plan.planned.futility[0] < plan.planned.futility[1]
    assert plan.planned.futility[-1] == -np.inf


def test_the_information_of_a_rank_test_is_that_without_ties() -> None:
    assert plan_of().information == pytest.approx(12 * 104 * 104 / 209)
    assert plan_of(planned_standard_error=0.05).information == pytest.approx(400)


@pytest.mark.parametrize("scale", ["conditional_power", "predictive_power"])
def test_binding_futility_is_about_the_last_bound_that_it_lowers(scale: str) -> None:
    plan = plan_of(futility={"scale": scale, "below": 0.1, "binding": True})
    last, z = plan.planned.efficacy[-1], plan.planned.futility[:2]
    shares = plan.fractions[:2]
    chance = {
        "conditional_power": conditional_power(z, shares, last, trend_drift(z, shares)),
        "predictive_power": predictive_power(z, shares, last),
    }[scale]
    assert last < plan_of().planned.efficacy[-1] - 0.01
    assert chance == pytest.approx([0.1, 0.1], abs=1e-7)


@pytest.mark.parametrize(
    ("rule", "power", "inflation"),
    [
        ("none", 0.9, 1.0),
        ("classical_pocock", 0.9, 1.100),
        ("classical_pocock", 0.8, 1.110),
        ("classical_obrien_fleming", 0.9, 1.007),
        ("classical_obrien_fleming", 0.8, 1.008),
    ],
)
def test_looks_require_more_patients_for_a_power(rule: str, power: float, inflation: float) -> None:
    """Two analyses at 0.05, two-sided: Jennison and Turnbull (2000), tables 2.2 and 2.4."""
    half = {"first": {"when": {"known": 0.5}}}
    plan = plan_of("two-sided", 0.05, efficacy=rule, looks=half)
    assert plan.inflation(power) == pytest.approx(inflation, abs=0.0006)

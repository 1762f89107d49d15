"""One effect has four names; each anchor finds it, and one out of reach is refused."""

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.courses import Exponential
from trialsim.scenario.outcomes.effects import (
    EffectSizes,
    control_cells,
    effect_sizes,
    latent_shift,
    treated_cells,
)
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.stats.planning.scale_effects import scale_effects

CARS1 = load("cars1")
COURSE = cast(Exponential, CARS1.outcomes["arat"].course)
EFFECT = "outcomes.arat.effect"


def anchored(anchor: str, value: float, scenario: Scenario = CARS1) -> Outcome:
    changed = scenario.replace({f"{EFFECT}.anchor": anchor, f"{EFFECT}.value": value})
    return changed.outcomes["arat"]


@settings(derandomize=True, max_examples=8, deadline=None)
@given(theta=st.floats(0.15, 0.9))
def test_all_four_anchors_of_one_effect_agree(theta: float) -> None:
    sizes = effect_sizes(anchored("theta", theta))
    assert sizes.theta == pytest.approx(theta, abs=1e-12)
    for anchor, value in sizes._asdict().items():
        assert effect_sizes(anchored(anchor, value)) == pytest.approx(sizes, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("anchor", "value"),
    [("theta", 0.5), ("latent_shift", 0.0), ("odds_ratio", 1.0), ("mean_difference", 0.0)],
)
def test_no_effect_is_no_effect_on_every_scale(anchor: str, value: float) -> None:
    none = EffectSizes(theta=0.5, latent_shift=0, odds_ratio=1, mean_difference=0)
    assert effect_sizes(anchored(anchor, value)) == pytest.approx(none, abs=1e-9)


def test_the_four_scales_are_those_of_the_cells_of_the_two_arms() -> None:
    """Oracle: `scale_effects` of the cells, which knows no course and no anchor."""
    outcome = CARS1.outcomes["arat"]
    cells = scale_effects(treated_cells(outcome), control_cells(outcome))
    sizes = effect_sizes(outcome)
    assert cells.theta == pytest.approx(sizes.theta, abs=1e-12)
    assert cells.mean_difference == pytest.approx(sizes.mean_difference, abs=1e-9)
    assert cells.odds_ratio == pytest.approx(sizes.odds_ratio, rel=1e-9)
    shift = sizes.latent_shift / COURSE.end_sd
    assert cells.latent_shift == pytest.approx(shift, rel=1e-9)


def test_the_cells_are_those_of_a_rounded_and_bounded_normal() -> None:
    outcome = CARS1.outcomes["arat"]
    latent = norm(COURSE.end_mean, COURSE.end_sd)
    cells = control_cells(outcome)
    assert cells.sum() == pytest.approx(1, abs=1e-12)
    assert cells[0] == pytest.approx(latent.cdf(0.5), abs=1e-12)
    assert cells[20] == pytest.approx(latent.cdf(20.5) - latent.cdf(19.5), abs=1e-12)
    assert cells[57] == pytest.approx(latent.sf(56.5), abs=1e-12)


def test_where_lower_is_better_the_same_theta_shifts_the_other_way() -> None:
    """Turned round, a scale from 0 to 57 has the mean 57 - mean."""
    mean = COURSE.end_mean
    turned = CARS1.replace(
        {"outcomes.arat.better": "lower", "outcomes.arat.course.end_mean": 57 - mean}
    )
    up, down = CARS1.outcomes["arat"], turned.outcomes["arat"]
    assert latent_shift(down) == pytest.approx(-latent_shift(up), rel=1e-9)
    assert effect_sizes(down) == pytest.approx(effect_sizes(up), rel=1e-9)
    assert control_cells(down) == pytest.approx(control_cells(up), abs=1e-12)


@pytest.mark.parametrize(
    ("anchor", "value", "rule"),
    [
        ("theta", 0.999, "must lie between .* as theta: beyond, the scale's floor or ceiling"),
        ("theta", 0.01, "must lie between .* as theta"),
        ("theta", 1.0, "must lie between 0 and 1 for a theta"),
        ("mean_difference", 57.0, "must lie between .* as mean difference"),
        ("mean_difference", -57.0, "must lie between .* as mean difference"),
        ("odds_ratio", 0.0, "must be above 0 for an odds ratio"),
        ("odds_ratio", -1.0, "must be above 0 for an odds ratio"),
    ],
)
def test_an_anchor_out_of_reach_is_refused(anchor: str, value: float, rule: str) -> None:
    with pytest.raises(InputError, match=f"^outcomes.arat.effect.value: {rule}"):
        anchored(anchor, value)


def test_the_told_limits_are_the_limits() -> None:
    """The treated can at most all reach the ceiling, where the controls that are there tie."""
    ceiling = float(control_cells(CARS1.outcomes["arat"])[-1])
    anchored("theta", 1 - ceiling / 2 - 1e-6)
    with pytest.raises(InputError, match=f"and {1 - ceiling / 2:.4f} as theta"):
        anchored("theta", 1 - ceiling / 2 + 1e-6)

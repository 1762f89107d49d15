"""Recovery of a few kinds, where it starts from, and the covariates that follow from others."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.effects import (
    control_cells,
    effect_sizes,
    latent_shift,
    treated_cells,
)
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.recovery_classes import RecoveryClasses
from trialsim.stats.planning.scale_effects import theta_of_cells

NATURAL = load("cars1_natural")
ARAT = NATURAL.outcomes["arat"]
NOBODY = np.zeros(1)
FULL = 66


def course() -> RecoveryClasses:
    """Return the course of the study, which is of the kind that is tested."""
    assert isinstance(ARAT.course, RecoveryClasses)
    return ARAT.course


def arat_of(fugl_meyer: float) -> float:
    """Read a Fugl-Meyer score as ARAT by the published classes, written out."""
    classes = [(0, 22, 0, 10), (22, 23, 10, 11), (23, 31, 11, 21), (31, 32, 21, 22)]
    classes += [(32, 47, 22, 42), (47, 48, 42, 43), (48, 52, 43, 54), (52, 53, 54, 55)]
    classes += [(53, 66, 55, 57)]
    held = min(max(fugl_meyer, 0), FULL)
    for low, high, first, last in classes:
        if held <= high:
            return first + (held - low) * (last - first) / (high - low)
    raise AssertionError(held)


def expected(place: int, start: float, days: float) -> float:
    """Return the Fugl-Meyer score of a class by the equation, in weeks."""
    shares = [0.0884, 0.4591, 0.8634, 0.8883, 0.9309]
    weeks = [5.3114, 10.1417, 9.8122, 2.6722, 1.1822]
    return start + shares[place] * (FULL - start) * (1 - math.exp(-days / 7 / weeks[place]))


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    ("start", "days", "residual", "added"),
    [(2.7, 0, 0, 0), (14.0, 9, -1.3, 0), (33.0, 42, 0.4, 4.25), (65.5, 90, 3, 10), (0.1, 2, -4, 0)],
)
def test_a_score_is_the_equation_read_through_the_cut_points(
    place: int, start: float, days: float, residual: float, added: float
) -> None:
    known = {"recovery_class": np.array([float(place)]), "fugl_meyer_onset": np.array([start])}
    scores = LatentScores(NOBODY, NOBODY, np.array([residual]), known)
    cell = course().cells(ARAT.grid, Elapsed(np.array([float(days)])), scores, np.array([added]))
    latent = expected(place, start, days) + residual * 0.0673**-0.5 + added
    assert abs(arat_of(latent) % 1 - 0.5) > 1e-3, "too near a half to be rounded surely"
    assert cell.item() == round(arat_of(latent))


def test_the_reference_cells_are_the_integral_over_the_starts() -> None:
    """By adaptive quadrature over the normal logits behind the starts of each class."""
    weights = [0.3181, 0.1562, 0.1235, 0.1708, 0.2314]
    medians = [2.685, 6.177, 3.091, 8.013, 16.42]
    spreads = [0.523, 2.082, 2.46, 2.267, 1.845]
    latents, scores = zip(*course().points, strict=True)

    def of_class(place: int, cut: float, z: float) -> float:
        odds = medians[place] / (50 - medians[place]) * math.exp(spreads[place] * z)
        latent = expected(place, 50 * odds / (1 + odds), 90)
        return float(norm.pdf(z) * norm.cdf((cut - latent) * 0.0673**0.5))

    for shift, some in {0.0: (0, 21, 54), 4.25: (10, 42, 56)}.items():
        cumulative = np.cumsum(course().end_cells(ARAT.grid, shift))
        for score in some:
            cut = np.interp(score + 0.5, scores, latents) - shift
            parts = [quad(partial(of_class, place, cut), -8, 8)[0] for place in range(5)]
            assert cumulative[score] == pytest.approx(np.dot(weights, parts), abs=3e-4)


def test_the_reference_patients_are_those_below_50_points_at_hour_48() -> None:
    """Day 90 in those patients, as the facts have it: 31.8 (23.4), 35% at 10 or less, 41% at 55."""
    cells, scores = control_cells(ARAT), np.arange(58)
    mean = cells @ scores
    assert mean == pytest.approx(31.8, abs=0.1)
    assert (cells @ (scores - mean) ** 2) ** 0.5 == pytest.approx(23.4, abs=0.2)
    assert cells[:11].sum() == pytest.approx(0.35, abs=0.01)
    assert cells[55:].sum() == pytest.approx(0.41, abs=0.01)


@pytest.mark.parametrize("theta", [0.35, 0.5, 0.62])
def test_an_anchor_is_met_by_the_shift_that_is_found_for_it(theta: float) -> None:
    effect = {"anchor": "theta", "value": theta, "exposure": {"model": "none"}}
    outcome = NATURAL.replace({"outcomes.arat.effect": effect}).outcomes["arat"]
    assert theta_of_cells(treated_cells(outcome), control_cells(outcome)) == pytest.approx(theta)
    again = {**effect, "anchor": "latent_shift", "value": latent_shift(outcome)}
    moved = NATURAL.replace({"outcomes.arat.effect": again}).outcomes["arat"]
    assert effect_sizes(moved) == pytest.approx(effect_sizes(outcome))


def test_other_patients_do_not_change_what_the_drug_does() -> None:
    """The shift belongs to the reference patients, whoever is recruited."""
    changes = {
        "population.covariates.recovery_class.margin.levels.poor": 0.5174,
        "population.covariates.recovery_class.margin.levels.good_early": 0.053,
        "outcomes.arat.effect": {"anchor": "theta", "value": 0.6, "exposure": {"model": "none"}},
    }
    effect = {"outcomes.arat.effect": changes["outcomes.arat.effect"]}
    others, these = NATURAL.replace(changes), NATURAL.replace(effect)
    assert latent_shift(others.outcomes["arat"]) == latent_shift(these.outcomes["arat"])


COURSE = "outcomes.arat.course"
START = "population.covariates.fugl_meyer_onset.margin"
FLAT = {"distribution": "uniform", "low": 0, "high": 66}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "shares": (
        {f"{COURSE}.classes.poor.reference_share": 0.3},
        f"{COURSE}.classes: must have reference shares that add to 1",
    ),
    "falling points": (
        {f"{COURSE}.points": [[0, 0], [22, 10], [22, 11], [66, 57]]},
        f"{COURSE}.points: must rise, in the latent score and in the score",
    ),
    "points off the scale": (
        {f"{COURSE}.points": [[0, 0], [66, 58]]},
        f"{COURSE}.points: must lead to scores within 0 and 57",
    ),
    "a reference start beyond the top": (
        {f"{COURSE}.classes.poor.reference_start": {**FLAT, "high": 67}},
        f"{COURSE}.classes.poor.reference_start: must lie within the latent scale of the points",
    ),
    "a start beyond the top": (
        {f"{START}.levels.poor": {**FLAT, "high": 67}},
        f"{COURSE}.start_covariate: must be a covariate drawn within 0 and 66",
    ),
    "a start that is a score": (
        {f"{COURSE}.start_covariate": "arat"},
        f"{COURSE}.start_covariate: must be a covariate drawn within 0 and 66",
    ),
    "a class that is a number": (
        {f"{COURSE}.class_covariate": "nihss"},
        f"{COURSE}.class_covariate: must have the classes as levels, in this order: poor, ",
    ),
    "no such class covariate": (
        {f"{COURSE}.class_covariate": "recovery_clas"},
        f"{COURSE}.class_covariate: must be a covariate that exists; did you mean recovery_class",
    ),
    "levels of another covariate": (
        {f"{START}.of": "sex"},
        f"{START}.levels: must be those of sex: female, male",
    ),
    "levels of a number": ({f"{START}.of": "nihss"}, f"{START}.of: must be a covariate with level"),
    "levels of nothing": ({f"{START}.of": "six"}, f"{START}.of: must be a covariate that exists"),
    "the course of nothing": (
        {"population.covariates.arat.margin.outcome": "arrat"},
        "population.covariates.arat.margin.outcome: must be an outcome that exists",
    ),
    "the course of a covariate's normal score": (
        {COURSE: load("cars1").outcomes["arat"].course.model_dump()},
        "population.covariates.arat.margin.outcome: must be an outcome whose course starts from",
    ),
    "a normal score that is none": (
        {COURSE: load("cars1").outcomes["arat"].course.model_dump()},
        "outcomes.arat.baseline: must be a covariate with a distribution of its own",
    ),
    "a baseline that is another's": (
        {"outcomes.arat.baseline": "nihss"},
        "population.covariates.arat.margin.outcome: must be an outcome whose baseline is arat",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_hang_together_is_refused_with_its_path(name: str) -> None:
    changes, told = WRONG[name]
    with pytest.raises(InputError) as caught:
        NATURAL.replace(changes)
    assert told in str(caught.value)

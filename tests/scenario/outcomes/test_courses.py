"""Courses give the margins that they are told, on the days for which they are told."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.stats import norm

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.courses import Course, Interpolated, Proportions
from trialsim.scenario.outcomes.effects import control_cells, effect_sizes, treated_cells
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.scales import Grid

PATIENTS = 200_000
GRADES = [0.1, 0.15, 0.25, 0.2, 0.15, 0.1, 0.05]
EARLIER = [0.02, 0.03, 0.1, 0.2, 0.3, 0.25, 0.1]


def course(**described: Any) -> Any:
    """Build a course as a scenario file describes it."""
    adapter: TypeAdapter[Any] = TypeAdapter(Course)
    return adapter.validate_python(described)


def proportions(**changes: Any) -> Proportions:
    described: dict[str, Any] = {
        "model": "proportions",
        "start": EARLIER,
        "end": GRADES,
        "end_day": 90,
        "time_constant_days": 20,
        "start_baseline_correlation": -0.6,
        "end_baseline_correlation": -0.4,
        "within_patient_correlation": 0.7,
    }
    found = course(**{**described, **changes})
    assert isinstance(found, Proportions)
    return found


def latent_scores(seed: int = 1) -> LatentScores:
    return LatentScores(*np.random.default_rng(seed).standard_normal((3, PATIENTS)))


@pytest.mark.parametrize(("day", "expected"), [(0.0, EARLIER), (90.0, GRADES)])
def test_proportions_are_those_told(day: float, expected: list[float]) -> None:
    """Each share of 200,000 patients within four binomial standard errors."""
    grid = Grid(0, 6, 1, False)
    cells = proportions().cells(grid, Elapsed(np.full(PATIENTS, day)), latent_scores(), np.zeros(1))
    shares = np.bincount(cells.astype(np.int64), minlength=7) / PATIENTS
    errors = np.sqrt(np.array(expected) * (1 - np.array(expected)) / PATIENTS)
    assert (np.abs(shares - expected) < 4 * errors).all()


def test_proportions_move_from_grade_to_grade_between() -> None:
    """On the way every cumulative share lies between those at the ends."""
    grid = Grid(0, 6, 1, False)
    cells = proportions().cells(
        grid, Elapsed(np.full(PATIENTS, 15.0)), latent_scores(), np.zeros(1)
    )
    below = np.cumsum(np.bincount(cells.astype(np.int64), minlength=7) / PATIENTS)
    first, last = np.cumsum(EARLIER), np.cumsum(GRADES)
    assert (below[:-1] >= first[:-1] - 0.005).all()
    assert (below[:-1] <= last[:-1] + 0.005).all()


def test_a_shift_of_proportions_is_one_of_normal_scores() -> None:
    """Oracle: the cumulative probit model, by SciPy's normal distribution."""
    grid, shift = Grid(0, 6, 1, False), 0.6
    cells = proportions().end_cells(grid, -shift)
    expected = norm.cdf(norm.ppf(np.cumsum(GRADES)[:-1]) + shift)
    np.testing.assert_allclose(np.cumsum(cells)[:-1], expected, atol=1e-12)
    moved = proportions().cells(
        grid, Elapsed(np.full(PATIENTS, 90.0)), latent_scores(), np.array(-shift)
    )
    shares = np.bincount(moved.astype(np.int64), minlength=7) / PATIENTS
    assert np.abs(shares - cells).max() < 4 * np.sqrt(0.25 / PATIENTS)


@pytest.mark.parametrize("day", [0.0, 15.0, 90.0])
def test_a_grade_at_the_end_of_the_scale_that_nobody_has_is_reached_by_nobody(day: float) -> None:
    """Such as 6 of the modified Rankin Scale in the living, however ill, and whatever the shift."""
    grid = Grid(0, 6, 1, False)
    empty = proportions(start=[0, 0.1, 0.2, 0.3, 0.3, 0.1, 0], end=[0, 0.3, 0.3, 0.2, 0.1, 0.1, 0])
    for shift in (-9.0, 0.0, 9.0):
        elapsed, moved = Elapsed(np.full(PATIENTS, day)), np.array(shift)
        cells = empty.cells(grid, elapsed, latent_scores(), moved)
        assert cells.min() >= 1
        assert cells.max() <= 5
    ends = empty.end_cells(grid, np.array([-9.0, 9.0]))
    assert (ends[:, [0, 6]] == 0).all()
    np.testing.assert_allclose(ends[:, [1, 5]], np.eye(2), atol=1e-9)


def test_interpolated_moments_are_those_told_and_straight_between() -> None:
    found = course(
        model="interpolated",
        days=[0, 10, 30],
        means=[4.0, 3.0, 2.0],
        sds=[0.5, 0.6, 0.4],
        baseline_correlations=[0.9, 0.5, 0.4],
        within_patient_correlation=0.5,
    )
    assert isinstance(found, Interpolated)
    moment = found.at(Elapsed(np.array([-3.0, 0, 5, 10, 20, 30, 99])))
    np.testing.assert_allclose(moment.mean, [4, 4, 3.5, 3, 2.5, 2, 2])
    np.testing.assert_allclose(moment.sd, [0.5, 0.5, 0.55, 0.6, 0.5, 0.4, 0.4])
    np.testing.assert_allclose(moment.baseline_correlation, [0.9, 0.9, 0.7, 0.5, 0.45, 0.4, 0.4])


def test_a_time_has_the_median_of_its_logarithms() -> None:
    """On day 90 the saline rats' latency has the median exp(3.4), 30 s, and ends at 90 s."""
    outcome = load("rat_mtbi").outcomes["latency"]
    cells = control_cells(outcome)[::-1]  # from the low end
    expected = norm.cdf((np.log(np.array([9.5, 29.5, 60.5])) - 3.4) / 0.55)
    np.testing.assert_allclose(np.cumsum(cells)[[9, 29, 60]], expected, atol=1e-12)
    assert effect_sizes(outcome).theta == pytest.approx(0.85, abs=1e-9)
    assert treated_cells(outcome)[0] < control_cells(outcome)[0]  # fewer at the time limit


def test_a_mean_difference_is_in_points_whatever_the_step() -> None:
    outcome = load("guekht2011").outcomes["adas_cog_plus"]
    scores = np.linspace(100, 0, 1001)  # worst first
    gained = control_cells(outcome) @ scores - treated_cells(outcome) @ scores
    assert gained == pytest.approx(outcome.effect.value, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"end": [0.5, 0.5]}, "course.end: must be one for each of the scale's 7 grades (got 2)"),
        ({"end": [0.2] * 7}, "course.end: must sum to 1"),
        ({"start": [0.5, 0.5]}, "course.start: must be one for each of the scale's 7 grades"),
    ],
)
def test_proportions_that_do_not_fit_the_scale_are_refused(
    changes: dict[str, Any], told: str
) -> None:
    path = "outcomes.cibic_plus.course"
    with pytest.raises(InputError, match=told.replace("(", r"\(").replace(")", r"\)")):
        load("guekht2011").replace({f"{path}.{name}": value for name, value in changes.items()})


def test_lists_of_different_lengths_are_refused() -> None:
    path = "outcomes.latency.course"
    with pytest.raises(InputError) as refused:
        load("rat_mtbi").replace({f"{path}.means": [1.0], f"{path}.days": [86, 88, 87, 89, 90]})
    assert f"{path}.means: must be as many as days, 5 (got 1)" in str(refused.value)
    assert f"{path}.days: must rise" in str(refused.value)

"""Scales of every kind beside one another, and drugs that work in some patients or some trials."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest, norm

from trialsim.arrays import Booleans, Floats, Pairs
from trialsim.errors import InputError
from trialsim.scenario.outcomes.courses import Exponential, Proportions
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.outcomes import Scores, Visits, one_for_all
from trialsim.trial.trial import Trial, simulate_batch

SEVERE = {"label": "NIHSS above 8", "covariate": "nihss", "more_than": 8}
WIDE = {
    "label": "A scale without floor or ceiling",
    "kind": "continuous",
    "low": -1000,
    "high": 1000,
    "step": 0.25,
    "better": "higher",
    "baseline": None,
    "course": {
        "model": "exponential",
        "start_mean": 0,
        "start_sd": 50,
        "start_baseline_correlation": 0,
        "end_day": 90,
        "end_mean": 10,
        "end_sd": 50,
        "end_baseline_correlation": 0,
        "time_constant_days": 20,
        "within_patient_correlation": 0.5,
    },
    "effect": {"anchor": "latent_shift", "value": 0, "exposure": {"model": "none"}},
}


def without_prognosis(cars1: Scenario, name: str) -> Any:
    """Return an outcome of CARS-1 that no covariate foretells."""
    scale = cars1.outcomes[name].model_dump()
    never = {"start_baseline_correlation": 0.0, "end_baseline_correlation": 0.0}
    return {**scale, "bounds": {}, "prognosis": None, "course": {**scale["course"], **never}}


def with_outcomes(cars1: Scenario, outcomes: dict[str, Any], **changes: Any) -> Scenario:
    """Return CARS-1 with other outcomes, the first being analysed."""
    first = next(iter(outcomes))
    alone: dict[str, Any] = {
        "analysis.secondary": {},
        "analysis.endpoint": first,
        "outcome_correlation": {},
    }
    return cars1.replace({**alone, "outcomes": outcomes, **changes})


def nihss_of(trial: Trial) -> Floats:
    """Return the NIHSS of the patients, shape (replicate, patient)."""
    return np.take_along_axis(trial.cohort.covariates["nihss"], trial.candidate, axis=1)


def test_outcomes_that_stand_after_another_change_no_bit_of_it(cars1: Scenario) -> None:
    others = [name for name in cars1.outcomes if name != "arat"]
    alone: dict[str, Any] = {
        "outcome_correlation": {},
        "analysis.secondary": {},
        **{f"outcomes.{name}": None for name in others},
    }
    battery, single = (
        simulate_batch(one, Streams(8, range(6))) for one in (cars1, cars1.replace(alone))
    )
    assert len(others) == 11
    assert battery.underlying["arat"].tobytes() == single.underlying["arat"].tobytes()


def test_scores_are_made_when_they_are_looked_at_and_once() -> None:
    """One outcome, one visit, and some patients alone where only they are asked for."""
    made: list[tuple[str, int, int]] = []

    def make(name: str, visits: Visits, patients: Pairs | None) -> Floats:
        values = np.full((2, 3), float(visit := one_for_all(visits)))
        some = values if patients is None else patients.of(values)
        made.append((name, visit, some.size))
        return some

    scores = Scores(("arat", "nihss", "mrs"), 2, make)
    attended = np.zeros((2, 3, 2), np.bool_)
    attended[0, 1, :] = True
    seen = scores.seen_at(attended)
    assert (list(seen), len(seen), made) == (["arat", "nihss", "mrs"], 3, [])
    two = Pairs(np.array([0, 1]), np.array([1, 2]))
    assert np.array_equal(seen.of_some("mrs", 1, two), [[1, np.nan]], equal_nan=True)
    assert made == [("mrs", 1, 2)]
    assert np.isnan(seen["nihss"]).sum() == 10
    assert (scores["nihss"] == [0, 1]).all()
    assert made[1:] == [("nihss", 0, 6), ("nihss", 1, 6)]
    with pytest.raises(KeyError):
        scores["barthel"]


def test_outcomes_correlate_as_is_written_towards_their_better_ends(cars1: Scenario) -> None:
    """20,800 patients: the standard error of a correlation of 0.8 is 0.0025, of 0.3 is 0.0063."""
    outcomes = {"a": WIDE, "b": {**WIDE, "better": "lower"}, "c": WIDE}
    together = {"common": 0.3, "pairs": {"b": {"a": 0.8}}}
    scenario = with_outcomes(cars1, outcomes, outcome_correlation=together)
    trial = simulate_batch(scenario, Streams(9, range(100)))
    last, before = ([trial.underlying[name][:, :, v].ravel() for name in "abc"] for v in (5, 4))
    found = np.atleast_2d(np.corrcoef(last))
    assert found[0, 1] == pytest.approx(-0.8, abs=0.01)
    assert found[0, 2] == pytest.approx(0.3, abs=0.026)
    assert found[1, 2] == pytest.approx(-0.3, abs=0.026)
    # Only the patient's random effect, half of the variance, stays from one visit to the next.
    assert np.corrcoef([last[0], before[1]])[0, 1] == pytest.approx(-0.4, abs=0.024)


def test_on_the_end_day_each_grade_has_its_share(cars1: Scenario) -> None:
    """6,240 placebo patients; each share within four binomial standard errors, none where 0."""
    window = {"design.visits.day_90.window_days": 0}
    scenario = with_outcomes(cars1, {"mrs": without_prognosis(cars1, "mrs")}, **window)
    trial = simulate_batch(scenario, Streams(10, range(60)))
    scores = trial.underlying["mrs"][trial.arms == 1][:, 5]
    course = scenario.outcomes["mrs"].course
    assert isinstance(course, Proportions)
    for grade, share in enumerate(course.end):
        error = math.sqrt(share * (1 - share) / len(scores))
        assert abs((scores == grade).mean() - share) <= 4 * error


@pytest.mark.parametrize("name", ["line_cancellation", "nine_hole_peg"])
def test_counts_and_times_are_the_rounded_exponential_of_a_normal(
    cars1: Scenario, name: str
) -> None:
    """Floor, ceiling and median of 6,240 placebo patients against the normal's of the course."""
    window = {"design.visits.day_90.window_days": 0}
    scenario = with_outcomes(cars1, {name: without_prognosis(cars1, name)}, **window)
    trial = simulate_batch(scenario, Streams(11, range(60)))
    scores, outcome = trial.underlying[name][trial.arms == 1][:, 5], scenario.outcomes[name]
    for points in (outcome.low, 2 * outcome.low + 1, outcome.high - 1):
        share = norm.cdf(_z(outcome, points + 0.5))
        error = math.sqrt(share * (1 - share) / len(scores))
        assert abs((scores <= points).mean() - share) <= 4 * error + 0.005
    assert (scores == np.rint(scores)).all()
    assert (scores.min(), scores.max()) == (outcome.low, outcome.high)


def _z(outcome: Outcome, points: float) -> float:
    """Return the normal score, on the end day, of a count or a time."""
    course = outcome.course
    assert isinstance(course, Exponential)
    return (math.log(points) - course.end_mean) / course.end_sd


def test_the_drug_works_among_those_that_it_is_said_to_and_in_part_elsewhere(
    cars1: Scenario,
) -> None:
    """Each patient's score is that of the full shift, of half of it, or of none, to the bit."""

    def scores(effect: dict[str, Any]) -> tuple[Floats, Booleans, Booleans]:
        whole = {"anchor": "latent_shift", "exposure": {"model": "none"}, **effect}
        trial = simulate_batch(
            cars1.replace({"outcomes.arat.effect": whole}), Streams(12, range(8))
        )
        return trial.underlying["arat"], nihss_of(trial) > 8, trial.arms == 0

    none, severe, treated = scores({"value": 0.0})
    half, full = scores({"value": 8.0})[0], scores({"value": 16.0})[0]
    some = scores({"value": 16.0, "subgroup": SEVERE})[0]
    partly = scores({"value": 16.0, "subgroup": SEVERE, "effect_outside": 0.5})[0]
    for found in (some, partly):
        assert np.array_equal(found[severe], full[severe], equal_nan=True)
    assert np.array_equal(some[~severe], none[~severe], equal_nan=True)
    assert np.array_equal(partly[~severe], half[~severe], equal_nan=True)
    assert (full[severe & treated] > none[severe & treated]).any()
    assert (half[~severe & treated] > none[~severe & treated]).any()


def test_each_trial_has_a_shift_of_its_own_about_the_effect(cars1: Scenario) -> None:
    """Alike for all treated of a trial; over 400 trials normal, with the mean and SD written."""
    effect = {**WIDE["effect"], "value": 6.0}  # type: ignore[dict-item]
    changes = {"design.patients": 8}
    fixed, spread = (
        simulate_batch(
            with_outcomes(cars1, {"a": {**WIDE, "effect": {**effect, **more}}}, **changes),
            Streams(13, range(400)),
        )
        for more in ({}, {"trial_sd": 20.0})
    )
    moved = spread.underlying["a"][:, :, 5] - fixed.underlying["a"][:, :, 5]
    treated = spread.arms == 0
    assert not moved[~treated].any()
    own = np.array([row[there].mean() for row, there in zip(moved, treated, strict=True)])
    assert np.abs(moved - own[:, None])[treated].max() <= 0.25  # a step of the scale
    assert kstest(own, norm(0, 20).cdf).pvalue > 0.01


def test_a_correlation_with_no_covariate_is_refused(cars1: Scenario) -> None:
    with pytest.raises(InputError) as caught:
        cars1.replace({"outcomes.mrs.prognosis": None})
    rule = "must be 0 where neither baseline nor prognosis names a covariate"
    assert str(caught.value).splitlines() == [
        f"outcomes.mrs.course.start_baseline_correlation: {rule} (got 0.6)",
        f"outcomes.mrs.course.end_baseline_correlation: {rule} (got 0.5)",
    ]


def test_no_patient_of_the_battery_scores_on_one_scale_what_another_excludes(
    cars1: Scenario,
) -> None:
    """Who moves the arm at most grossly places no peg; some did, at every visit, without bounds."""
    unbounded = cars1.replace({"outcomes.nine_hole_peg.bounds.no_peg_placed": None})
    held, free = (simulate_batch(one, Streams(5, range(8))) for one in (cars1, unbounded))
    for visit in range(1, 6):
        arat = held.underlying.at("arat", visit)
        assert arat.tobytes() == free.underlying.at("arat", visit).tobytes()
        pegs, before = (one.underlying.at("nine_hole_peg", visit) for one in (held, free))
        assert (pegs[arat <= 9] == 180).all()
        assert (before[arat <= 9] < 180).any()
        assert (pegs == before)[arat > 9].all()
        barthel, mrs = (held.underlying.at(name, visit) for name in ("barthel", "mrs"))
        assert mrs[barthel == 100].max() <= 3
        assert mrs[barthel <= 10].min() >= 4


def test_bounded_scores_of_some_patients_are_those_among_all(cars1: Scenario) -> None:
    trial = simulate_batch(cars1, Streams(6, range(3)))
    some = Pairs(np.array([0, 1, 2, 2]), np.array([5, 60, 0, 207]))
    alone = trial.underlying.of_some("nine_hole_peg", 4, some)
    assert np.array_equal(alone, some.of(trial.underlying.at("nine_hole_peg", 4)))


def test_a_course_follows_several_covariates_by_their_weights(cars1: Scenario) -> None:
    """Correlation r with the sum (2 x - y) / sd has r w'R / sd with each; 41,600 patients.

    NIHSS and age correlate by 0.1; a correlation's standard error is at most 0.005.
    """
    everyone = {f"eligibility.{rule}": None for rule in _rules_of(cars1)}
    course: Any = WIDE["course"]
    course = {**course, "start_baseline_correlation": 0.7, "end_baseline_correlation": 0.7}
    wide = {**WIDE, "prognosis": {"nihss": 2, "age_years": -1}, "course": course}
    scenario = with_outcomes(cars1, {"a": wide}, **everyone)
    trial = simulate_batch(scenario, Streams(12, range(200)))
    last = trial.underlying.at("a", 5).ravel()
    sd = math.sqrt(4 + 1 - 2 * 2 * 0.1)
    covariates = trial.cohort.covariates
    for name, with_sum in (("nihss", (2 - 0.1) / sd), ("age_years", (-1 + 0.2) / sd)):
        score = np.take_along_axis(covariates.normal_score(name), trial.candidate, axis=1).ravel()
        found = np.corrcoef(last, score)[0, 1]
        assert found == pytest.approx(0.7 * with_sum, abs=0.02)
    assert last.std() == pytest.approx(50, abs=4 * 50 / math.sqrt(2 * last.size))


def test_one_covariate_is_a_sum_of_one(cars1: Scenario) -> None:
    """Any weight above 0 gives the bits of the name alone, one below 0 those turned round."""

    def scores(prognosis: Any) -> Floats:
        scenario = cars1.replace({"outcomes.barthel.prognosis": prognosis})
        return simulate_batch(scenario, Streams(13, range(2))).underlying.at("barthel", 5)

    by_name = scores("nihss")
    assert cars1.replace({"outcomes.barthel.prognosis": {"nihss": 1}}).digest == cars1.digest
    assert scores({"nihss": 3}).tobytes() == by_name.tobytes()
    assert not np.array_equal(scores({"nihss": -3}), by_name)


def _rules_of(scenario: Scenario) -> list[str]:
    eligibility = scenario.eligibility
    return [
        *(f"inclusion.{name}" for name in eligibility.inclusion),
        *(f"exclusion.{name}" for name in eligibility.exclusion),
    ]


@pytest.mark.parametrize(
    ("path", "value", "problems"),
    [
        ("mrs.prognosis", {"nihss": 0, "nobody": 1}, ["prognosis.nihss: must not be 0"]),
        (
            "mrs.prognosis",
            {"nihss": 1, "nobody": 1},
            ["prognosis.nobody: must be a covariate that exists"],
        ),
        (
            "mrs.prognosis",
            {"nihss": 1, "sex": 1},
            ["prognosis.sex: must be a covariate that is a number"],
        ),
        (
            "arat.bounds",
            {"a": {"outcome": "mrs", "at_most": 2, "no_better_than": 9}},
            ["bounds.a.outcome: must be an outcome that stands before the one it bounds"],
        ),
        (
            "mrs.bounds",
            {"a": {"outcome": "mrs", "at_most": 2, "no_better_than": 3}},
            ["bounds.a.outcome: must be an outcome that stands before the one it bounds"],
        ),
        (
            "mrs.bounds",
            {"a": {"outcome": "barthl", "at_most": 2, "at_least": 3, "no_worse_than": 7}},
            [
                "bounds.a.at_most: must be at least 3",
                "bounds.a.no_worse_than: must lie within the scale, 0 and 6",
            ],
        ),
        (
            "mrs.bounds",
            {"a": {"outcome": "barthel"}},
            ["bounds.a.at_most: must be given", "bounds.a.no_better_than: must be given"],
        ),
    ],
)
def test_bounds_and_weights_that_mean_nothing_are_refused(
    cars1: Scenario, path: str, value: Any, problems: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        cars1.replace({f"outcomes.{path}": value})
    for problem in problems:
        assert f"outcomes.{path.split('.')[0]}.{problem}" in str(refused.value)

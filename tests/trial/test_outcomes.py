"""Scores follow from random numbers, time since onset and drug received, and nothing else."""

import gc
import math
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame
from pydantic import TypeAdapter
from scipy.stats import norm

from trialsim.arrays import Floats, Pairs
from trialsim.clock import DAY
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.courses import Exponential
from trialsim.scenario.outcomes.effects import latent_shift
from trialsim.scenario.outcomes.exposure import Exposure
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.dosing import DrugReceived
from trialsim.trial.outcomes import Scores, Visits, one_for_all
from trialsim.trial.trial import Trial, simulate_batch

SHIFTS = [0, 3, 11.5, 60]


def exposure(**described: Any) -> Any:
    """Build an exposure model as a scenario file describes it."""
    adapter: TypeAdapter[Any] = TypeAdapter(Exposure)
    return adapter.validate_python(described)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (exposure(model="none"), [1, 1, 1, 1, 1]),
        (exposure(model="proportional", full_dose=600), [0, 0.25, 0.5, 1, 1]),
        (exposure(model="threshold", full_dose=600, needed_dose=300), [0, 0, 1, 1, 1]),
        # (x / 300) / (1 + x / 300) over its value 2 / 3 at 600 mL
        (exposure(model="emax", full_dose=600, half_dose=300), [0, 1 / 2, 3 / 4, 1, 9 / 8]),
        # (x / 300)**2 / (1 + (x / 300)**2) over its value 4 / 5 at 600 mL
        (exposure(model="emax", full_dose=600, half_dose=300, hill=2), [0, 1 / 4, 5 / 8, 1, 9 / 8]),
    ],
)
def test_exposure_models_give_the_shares_computed_by_hand(
    model: Any, expected: list[float], received: Any
) -> None:
    given_ml = np.array([0.0, 150, 300, 600, 900])
    np.testing.assert_allclose(model.share(received(given_ml), 0), expected, rtol=1e-15)


@pytest.mark.parametrize(
    "model",
    [
        exposure(model="none"),
        exposure(model="proportional", full_dose=600),
        exposure(model="threshold", full_dose=600, needed_dose=1),
        exposure(model="emax", full_dose=600, half_dose=300, hill=3),
    ],
)
def test_placebo_has_no_exposure(model: Any, received: Any) -> None:
    assert not model.share(received(np.zeros(3), np.zeros(3, np.bool_)), 0).any()


@pytest.mark.parametrize(
    "infusions",
    [
        {"per_cycle": 21, "days": "every_day"},
        {"per_cycle": 20, "days": "monday_to_friday"},
        {"per_cycle": 5, "days": "monday_to_friday", "cycles": 3, "cycle_every_days": 13},
    ],
)
def test_drug_received_is_counted_infusion_by_infusion(
    cars1: Scenario, infusions: dict[str, Any]
) -> None:
    """Each patient's infusions given on a day before the visit's, one by one."""
    changes = {
        "design.patients": 30,
        "treatment.infusions": infusions,
        "operations.refusal_probability": {"distribution": "constant", "value": 0.2},
        "operations.withdrawal.probability": 0.3,
        "operations.infusion_chairs_per_site": 1,
        "operations.infusion_minutes": 300,
    }
    trial = simulate_batch(cars1.replace(changes), Streams(1, range(4)))
    conduct = trial.conduct
    doses = np.where(trial.arms == 0, 30.0, 0.0)[:, :, None]
    received = DrugReceived(conduct, conduct.infusion_given, doses)
    start, visit = conduct.infusion_start, conduct.visit_minute
    for replicate, patient, place in np.ndindex(visit.shape):
        first = conduct.randomised[replicate, patient]
        days = (visit[replicate, patient, place] - first) // DAY
        given = sum(
            30 * (trial.arms[replicate, patient] == 0)
            for infusion in range(start.shape[2])
            if conduct.infusion_given[replicate, patient, infusion]
            and start[replicate, patient, infusion] // DAY - first // DAY < days
        )
        assert received.before(place)[replicate, patient] == given


def score_of(trial: Trial, replicate: int, patient: int, visit: int) -> float:
    """Compute one score from its addresses and the formula of the scenario's outcomes."""
    outcome, course = trial.scenario.outcomes["arat"], trial.scenario.outcomes["arat"].course
    assert isinstance(course, Exponential)
    candidate = int(trial.candidate[replicate, patient])
    streams = Streams(trial.seed, range(int(trial.replicates[replicate]), 10**6)[:1])
    own, noise = (
        norm.ppf(streams.uniform(purpose, candidate + 1, draw)[0, candidate])
        for purpose, draw in (("course arat", 0), ("noise arat", visit))
    )
    start = trial.cohort.covariates.normal_score("arat")[replicate, candidate]
    minute = trial.conduct.visit_minute[replicate, patient, visit]
    days = (minute - trial.cohort.onset[replicate, candidate]) / DAY
    done = (1 - math.exp(-days / course.time_constant_days)) / (
        1 - math.exp(-course.end_day / course.time_constant_days)
    )
    mean, sd, r = (
        first + done * (last - first)
        for first, last in (
            (course.start_mean, course.end_mean),
            (course.start_sd, course.end_sd),
            (course.start_baseline_correlation, course.end_baseline_correlation),
        )
    )
    q = course.within_patient_correlation
    latent = mean + sd * (
        r * start + math.sqrt(1 - r**2) * (math.sqrt(q) * own + math.sqrt(1 - q) * noise)
    )
    if trial.arms[replicate, patient] == 0:
        before = trial.conduct.infusion_due[replicate, patient] // DAY < minute // DAY
        given = (trial.conduct.infusion_given[replicate, patient] & before).sum()
        latent += latent_shift(outcome) * min(30 * given / 630, 1)
    return float(min(max(round(latent), 0), 57))


def test_scores_follow_the_formula_from_their_addresses(cars1: Scenario) -> None:
    trial = simulate_batch(cars1.replace({"design.patients": 24}), Streams(7, range(126, 130)))
    for replicate, patient in np.ndindex(trial.arms.shape):
        for visit in range(1, 6):
            expected = score_of(trial, replicate, patient, visit)
            assert trial.underlying["arat"][replicate, patient, visit] == expected


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_larger_effect_makes_no_patients_score_worse(cars1: Scenario, better: str) -> None:
    """Same seed, growing shift: the treated never lose, the others never move."""
    sign = 1 if better == "higher" else -1
    trials = []
    for shift in SHIFTS:
        effect = {"anchor": "latent_shift", "value": shift, "exposure": {"model": "none"}}
        changes = {"outcomes.arat.better": better, "outcomes.arat.effect": effect}
        trials.append(simulate_batch(cars1.replace(changes), Streams(3, range(64))))
    treated = trials[0].arms == 0
    for smaller, larger in pairwise(trials):
        assert (smaller.conduct.infusion_given == larger.conduct.infusion_given).all()
        gained = sign * (larger.underlying["arat"] - smaller.underlying["arat"])
        assert gained.min() == 0
        assert gained[treated][:, 1:].mean() > 1
        assert not gained[~treated].any()
        assert not gained[:, :, 0].any()


def test_without_an_effect_the_arms_are_alike(cars1: Scenario) -> None:
    """Means of 64 times 104 patients an arm within four standard errors of one another."""
    null = {"anchor": "latent_shift", "value": 0, "exposure": {"model": "none"}}
    trial = simulate_batch(cars1.replace({"outcomes.arat.effect": null}), Streams(4, range(64)))
    last = trial.underlying["arat"][:, :, -1]
    treated, control = last[trial.arms == 0], last[trial.arms == 1]
    error = (treated.var() / len(treated) + control.var() / len(control)) ** 0.5
    assert abs(treated.mean() - control.mean()) < 4 * error


def test_scores_are_whole_points_of_the_scale_and_missing_where_nobody_came(
    cars1: Scenario,
) -> None:
    trial = simulate_batch(cars1, Streams(5, range(16)))
    underlying, scores = trial.underlying["arat"], trial.scores["arat"]
    assert (underlying == np.rint(underlying)).all()
    assert (underlying.min(), underlying.max()) == (0, 57)
    assert not np.signbit(underlying).any()  # -0.0 would be written as such
    assert (np.isnan(scores) == ~trial.conduct.visit_attended).all()
    measured = trial.conduct.visit_attended
    assert (scores[measured] == underlying[measured]).all()


def test_the_score_at_baseline_is_the_covariate(cars1: Scenario) -> None:
    trial = simulate_batch(cars1, Streams(6, range(8)))
    for replicate in range(8):
        arat = trial.cohort.covariates["arat"][replicate, trial.candidate[replicate]]
        assert (trial.scores["arat"][replicate, :, 0] == arat).all()


def test_the_simulated_trial_looks_like_cars1(cars1: Scenario) -> None:
    """What is known of the trial, over 128 replicates: the standard errors are below 0.2."""
    trial = simulate_batch(cars1, Streams(2016, range(128)))
    baseline, last = (trial.underlying["arat"][:, :, visit] for visit in (0, -1))
    placebo = trial.arms == 1
    assert baseline.mean() == pytest.approx(10.4, abs=0.5)
    assert baseline.std() == pytest.approx(16.2, abs=0.5)
    assert last[placebo].mean() == pytest.approx(26.5, abs=0.7)
    assert last[placebo].std() == pytest.approx(21.0, abs=0.7)
    correlation = np.corrcoef(baseline[placebo], last[placebo])[0, 1]
    assert correlation == pytest.approx(0.6, abs=0.04)


def test_scores_of_some_patients_are_those_that_they_have_among_all(cars1: Scenario) -> None:
    """Of every outcome and visit, to the bit: what is made for few is what is made for all."""
    study = cars1.replace({"outcomes.arat.effect.trial_sd": 2.0})
    alone, together = (simulate_batch(study, Streams(21, range(5))).scores for _ in range(2))
    some = Pairs(np.array([0, 0, 3, 4]), np.array([7, 200, 0, 9]))
    for outcome in study.outcomes:
        for visit in range(len(study.design.visits)):
            found = alone.of_some(outcome, visit, some)
            expected = some.of(together.at(outcome, visit))
            assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("name", ["cars1_estimands", "cars1_mechanism", "cars1_registry"])
def test_each_patient_at_a_visit_of_their_own_has_the_score_of_that_visit(name: str) -> None:
    """Of every outcome, to the bit: what is known before a visit is made at one visit of each."""
    study = load(name)
    alone, together = (simulate_batch(study, Streams(22, range(5))).scores for _ in range(2))
    some = Pairs(np.repeat(np.arange(5), 40), np.tile(np.arange(40), 5))
    for outcome in study.outcomes:
        for visit in range(len(study.design.visits)):
            at_visits = some.of(together[outcome])[0, :, :visit]
            expected = DataFrame(np.c_[np.full(200, np.nan), at_visits]).ffill(axis=1).iloc[:, -1]
            assert np.array_equal(alone.last_before(outcome, visit, some), expected, equal_nan=True)


def test_what_is_known_before_a_visit_looks_past_scores_that_are_missing() -> None:
    """As in a trial that was observed, where one outcome is missing at a visit that took place."""
    nan = np.nan
    values = np.array([[1, nan, nan, 4], [nan, 2, nan, 4], [nan, nan, nan, 4], [1, 2, 3, nan]])

    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        if patients is None:
            return values[None, :, visit]
        return np.broadcast_to(values[patients.places, visit], (1, patients.places.size))

    everybody = Pairs(np.zeros(4, np.int64), np.arange(4))
    found = Scores(["arat"], 4, make).last_before("arat", 3, everybody)
    assert np.array_equal(found, [1, 2, nan, 3], equal_nan=True)
    with pytest.raises(ValueError, match="not each their own"):
        one_for_all(everybody.places)


def test_each_outcome_is_carried_forward_where_it_is_missing_itself() -> None:
    """Though who misses one outcome at a visit mostly misses all, and is looked for once."""
    nan = np.nan
    values = {
        "arat": np.array([[1.0, 2, nan], [1, nan, nan], [1, 2, 3]]),
        "mrs": np.array([[5.0, nan, nan], [5, 4, 3], [nan, nan, nan]]),
    }

    def make(outcome: str, visit: Visits, patients: Pairs | None) -> Floats:
        if patients is None:
            return values[outcome][None, :, visit]
        found = values[outcome][patients.places, visit]
        return np.broadcast_to(found, (1, patients.places.size))

    scores = Scores(values, 3, make)
    for outcome, expected in (("arat", [2, 1, 3]), ("mrs", [5, 3, nan]), ("arat", [2, 1, 3])):
        found = scores.carried_forward(outcome, 2)
        assert np.array_equal(found, [expected], equal_nan=True)


STOPPING: dict[str, Any] = {
    "probability": 0.6,
    "days": {"distribution": "uniform", "low": 1, "high": 20},
}


def shifted(cars1: Scenario, **operations: Any) -> tuple[Trial, Trial]:
    """Return a trial on a scale of fine steps, and the same patients in the placebo arm.

    The difference of their scores is the latent shift of the drug, 4 points at full effect.
    """
    study = cars1.replace(
        {
            "outcomes": {"arat": FINE},
            "outcome_correlation": {},
            "analysis.secondary": {},
            "design.patients": 60,
            **{f"operations.{name}": event for name, event in operations.items()},
        }
    )
    trial = simulate_batch(study, Streams(11, range(3)))
    return trial, trial.world("placebo")


FINE: dict[str, Any] = {
    "label": "Points",
    "low": -1000,
    "high": 1000,
    "step": 0.25,
    "better": "higher",
    "course": {"model": "interpolated", "days": [90], "means": [0], "sds": [10]}
    | {"baseline_correlations": [0]},
    "effect": {"anchor": "latent_shift", "value": 4, "exposure": {"model": "none"}},
}


def days_after(trial: Trial, event: Event) -> Floats:
    """Return the days from an event to each visit, negative where it has not happened."""
    minute = trial.conduct.minute_of(event)[:, :, None]
    return np.asarray((trial.conduct.visit_minute - minute) / DAY)


@pytest.mark.parametrize("event", ["discontinuation", "drug_related_discontinuation", "rescue"])
@pytest.mark.parametrize("half_life", [None, 0, 14])
def test_after_an_event_the_effect_stays_fades_or_is_gone(
    cars1: Scenario, event: Event, half_life: float | None
) -> None:
    """A latent shift of 4 points halves in every 14 days; scores have steps of 0.25."""
    fading = {**STOPPING, "drug_effect_half_life_days": half_life}
    trial, control = shifted(cars1, **{event: fading})
    days = days_after(trial, event)
    happened = days >= 0
    left = np.ones(days.shape)
    if half_life is not None:
        left[happened] = 0.0 if half_life == 0 else 0.5 ** (days[happened] / half_life)
    gained = trial.underlying["arat"] - control.underlying["arat"]
    treated = np.broadcast_to((trial.arms == 0)[:, :, None], gained.shape)[:, :, 1:]
    found, expected = gained[:, :, 1:], 4 * left[:, :, 1:]
    assert happened[:, :, 1:][treated].any()
    assert np.abs(found - expected)[treated].max() <= 0.25
    assert not found[~treated].any()


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_a_rescue_treatment_adds_its_own_effect_in_any_arm(
    cars1: Scenario, better: str, sign: int
) -> None:
    """Six points, rising in proportion over 20 days, towards the better end."""
    effect = {"anchor": "latent_shift", "value": 6, "full_after_days": 20}
    fine = {**FINE, "better": better}
    rescue = {**STOPPING, "effects": {"arat": effect}}
    study = cars1.replace(
        {
            "outcomes": {"arat": fine},
            "outcome_correlation": {},
            "analysis.secondary": {},
            "operations.rescue": rescue,
        }
    )
    trial = simulate_batch(study, Streams(12, range(2)))
    without = trial.world(off={"rescue"})
    days = days_after(trial, "rescue")
    gained = trial.underlying["arat"] - without.underlying["arat"]
    expected = sign * 6 * (days / 20).clip(0, 1)
    assert np.abs(gained - expected)[:, :, 1:].max() <= 0.25
    assert (np.abs(gained) > 5.5).any()


def test_a_rescue_effect_on_another_scale_is_the_drug_s_of_the_same_size(cars1: Scenario) -> None:
    """An anchor means the same of both: with the drug's own effect, rescued are as the treated."""
    effect = cars1.outcomes["arat"].effect
    own = {"anchor": effect.anchor, "value": effect.value}
    at_once = {"probability": 1, "days": {"distribution": "constant", "value": 0}}
    study = cars1.replace(
        {
            "outcomes.arat.effect.exposure": {"model": "none"},
            "operations.rescue": {**at_once, "effects": {"arat": own}},
        }
    )
    trial = simulate_batch(study, Streams(13, range(2)))
    rescued = trial.world("placebo").underlying["arat"]
    treated = trial.world("cerebrolysin", off={"rescue"}).underlying["arat"]
    assert np.array_equal(rescued, treated)


def test_a_trial_takes_no_memory_once_nobody_looks_at_it(cars1: Scenario) -> None:
    """Not even until the next collection of garbage: a trial may have a million patients."""
    trial = simulate_batch(cars1, Streams(7, range(2)))
    trial.scores.carried_forward("arat", 5)
    left = [weakref.ref(trial.scores), weakref.ref(trial.underlying)]
    gc.disable()
    try:
        del trial
        assert [one() for one in left] == [None, None]
    finally:
        gc.enable()

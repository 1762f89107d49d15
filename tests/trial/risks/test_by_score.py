"""Risks that depend on scores: their law, which score they depend on, and the one history."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, get_args

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from scipy.special import expit, logit

from tests.trial.as_of import as_of
from trialsim.clock import DAY, NEVER
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.looks import run_again
from trialsim.trial.trial import Trial, simulate_batch

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]
DAY_5: Final = {"distribution": "constant", "value": 5}
LOG_ODDS: Final = -0.06
REFERENCE: Final = 25.0


def by_arat(seen: str, log_odds: float = LOG_ODDS) -> dict[str, Any]:
    """Return a dependence on the score of ARAT."""
    return {"arat": {"seen": seen, "log_odds_per_unit": log_odds, "reference": REFERENCE}}


def event(kind: str, probability: float, days: Any = DAY_5, **more: Any) -> dict[str, Any]:
    """Return the change that lets an event happen."""
    to = {"to": "placebo"} if kind == "switching" else {}
    return {f"operations.{kind}": {"probability": probability, "days": days, **to, **more}}


@pytest.mark.parametrize("seen", ["last_observed", "unseen"])
@pytest.mark.parametrize("kind", get_args(Event))
def test_a_score_that_changes_no_odds_leaves_the_law_and_the_numbers(
    cars1: Scenario, kind: Event, seen: str
) -> None:
    """The same word decides: at log odds 0 the same patients have the event, at the same time."""
    days = {"distribution": "exponential", "mean": 20}
    plain, alike = (
        simulate_batch(cars1.replace(event(kind, 0.4, days, **more)), Streams(3, range(8)))
        for more in ({}, {"scores": by_arat(seen, 0.0)})
    )
    ours, theirs = (one.conduct.minute_of(kind) for one in (plain, alike))
    assert (ours < NEVER).sum() > 100
    assert ((ours < NEVER) != (theirs < NEVER)).sum() <= 1
    both = (ours < NEVER) & (theirs < NEVER)
    assert np.abs(ours - theirs)[both].max() <= 1


def fitted(happened: Any, *scores: Any) -> Any:
    """Fit a logistic regression of what happened on scores."""
    design = sm.add_constant(np.column_stack([score.ravel() - REFERENCE for score in scores]))
    return sm.Logit(happened.ravel().astype(float), design).fit(disp=0)


@pytest.mark.parametrize("kind", get_args(Event))
def test_what_depends_on_the_last_score_seen_is_missing_at_random(
    cars1: Scenario, kind: Event
) -> None:
    """On day 5 baseline was seen last: its log odds ratio is recovered within four errors.

    Given it, the score of day 10 that would have been says nothing.
    """
    study = cars1.replace(
        {"analysis.secondary": {}, **event(kind, 0.3, scores=by_arat("last_observed"))}
    )
    trial = simulate_batch(study, Streams(5, range(48))).world("cerebrolysin")
    scores = trial.world("cerebrolysin", off={kind}).underlying["arat"]
    there = (
        np.minimum(trial.conduct.exited, trial.conduct.discontinued) - (trial.conduct.randomised)
        >= 5 * DAY
    )
    happened = (trial.conduct.minute_of(kind) < NEVER)[there]
    fit = fitted(happened, scores[..., 0][there], scores[..., 1][there])
    assert abs(fit.params[1] - LOG_ODDS) < 4 * fit.bse[1]
    assert abs(fit.params[2]) < 4 * fit.bse[2]
    alone = fitted(happened, scores[..., 0][there])
    assert abs(alone.params[0] - logit(0.3)) < 4 * alone.bse[0]
    assert alone.params[1] < -8 * alone.bse[1]


@pytest.mark.parametrize("kind", ["withdrawal", "discontinuation", "rescue"])
def test_what_depends_on_the_unseen_score_is_missing_not_at_random(
    cars1: Scenario, kind: Event
) -> None:
    """By the score of day 10 had the event not happened; baseline adds nothing to it."""
    study = cars1.replace({"analysis.secondary": {}, **event(kind, 0.3, scores=by_arat("unseen"))})
    trial = simulate_batch(study, Streams(6, range(48)))
    scores = trial.world(off={kind}).underlying["arat"]
    there = (
        np.minimum(trial.conduct.exited, trial.conduct.discontinued) - (trial.conduct.randomised)
        >= 5 * DAY
    )
    happened = (trial.conduct.minute_of(kind) < NEVER)[there]
    fit = fitted(happened, scores[..., 1][there], scores[..., 0][there])
    assert abs(fit.params[1] - LOG_ODDS) < 4 * fit.bse[1]
    assert abs(fit.params[2]) < 4 * fit.bse[2]


@pytest.mark.parametrize("seen", ["last_observed", "unseen"])
def test_missed_visits_depend_on_the_score_that_they_are_said_to(
    cars1: Scenario, seen: str
) -> None:
    """At day 21: by that of day 10 where that was seen, or by that of day 21 itself."""
    study = cars1.replace(
        {
            "analysis.secondary": {},
            "operations.visit_missed_probability": 0.3,
            "operations.visit_missed_odds": {"scores": by_arat(seen)},
        }
    )
    trial = simulate_batch(study, Streams(7, range(48)))
    attended, scores = trial.conduct.visit_attended, trial.underlying["arat"]
    there = (trial.conduct.exited > trial.conduct.visit_minute[:, :, 2]) & attended[:, :, 1]
    missed = ~attended[:, :, 2][there]
    before, then = scores[..., 1][there], scores[..., 2][there]
    fit = fitted(missed, *((before, then) if seen == "last_observed" else (then, before)))
    assert abs(fit.params[1] - LOG_ODDS) < 4 * fit.bse[1]
    assert abs(fit.params[2]) < 4 * fit.bse[2]


def test_missed_visits_depend_on_the_arm_and_on_covariates(cars1: Scenario) -> None:
    """In logistic regression, within four standard errors; baseline is never missed."""
    odds = {
        "arms": {"cerebrolysin": {"odds_ratio": 2.0}},
        "covariates": {"age_years": {"log_odds_per_unit": 0.03, "reference": 64}},
    }
    study = cars1.replace(
        {"operations.visit_missed_probability": 0.2, "operations.visit_missed_odds": odds}
    )
    trial = simulate_batch(study, Streams(8, range(32)))
    age = np.take_along_axis(trial.cohort.covariates["age_years"], trial.candidate, axis=1)
    conduct = trial.conduct
    there = conduct.exited > conduct.visit_minute[:, :, 3]
    missed = ~conduct.visit_attended[:, :, 3][there]
    design = sm.add_constant(np.column_stack([trial.arms[there] == 0, age[there] - 64]))
    fit = sm.Logit(missed.astype(float), design).fit(disp=0)
    expected = [logit(0.2), np.log(2), 0.03]
    assert (np.abs(fit.params - expected) < 4 * fit.bse).all()
    assert conduct.visit_attended[:, :, 0].all()


HISTORY: Final[dict[str, Any]] = {
    "analysis.secondary": {},
    "design.patients": 40,
    **event("discontinuation", 0.4, {"distribution": "exponential", "mean": 20}),
    **event(
        "withdrawal",
        0.5,
        {"distribution": "exponential", "mean": 40},
        scores=by_arat("last_observed", -0.1),
    ),
    "operations.visit_missed_probability": 0.3,
    "operations.visit_missed_odds": {"scores": by_arat("unseen", 0.05)},
}


def test_the_history_is_that_of_each_patient_by_itself(cars1: Scenario) -> None:
    """Oracle: a loop over a patient's visits, with the scores that were seen and a closed form.

    What rounds to the last minute of a day belongs to the day, half a minute after it.
    """
    trial = simulate_batch(cars1.replace(HISTORY), Streams(9, range(4)))
    conduct, scores = trial.conduct, trial.underlying["arat"]
    words = trial.recruited.streams.uniform("withdrawal", trial.cohort.arrival.shape[1])
    later = 0
    for replicate, patient in np.ndindex(trial.arms.shape):
        where = replicate, patient
        u = words[replicate, trial.candidate[where]]
        ends = [*conduct.visit_day[where][1:], np.inf]
        seen, before, happened, expected = np.nan, 0.0, 0.0, np.inf
        for visit, day in enumerate(ends):
            if conduct.visit_attended[where][visit]:
                seen = scores[where][visit]
            after = 1 - np.exp(-(day + 0.5 / DAY) / 40)
            hazard = 0.5 * (after - before) / (1 - 0.5 * before)
            risk = expit(logit(hazard) - 0.1 * (seen - REFERENCE))
            now = happened + (1 - happened) * risk
            if happened <= u < now:
                share = before + (after - before) * (u - happened) / (now - happened)
                expected = -40 * np.log(1 - share) * DAY
                later += visit > 1
                break
            happened, before = now, after
        last = max(conduct.visit_minute[where][-1], conduct.infusion_due[where][-1])
        minute = conduct.randomised[where] + expected
        if conduct.died[where] < NEVER and minute >= conduct.died[where]:
            continue
        if minute > last + 1:
            assert conduct.withdrawn[where] == NEVER
        elif minute < last - 1:
            assert abs(conduct.withdrawn[where] - minute) <= 3
    assert later > 5


def test_a_batch_of_one_and_a_batch_of_many_have_one_history(
    cars1: Scenario, arrays_of: ArraysOf
) -> None:
    whole = simulate_batch(cars1.replace(HISTORY), Streams(9, range(6)))
    for replicate in (0, 4):
        alone = simulate_batch(cars1.replace(HISTORY), Streams(9, range(replicate, replicate + 1)))
        for name, scores in alone.scores.items():
            assert_array_equal(scores[0], whole.scores[name][replicate])
        assert_array_equal(alone.conduct.withdrawn[0], whole.conduct.withdrawn[replicate])


COUPLED: Final[dict[str, Any]] = {
    "analysis.secondary": {},
    **event(
        "discontinuation",
        0.5,
        {"distribution": "uniform", "low": 1, "high": 20},
        scores=by_arat("last_observed", -0.2),
    ),
    **event(
        "withdrawal",
        0.5,
        {"distribution": "exponential", "mean": 20},
        scores=by_arat("last_observed", 0.1),
    ),
    **event(
        "rescue",
        0.5,
        {"distribution": "uniform", "low": 1, "high": 80},
        scores=by_arat("unseen", -0.1),
        effects={"arat": {"anchor": "mean_difference", "value": 12}},
    ),
    "operations.visit_missed_probability": 0.3,
    "operations.visit_missed_odds": {"scores": by_arat("unseen", -0.1)},
}


@pytest.fixture(scope="module")
def coupled(crowded: Scenario) -> Trial:
    """Return a batch in which patients wait, and who scores badly frees a chair."""
    return simulate_batch(crowded.replace(COUPLED), Streams(10, range(4)))


def test_with_chairs_the_history_is_one_that_causes_itself(
    coupled: Trial, arrays_of: ArraysOf
) -> None:
    """The ends that scores decide are those with which chairs were handed out."""
    found, expected = arrays_of(coupled.world()), arrays_of(coupled)
    for name in found:
        assert_array_equal(found[name], expected[name], err_msg=name)
    conduct = coupled.conduct
    assert conduct.waited is not None
    assert conduct.lacked is not None
    assert conduct.waited.any()
    due = conduct.infusion_due
    ends = np.minimum(conduct.discontinued, conduct.exited)[:, :, None]
    asked = (conduct.waited > 0) | (conduct.lacked > 0)
    assert not (asked & (due >= ends)).any()
    before = coupled.itinerary.intentions.refused
    refused = np.take_along_axis(before, conduct.place[:, :, None], axis=1)
    free = ~refused & (due < ends) & (conduct.lacked == 0)
    assert_array_equal(conduct.infusion_given, free)


def test_with_chairs_scores_decide_who_waits(crowded: Scenario, coupled: Trial) -> None:
    """Against the same trial without the dependence: others are treated at other minutes."""
    plain = dict(COUPLED)
    for kind in ("discontinuation", "withdrawal"):
        plain[f"operations.{kind}"] = {**plain[f"operations.{kind}"], "scores": {}}
    other = simulate_batch(crowded.replace(plain), Streams(10, range(4)))
    assert (coupled.conduct.infusion_given != other.conduct.infusion_given).any()
    assert (coupled.conduct.randomised != other.conduct.randomised).any()


def test_a_stop_with_chairs_keeps_the_history_before_it(coupled: Trial) -> None:
    """Recruitment closes when half have been randomised; what happened before stays to the bit."""
    minute = coupled.conduct.randomised[:, 20]
    closed = run_again(coupled, closes=minute)
    for name in ("randomised", "withdrawn", "discontinued"):
        ours, theirs = (getattr(one.conduct, name) for one in (closed, coupled))
        before = theirs < minute[:, None]
        assert before.any()
        assert_array_equal(ours[before], theirs[before])
    late = coupled.conduct.randomised >= minute[:, None]
    assert (closed.conduct.randomised[late] == NEVER).all()
    assert_array_equal(as_of(closed, minute).conduct.died, as_of(coupled, minute).conduct.died)


def test_with_chairs_a_batch_of_one_has_the_same_history(crowded: Scenario, coupled: Trial) -> None:
    alone = simulate_batch(crowded.replace(COUPLED), Streams(10, range(2, 3)))
    assert_array_equal(alone.conduct.discontinued[0], coupled.conduct.discontinued[2])
    assert_array_equal(alone.scores["arat"][0], coupled.scores["arat"][2])


def test_what_is_switched_off_is_not_decided_and_others_are_decided_anew(cars1: Scenario) -> None:
    """Without discontinuation patients score better, and fewer of them withdraw."""
    study = cars1.replace(
        {
            **HISTORY,
            "operations.discontinuation": {
                "probability": 0.8,
                "days": DAY_5,
                "drug_effect_half_life_days": 0,
            },
            "outcomes.arat.effect.value": 0.8,
        }
    )
    trial = simulate_batch(study, Streams(12, range(16)))
    stayed = trial.world(off={"discontinuation"})
    treated = trial.arms == 0
    left, fewer = ((one.conduct.withdrawn < NEVER) for one in (trial, stayed))
    assert (left & treated).sum() > (fewer & treated).sum()
    assert_array_equal(left[~treated], fewer[~treated])
    nobody = trial.world(off={"withdrawal", "visit_missed", "death"})
    assert nobody.conduct.visit_attended.all()

"""Deaths, withdrawals and discontinuations depend on who the patient is and on the arm."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from trialsim.arrays import Booleans, Floats
from trialsim.clock import NEVER
from trialsim.errors import InputError
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

SEVERE = {"label": "NIHSS above 8", "covariate": "nihss", "more_than": 8}
RISKY = {
    "probability": 0.2,
    "days": {"distribution": "exponential", "mean": 20},
    "covariates": {
        "nihss": {"log_odds_per_unit": 0.3, "reference": 9},
        "age_years": {"log_odds_per_unit": 0.02, "reference": 60},
    },
    "arms": {"cerebrolysin": {"odds_ratio": 0.3, "subgroup": SEVERE}},
}
EVENTS = [*("death", "withdrawal", "discontinuation"), "drug_related_discontinuation", "rescue"]


@pytest.fixture(scope="module")
def risky(cars1: Scenario) -> Scenario:
    """Return CARS-1 with many deaths among the severe and the old, fewer under the drug."""
    return cars1.replace({"operations.death": RISKY})


def covariate(trial: Trial, name: str) -> Floats:
    """Return a covariate of the patients, shape (replicate, patient)."""
    return np.take_along_axis(trial.cohort.covariates[name], trial.candidate, axis=1)


def happens(trial: Trial, ends: NDArray[Any]) -> Booleans:
    """Return to whom of the patients something is meant to happen, in the arm that each is in."""
    place = trial.conduct.place[:, :, None]
    of_patient = np.take_along_axis(ends, np.broadcast_to(place, (*place.shape[:2], 2)), axis=1)
    chosen = np.take_along_axis(of_patient, trial.arms[:, :, None], axis=2)[:, :, 0]
    return np.asarray(chosen < NEVER)


def test_as_many_die_as_the_logistic_formula_says_in_every_group(risky: Scenario) -> None:
    """19,968 patients by arm and severity: within four standard errors of the sum of chances."""
    trial = simulate_batch(risky, Streams(21, range(96)))
    nihss, age = covariate(trial, "nihss"), covariate(trial, "age_years")
    treated = trial.arms == 0
    odds = logit(0.2) + 0.3 * (nihss - 9) + 0.02 * (age - 60)
    chance = expit(odds + np.log(0.3) * (treated & (nihss > 8)))
    died = happens(trial, trial.itinerary.intentions.events["death"])
    for arm in (treated, ~treated):
        for group in (nihss > 8, nihss <= 8, age > 70, age <= 60):
            there = arm & group
            expected = chance[there].sum()
            error = np.sqrt((chance * (1 - chance))[there].sum())
            assert abs(died[there].sum() - expected) < 4 * error


def test_the_arm_saves_some_of_those_that_it_is_said_to_and_harms_nobody(
    cars1: Scenario, risky: Scenario
) -> None:
    """Beside the same patients without an effect of the arm."""
    alike = cars1.replace({"operations.death": {**RISKY, "arms": {}}})
    saved, same = (simulate_batch(one, Streams(22, range(16))) for one in (risky, alike))
    spared = (saved.conduct.died == NEVER) & (same.conduct.died < NEVER)
    lost = (saved.conduct.died < NEVER) & (same.conduct.died == NEVER)
    severe, treated = covariate(saved, "nihss") > 8, saved.arms == 0
    assert spared.any()
    assert not (spared & ~(severe & treated)).any()
    assert not lost.any()
    unmoved = ~(severe & treated)
    assert (saved.conduct.died == same.conduct.died)[unmoved].all()


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("chairs", [None, 60])
def test_both_engines_give_the_same_risks_and_scores(
    cars1: Scenario, event: str, chairs: int | None
) -> None:
    """Without chairs and with more than can be taken, in the events engine against the vector."""
    base = cars1.replace({"design.patients": 60, f"operations.{event}": RISKY})
    limited = base.replace({"operations.infusion_chairs_per_site": chairs})
    vector = simulate_batch(base, Streams(23, range(6)), "vector")
    events = simulate_batch(limited, Streams(23, range(6)), "events")
    assert (vector.arms == events.arms).all()
    for name in (*vector.conduct.ends, "infusion_given", "visit_attended"):
        ours, theirs = (getattr(one.conduct, name) for one in (vector, events))
        assert ours.tobytes() == theirs.tobytes(), name
    for outcome in ("arat", "mrs"):
        assert vector.scores[outcome].tobytes() == events.scores[outcome].tobytes()


def test_with_few_chairs_the_same_patients_die_at_the_same_time_after_randomisation(
    crowded: Scenario,
) -> None:
    """Chairs decide when and in which arm a patient is randomised, and move no random number."""
    trial = simulate_batch(crowded.replace({"operations.death": RISKY}), Streams(24, range(12)))
    place = trial.conduct.place
    minutes = np.take_along_axis(
        trial.itinerary.intentions.events["death"], place[:, :, None], axis=1
    )
    own = np.take_along_axis(minutes, trial.arms[:, :, None], axis=2)[:, :, 0]
    dead = trial.conduct.died < NEVER
    assert trial.conduct.waited is not None
    assert trial.conduct.waited.any()
    assert dead.sum() > 20
    since = trial.conduct.died - trial.conduct.randomised
    assert (since[dead] == own[dead]).all()


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            {"covariates": {"nihs": {"log_odds_per_unit": 1, "reference": 0}}},
            "operations.death.covariates.nihs: must be a covariate that exists; did you mean nihss?"
            " (got nihs)",
        ),
        (
            {"covariates": {"sex": {"log_odds_per_unit": 1, "reference": 0}}},
            "operations.death.covariates.sex: must be a covariate that is a number (got sex)",
        ),
        (
            {"arms": {"placbo": {"odds_ratio": 2}}},
            "operations.death.arms.placbo: must be an arm that exists; did you mean placebo? "
            "(got placbo)",
        ),
        (
            {"arms": {"placebo": {"odds_ratio": 2, "subgroup": {**SEVERE, "covariate": "nihs"}}}},
            "operations.death.arms.placebo.subgroup.covariate: must be a covariate that exists; "
            "did you mean nihss? (got nihs)",
        ),
    ],
)
def test_a_risk_of_what_there_is_not_is_refused(
    cars1: Scenario, part: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError) as caught:
        cars1.replace({"operations.death": {**RISKY, **part}})
    assert str(caught.value).splitlines() == [told]

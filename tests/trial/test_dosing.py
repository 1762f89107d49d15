"""Study drug by phase, by weight and by day, against a plain loop over infusions."""

from typing import Any

import numpy as np
import pytest

from trialsim.clock import DAY
from trialsim.datasets import tables
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import simulate
from trialsim.streams import Streams
from trialsim.trial.dosing import Dosing
from trialsim.trial.trial import Trial, simulate_batch

PHASES = {
    "per_cycle": 7,
    "days": "every_day",
    "then": {
        "per_cycle": 6,
        "days": "monday_to_friday",
        "then": {"per_cycle": 4, "days": "monday_and_thursday"},
    },
}
ARM = "design.arms.cerebrolysin"


@pytest.fixture(scope="module")
def phased() -> Trial:
    changes: dict[str, Any] = {
        "design.patients": 24,
        "treatment.infusions": PHASES,
        f"{ARM}.dose_ml": [30, 10, 5],
        "operations.refusal_probability": {"distribution": "constant", "value": 0.2},
        "operations.withdrawal.probability": 0.3,
    }
    return simulate_batch(load("cars1").replace(changes), Streams(5, range(3)))


def dosing_of(trial: Trial) -> Dosing:
    onset = np.take_along_axis(trial.cohort.onset, trial.candidate, axis=1)
    return Dosing(trial.scenario, trial.conduct, trial.arms, onset)


def test_drug_received_is_added_up_infusion_by_infusion(phased: Trial) -> None:
    """Every visit's total and every day's dose."""
    conduct, dosing = phased.conduct, dosing_of(phased)
    dose_of = [30.0] * 7 + [10.0] * 6 + [5.0] * 4
    for replicate, patient in np.ndindex(phased.arms.shape):
        first = conduct.randomised[replicate, patient] // DAY
        days = conduct.infusion_due[replicate, patient] // DAY - first
        active = phased.arms[replicate, patient] == 0
        daily = np.zeros(days[-1] + 1)
        for day, given, dose in zip(
            days, conduct.infusion_given[replicate, patient], dose_of, strict=True
        ):
            daily[day] += dose * given * active
        found = dosing.daily()[replicate, patient]
        np.testing.assert_array_equal(found[: len(daily)], daily)
        assert not found[len(daily) :].any()
        for visit in range(6):
            until = conduct.visit_day[replicate, patient, visit]
            assert dosing.total(visit)[replicate, patient] == daily[:until].sum()


def test_each_phase_begins_on_its_first_day_after_the_one_before(phased: Trial) -> None:
    """Whatever the weekday of randomisation; minute 0 is a Monday."""
    days = phased.conduct.infusion_due // DAY
    weekdays = days % 7
    assert (np.diff(days[:, :, :7], axis=2) == 1).all()
    assert (weekdays[:, :, 7:13] < 5).all()
    assert np.isin(weekdays[:, :, 13:], (0, 3)).all()
    gaps = np.diff(days, axis=2)
    assert gaps.min() == 1
    assert (gaps[:, :, 6] <= 3).all()  # over a weekend at most
    assert (gaps[:, :, 12] <= 4).all()


def test_an_arm_with_drug_is_assigned_whatever_was_given(phased: Trial) -> None:
    np.testing.assert_array_equal(dosing_of(phased).assigned(1), phased.arms == 0)


def test_doses_by_weight_are_told_in_millilitres() -> None:
    """2.5 mL/kg of a rat's own weight, also where the dose is said in mg/kg."""
    rats = load("rat_mtbi")
    tables = simulate(rats, seed=4).tables()
    weights = tables["screening"].set_index("screening_number")["weight_kg"]
    subjects = tables["subjects"].set_index("subject")
    weight = subjects["screening_number"].map(weights)
    expected = 2.5 * 28 * weight * (subjects["arm"] == "cerebrolysin")
    received = subjects["study_drug_received_ml"].astype(float)
    np.testing.assert_allclose(received, expected.astype(float), rtol=1e-12)
    in_mg = {"treatment.strength_mg_per_ml": 200.0}
    for arm, dose in {"saline": 0.0, "cerebrolysin": 500.0, "sham": 0.0}.items():
        in_mg |= {f"design.arms.{arm}.dose_ml_per_kg": None}  # type: ignore[dict-item]
        in_mg |= {f"design.arms.{arm}.dose_mg_per_kg": dose}
    again = simulate(rats.replace(in_mg), seed=4).tables()["subjects"]
    np.testing.assert_allclose(again["study_drug_received_ml"], received, rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {f"{ARM}.dose_ml": [30, 10]},
            f"{ARM}: must have one dose, or one for each phase of the infusions, 1 (got 2)",
        ),
        ({f"{ARM}.dose_ml": None}, f"{ARM}.dose_ml: must be given in one unit: dose_ml, dose_ml_"),
        ({f"{ARM}.dose_ml_per_kg": 1.0}, f"{ARM}.dose_ml: must be given in one unit"),
        (
            {f"{ARM}.dose_ml": None, f"{ARM}.dose_mg_per_kg": 1.0},
            "design.arms.placebo: must be dosed in the unit of the first arm, mg/kg (got mL)",
        ),
        ({f"{ARM}.dose_ml": 130.0}, f"{ARM}.dose_ml: must not exceed volume_ml (got 130)"),
    ],
)
def test_doses_that_cannot_be_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as refused:
        load("cars1").replace(changes)
    assert told in str(refused.value)


def test_doses_by_weight_need_the_weight() -> None:
    rats: Scenario = load("rat_mtbi")
    with pytest.raises(InputError, match=r"treatment\.body_weight_kg: must name the covariate"):
        rats.replace({"treatment.body_weight_kg": None})


SWITCHING = {
    "design.patients": 24,
    "treatment.infusions": PHASES,
    f"{ARM}.dose_ml": [30, 10, 5],
    "design.arms.placebo.dose_ml": 2,
    "operations.switching": {
        "probability": 0.7,
        "days": {"distribution": "uniform", "low": 0, "high": 20},
        "to": "placebo",
    },
}


def test_after_switching_infusions_contain_the_other_arm_s_drug() -> None:
    """Every visit's total, every day's dose and every row of the table, infusion by infusion."""
    trial = simulate_batch(load("cars1").replace(SWITCHING), Streams(5, range(3)))
    conduct, dosing = trial.conduct, dosing_of(trial)
    own = {0: [30.0] * 7 + [10.0] * 6 + [5.0] * 4, 1: [2.0] * 17}
    recorded = tables(trial)["infusions"]["dose_ml"].to_numpy().reshape(*trial.arms.shape, -1)
    mixed = 0
    for replicate, patient in np.ndindex(trial.arms.shape):
        where = replicate, patient
        start, switched = conduct.infusion_start[where], conduct.switched[where]
        first = conduct.randomised[where]
        doses = np.where(start >= switched, own[1], own[int(trial.arms[where])])
        doses = doses * conduct.infusion_given[where]
        mixed += (doses == 2).any() & (doses > 2).any()
        assert (recorded[where] == doses).all()
        days = start // DAY - first // DAY
        for visit, minute in enumerate(conduct.visit_minute[where]):
            before = days < (minute - first) // DAY
            assert dosing.total(visit)[where] == doses[before].sum()
        assert dosing.daily()[where].sum() == doses.sum()
    assert mixed > 5


def test_who_switches_to_the_drug_is_assigned_to_it_from_then_on() -> None:
    """Under an exposure that asks for the arm alone, the whole effect comes with the switch."""
    to_drug = {"probability": 1, "days": {"distribution": "constant", "value": 15}}
    study = load("cars1").replace(
        {
            "operations.switching": {**to_drug, "to": "cerebrolysin"},
            "outcomes.arat.effect.exposure": {"model": "none"},
        }
    )
    trial = simulate_batch(study, Streams(5, range(2)))
    here = trial.conduct.exited - trial.conduct.randomised > 15 * DAY
    here &= trial.conduct.discontinued - trial.conduct.randomised > 15 * DAY
    treated, dosing = trial.arms == 0, dosing_of(trial)
    assert (dosing.assigned(0) == treated).all()
    assert dosing.assigned(5)[here].all()
    forced = trial.world("cerebrolysin").underlying["arat"]
    assert (trial.underlying["arat"][..., 5] == forced[..., 5])[here].all()
    assert (trial.underlying["arat"][..., 1] != forced[..., 1])[here & ~treated].any()

"""Where nobody could wait, no event is needed: which replicates those are, and all the rest."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from trialsim.arrays import Booleans
from trialsim.clock import NEVER
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial import waiting
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.cohort import enrol
from trialsim.trial.conduct import Recruitment
from trialsim.trial.event_engine import recruit_by_events
from trialsim.trial.itinerary import plan_itinerary
from trialsim.trial.trial import simulate_batch
from trialsim.trial.vector_engine import first_to_be_ready
from trialsim.trial.waiting import recruit_with_waiting, somebody_waits

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]
DOUBLED = {"odds_ratio": 2}
GAIN = {"anchor": "mean_difference", "value": 3}
FIELDS = [field.name for field in dataclasses.fields(Recruitment)]
WEEKDAYS = {"per_cycle": 10, "days": "monday_to_friday"}
OFTEN = {"probability": 0.3, "days": {"distribution": "uniform", "low": 1, "high": 18}}
EVENTFUL: dict[str, Any] = {
    "operations.discontinuation": OFTEN,
    "operations.drug_related_discontinuation": {**OFTEN, "arms": {"cerebrolysin": DOUBLED}},
    "operations.rescue": {**OFTEN, "effects": {"arat": GAIN}, "drug_effect_half_life_days": 5},
    "operations.switching": {**OFTEN, "to": "placebo"},
}
"""Events of every kind that end infusions, or leave a patient in a chair."""
WAYS: list[dict[str, Any]] = [
    {"operations.infusion_chairs_per_site": 2},
    {"operations.infusion_chairs_per_site": 3, "treatment.infusions": WEEKDAYS},
    {"operations.infusion_chairs_per_site": 4, "operations.infusion_minutes": 240},
    {"operations.infusion_chairs_per_site": 2, "operations.infusion_minutes": 1},
    {"operations.infusion_chairs_per_site": 12, "operations.infusion_minutes": 1440},
    {
        "operations.infusion_chairs_per_site": 1,
        "operations.infusion_minutes": 2,
        "treatment.infusions": {"per_cycle": 2, "days": "every_day"},
        "operations.refusal_probability": {"distribution": "constant", "value": 0.5},
    },
]
WAYS.append({**WAYS[0], **EVENTFUL})
"""Ways of running two sites in which some replicates have nobody who waits, and others have."""


@pytest.mark.parametrize("chairs", [1, 2, 3])
@pytest.mark.parametrize("by_score", [False, True])
def test_a_trial_with_rescue_and_switching_is_the_same_by_few_events_and_by_all(
    crowded: Scenario,
    arrays_of: ArraysOf,
    monkeypatch: pytest.MonkeyPatch,
    by_score: bool,
    chairs: int,
) -> None:
    """Every array of the trial, in a batch and each replicate alone; and events keep their days."""
    quiet = {"design.patients": 14, "operations.candidates_per_site_per_month": 10}
    study = crowded.replace({**quiet, **EVENTFUL, "operations.infusion_chairs_per_site": chairs})
    if by_score:
        seen = {"seen": "last_observed", "log_odds_per_unit": -0.05, "reference": 25}
        study = study.replace({"operations.rescue.scores": {"arat": seen}})
    few = simulate_batch(study, Streams(5, range(6)))
    monkeypatch.setattr(
        waiting, "somebody_waits", lambda plain, *_: np.ones(len(plain.place), bool)
    )
    every = simulate_batch(study, Streams(5, range(6)))
    found, expected = arrays_of(few), arrays_of(every)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert found[path].tobytes() == array.tobytes(), path
    alone = simulate_batch(study, Streams(5, range(4, 5)))
    for name, minutes in alone.conduct.ends.items():
        assert minutes.tobytes() == few.conduct.ends[name][4:5].tobytes(), name
    assert few.scores["arat"][4:5].tobytes() == alone.scores["arat"].tobytes()
    conduct = few.conduct
    assert conduct.waited is not None
    assert np.any(conduct.waited > 0)
    for name in ("rescued", "switched", "stopped_for_drug"):
        assert (conduct.ends[name] < NEVER).any(), name


def recruited(
    scenario: Scenario, streams: Streams
) -> tuple[Recruitment, Recruitment, Recruitment, Booleans]:
    """Return recruitment by events, with few events, without waiting, and where somebody waits."""
    cohort = enrol(scenario, streams, 400)
    itinerary = plan_itinerary(cohort, scenario, streams)
    allocation = allocation_of(scenario, cohort, streams)
    plain = first_to_be_ready(itinerary, scenario, allocation)
    return (
        recruit_by_events(itinerary, scenario, allocation),
        recruit_with_waiting(itinerary, cohort, scenario, allocation),
        plain,
        somebody_waits(plain, itinerary, cohort, scenario),
    )


@pytest.mark.parametrize("changes", WAYS)
def test_few_events_give_what_all_events_give_and_are_needed_just_where_somebody_waits(
    crowded: Scenario, changes: dict[str, Any]
) -> None:
    """In a replicate that is left out, nobody waits; in one that is not, somebody does."""
    quiet = {"design.patients": 14, "operations.candidates_per_site_per_month": 10}
    scenario = crowded.replace({**quiet, **changes})
    events, few, plain, waits = recruited(scenario, Streams(1, range(20)))
    for name in FIELDS:
        assert getattr(few, name).tobytes() == getattr(events, name).tobytes(), name
    assert events.waited is not None
    assert events.lacked is not None
    delayed = events.waited.any(axis=(1, 2)) | events.lacked.any(axis=(1, 2))
    for name in ("place", "randomised"):
        delayed |= (getattr(events, name) != getattr(plain, name)).any(axis=1)
    assert (waits == delayed).all()
    assert 0 < waits.sum() < len(waits)


def test_where_more_than_chairs_is_shared_every_replicate_is_simulated_by_events(
    crowded: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arithmetic of waiting knows chairs alone."""
    study = crowded.replace({"operations.infusion_chairs_per_site": 12})
    streams = Streams(3, range(4))
    cohort = enrol(study, streams, 400)
    itinerary = plan_itinerary(cohort, study, streams)
    plain = first_to_be_ready(itinerary, study, allocation_of(study, cohort, streams))
    assert not somebody_waits(plain, itinerary, cohort, study).all()
    monkeypatch.setattr("trialsim.trial.waiting.couples_patients", lambda _: "operations.kits")
    assert somebody_waits(plain, itinerary, cohort, study).all()

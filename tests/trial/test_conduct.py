"""What happens to patients and what no longer can, patient by patient."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pytest

from trialsim.clock import DAY, NEVER
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

SOON: Final = {"distribution": "exponential", "mean": 30}
FIELDS: Final[Mapping[Event, str]] = {
    "drug_related_discontinuation": "stopped_for_drug",
    "rescue": "rescued",
    "switching": "switched",
    "withdrawal": "withdrawn",
    "death": "died",
}


@pytest.fixture(scope="module")
def eventful(cars1: Scenario) -> Trial:
    """Return a batch in which everything happens to many."""
    events: dict[str, Any] = {
        f"operations.{kind}": {"probability": 0.5, "days": SOON}
        for kind in ("discontinuation", *FIELDS)
    }
    events["operations.switching"]["to"] = "placebo"
    return simulate_batch(cars1.replace({"design.patients": 60, **events}), Streams(7, range(4)))


def test_events_happen_in_turn_and_nothing_happens_to_who_has_left(eventful: Trial) -> None:
    """Oracle: each patient by itself, from what the patient intends and the words."""
    conduct, intended = eventful.conduct, eventful.itinerary.intentions
    seen: set[str] = set()
    for replicate, patient in np.ndindex(eventful.arms.shape):
        where = replicate, patient
        place, arm = int(conduct.place[where]), int(eventful.arms[where])
        first = conduct.randomised[where]

        def meant(kind: Event, place: int = place, arm: int = arm, row: int = replicate) -> int:
            own = intended.events[kind][row, place]
            return int(own[arm if len(own) > 1 else 0])

        last_infusion = int(conduct.infusion_due[where][-1] - first)
        end = max(int(conduct.visit_minute[where][-1] - first), last_infusion)
        leaves = min(meant("withdrawal"), meant("death"))
        leaves = leaves if leaves <= end else NEVER
        stops = min(meant("discontinuation"), meant("drug_related_discontinuation"))
        stops = stops if stops <= min(last_infusion, leaves) else NEVER
        for_drug = stops == meant("drug_related_discontinuation") and stops < NEVER
        switches, rescued = meant("switching"), meant("rescue")
        expected = {
            "discontinued": stops,
            "stopped_for_drug": stops if for_drug else NEVER,
            "switched": switches if switches <= last_infusion else NEVER,
            "rescued": rescued if rescued <= end and rescued < leaves else NEVER,
        }
        if switches >= min(stops, leaves):
            expected["switched"] = NEVER
        for name, minutes in expected.items():
            found = getattr(conduct, name)[where]
            assert found == (first + minutes if minutes < NEVER else NEVER), name
            seen |= {name} if found < NEVER else set()
    assert seen == {"discontinued", "stopped_for_drug", "switched", "rescued"}


def test_whoever_stops_because_of_the_drug_has_discontinued_and_no_other_reason(
    eventful: Trial,
) -> None:
    conduct = eventful.conduct
    for_drug = conduct.minute_of("drug_related_discontinuation") < NEVER
    otherwise = conduct.minute_of("discontinuation") < NEVER
    assert for_drug.any()
    assert otherwise.any()
    assert not (for_drug & otherwise).any()
    assert ((for_drug | otherwise) == (conduct.discontinued < NEVER)).all()
    after = conduct.infusion_start >= conduct.discontinued[:, :, None]
    assert not conduct.infusion_given[after].any()


def test_patients_of_the_arm_that_others_switch_to_never_switch(eventful: Trial) -> None:
    switched = eventful.conduct.switched < NEVER
    assert not switched[eventful.arms == 1].any()
    assert switched[eventful.arms == 0].any()


def test_rescue_and_switching_stop_no_infusion(cars1: Scenario, eventful: Trial) -> None:
    still = cars1.replace(
        {
            "operations.rescue": {"probability": 1, "days": SOON},
            "operations.switching": {"probability": 1, "days": SOON, "to": "cerebrolysin"},
        }
    )
    plain, other = (simulate_batch(one, Streams(7, range(3))) for one in (cars1, still))
    assert (plain.conduct.infusion_given == other.conduct.infusion_given).all()
    assert (other.conduct.rescued - other.conduct.randomised > 0).all()
    assert (plain.conduct.visit_attended == other.conduct.visit_attended).all()


def test_every_event_has_the_minute_of_its_field(eventful: Trial) -> None:
    conduct = eventful.conduct
    for kind, field in FIELDS.items():
        assert (conduct.minute_of(kind) == getattr(conduct, field)).all()
        assert (conduct.minute_of(kind) < NEVER).any()
        assert (conduct.minute_of(kind) % DAY).any()

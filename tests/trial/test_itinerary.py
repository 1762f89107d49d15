"""All that chance decides about the patients, and when each of them could start."""

from collections.abc import Callable
from typing import Any, TypeAlias, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest

from trialsim.clock import DAY, HOUR, NEVER
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.protocol.operations import Operations
from trialsim.scenario.protocol.treatment import Schedule
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import enrol
from trialsim.trial.conduct import due_days
from trialsim.trial.itinerary import first_infusion, next_opening, plan_itinerary

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]
ARRAYS = ("candidate", "site", "ready", "deadline")
"""Of an itinerary."""


def planned(scenario: Scenario, seed: int = 1, replicates: int = 64, candidates: int = 300) -> Any:
    """Return the itinerary's axis of candidates who can be randomised, as one long axis."""
    streams = Streams(seed, range(replicates))
    itinerary = plan_itinerary(enrol(scenario, streams, candidates), scenario, streams)
    return itinerary, itinerary.possible


def opening_hours(operations: Operations, opens: float, closes: float) -> Operations:
    """Return the same operations with other clinic hours."""
    return operations.model_copy(update={"clinic_opens_hour": opens, "clinic_closes_hour": closes})


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    minute=st.integers(0, 30 * DAY),
    hours=st.sampled_from([(8, 20), (0, 24), (9.5, 12.25), (23, 24), (0, 1)]),
    days=st.sampled_from(["every_day", "monday_to_friday"]),
)
def test_infusions_begin_at_the_first_minute_at_which_the_clinic_gives_them(
    cars1: Scenario, minute: int, hours: tuple[float, float], days: Any
) -> None:
    """Against looking at every minute of the next week for one that is open."""
    operations = opening_hours(cars1.operations, *hours)
    minutes = np.arange(minute, minute + 7 * DAY + 1)
    is_open = (minutes % DAY >= hours[0] * HOUR) & (minutes % DAY < hours[1] * HOUR)
    if days == "monday_to_friday":
        is_open &= minutes // DAY % 7 < 5
    schedule = Schedule(per_cycle=5, days=days)
    found = next_opening(np.array([minute]), operations, schedule)
    assert found.item() == minutes[is_open][0]


@pytest.mark.parametrize("days", ["every_day", "monday_to_friday"])
def test_first_infusions_can_start_after_screening_in_the_window_in_clinic_hours(
    cars1: Scenario, days: str
) -> None:
    """And they can start no earlier, and nobody who could start is left out."""
    scenario = cars1.replace({"treatment.infusions": {"per_cycle": 20, "days": days}})
    streams = Streams(2, range(30))
    cohort = enrol(scenario, streams, 300)
    itinerary = plan_itinerary(cohort, scenario, streams)
    operations, schedule = scenario.operations, scenario.treatment.infusions
    ready = next_opening(
        np.maximum(cohort.screened, cohort.onset + 24 * HOUR), operations, schedule
    )
    for replicate in range(30):
        can = cohort.eligible[replicate] & (ready - cohort.onset <= 72 * HOUR)[replicate]
        chosen = itinerary.possible[replicate]
        assert itinerary.candidate[replicate, chosen].tolist() == np.flatnonzero(can).tolist()
        assert (itinerary.ready[replicate, chosen] == ready[replicate, can]).all()
        deadline = cohort.onset[replicate, can] + 72 * HOUR
        assert (itinerary.deadline[replicate, chosen] == deadline).all()
        assert (itinerary.site[replicate, chosen] == cohort.site[replicate, can]).all()


def test_nobody_who_presents_after_the_limit_can_be_randomised(cars1: Scenario) -> None:
    scenario = cars1.replace(
        {"operations.recruitment_limit_days": 50.5, "operations.at_limit": "fail"}
    )
    cohort = enrol(scenario, Streams(3, range(64)), 100)
    possible = first_infusion(cohort, scenario)[2]
    late = cohort.arrival > 50.5 * DAY
    assert not possible[late].any()
    assert (possible[~late] == first_infusion(cohort, cars1.replace({}))[2][~late]).all()


@pytest.mark.parametrize("probability", [0.038, 0.5])
@pytest.mark.parametrize("what", get_args(Event))
def test_things_happen_as_often_and_as_late_as_asked(
    cars1: Scenario, what: Event, probability: float
) -> None:
    """The share within four standard errors, the times by Kolmogorov-Smirnov."""
    changes: dict[str, Any] = {
        f"operations.{what}.probability": probability,
        f"operations.{what}.days": {"distribution": "exponential", "mean": 15},
    }
    if what == "switching":
        changes["operations.switching.to"] = "placebo"
    itinerary, possible = planned(cars1.replace(changes), 4)
    minutes = itinerary.intentions.ends(what)[possible][:, 0]
    happened = minutes < NEVER
    error = (probability * (1 - probability) / len(minutes)) ** 0.5
    assert abs(happened.mean() - probability) < 4 * error
    assert kstest(minutes[happened] / DAY, "expon", args=(0, 15)).pvalue > 0.001
    assert minutes.min() >= 1


@pytest.mark.parametrize(("probability", "share"), [(0, 0), (1, 1)])
def test_what_cannot_happen_never_does_and_what_must_always_does(
    cars1: Scenario, probability: float, share: float
) -> None:
    at_once = {"probability": probability, "days": {"distribution": "constant", "value": 0}}
    itinerary, possible = planned(cars1.replace({"operations.withdrawal": at_once}), 5)
    minutes = itinerary.intentions.ends("withdrawal")[possible]
    assert (minutes < NEVER).mean() == share
    assert (minutes == (1 if probability else NEVER)).all()


def test_refusals_follow_the_patients_own_tendency(cars1: Scenario) -> None:
    """Refusals of patients whose tendency is uniform have the variance of the mixture."""
    uniform = {"distribution": "uniform", "low": 0, "high": 0.5}
    itinerary, possible = planned(cars1.replace({"operations.refusal_probability": uniform}), 6)
    refused = itinerary.intentions.refused[possible]
    assert refused.shape[1] == 21
    assert not refused[:, 0].any()
    counts = refused[:, 1:].sum(axis=1)
    mean, variance = 20 * 0.25, 20 * (0.25 - 0.25**2) + 20 * 19 * 0.5**2 / 12
    assert abs(counts.mean() - mean) < 4 * (variance / len(counts)) ** 0.5
    assert abs(counts.var() / variance - 1) < 0.05


def test_visits_wander_evenly_over_their_window_and_are_missed_as_often_as_asked(
    cars1: Scenario,
) -> None:
    itinerary, possible = planned(cars1.replace({"operations.visit_missed_probability": 0.1}), 7)
    intended = itinerary.intentions
    shift, missed = intended.visit_shift[possible], intended.visit_missed[possible]
    for place, width in enumerate([0, 1, 1, 1, 3, 5]):
        counts = np.bincount(shift[:, place] + width, minlength=2 * width + 1)
        assert len(counts) == 2 * width + 1
        assert width == 0 or chisquare(counts).pvalue > 0.001
    assert not missed[:, 0].any()
    assert abs(missed[:, 1:].mean() - 0.1) < 4 * (0.09 / missed[:, 1:].size) ** 0.5


def test_more_candidates_change_no_earlier_itinerary(cars1: Scenario, arrays_of: ArraysOf) -> None:
    streams = Streams(8, range(5))
    fewer, more = (
        plan_itinerary(enrol(cars1, streams, number), cars1, streams) for number in (100, 300)
    )
    few_of, many_of = (
        {**{name: getattr(one, name) for name in ARRAYS}, **arrays_of(one.intentions)}
        for one in (fewer, more)
    )
    for name, many in many_of.items():
        few = few_of[name]
        if not many.size:  # there is none
            continue
        for replicate in range(5):
            one = few[replicate, fewer.possible[replicate]]
            assert (one == many[replicate, : len(one)]).all(), name


def test_intentions_of_some_are_those_that_they_have_among_all(
    cars1: Scenario, arrays_of: ArraysOf
) -> None:
    """Of candidates in any order, some of them twice."""
    itinerary, _ = planned(cars1, 10, 5)
    places = np.array([[30, 2, 2, 17], [0, 1, 2, 3], [9, 8, 7, 6], [5, 5, 5, 5], [40, 0, 40, 1]])
    some = itinerary.intend(np.take_along_axis(itinerary.candidate, places, axis=1))
    whole = arrays_of(itinerary.intentions)
    for name, found in arrays_of(some).items():
        if not found.size:  # there is none
            continue
        assert (found == whole[name][np.arange(5)[:, None], places]).all(), name


def test_other_operations_change_no_random_number_that_they_do_not_name(cars1: Scenario) -> None:
    """With a lower probability some withdraw later, others never; all other numbers stay."""
    fewer = cars1.replace(
        {"operations.withdrawal.probability": 0.019, "operations.visit_missed_probability": 0.01}
    )
    (one, _), (other, _) = planned(cars1, 9), planned(fewer, 9)
    for name in ARRAYS:
        assert (getattr(one, name) == getattr(other, name)).all()
    some, others = one.intentions, other.intentions
    for name in ("refused", "visit_shift"):
        assert (getattr(some, name) == getattr(others, name)).all()
    for kind in ("discontinuation", "death"):
        assert (some.ends(kind) == others.ends(kind)).all()
    assert (some.ends("withdrawal") <= others.ends("withdrawal")).all()
    assert (some.visit_missed >= others.visit_missed).all()
    assert some.visit_missed.sum() > others.visit_missed.sum()


def working_days(first: int, days: int) -> list[int]:
    """Return the days after a first day that fall on Monday to Friday."""
    return [day for day in range(days) if (first + day) % 7 < 5]


@pytest.mark.parametrize("first", range(7))
def test_five_days_a_week_for_four_weeks_leave_out_the_weekends(first: int) -> None:
    schedule = Schedule(per_cycle=20, days="monday_to_friday")
    days = due_days(schedule, np.array([first * DAY + 9 * HOUR]))[0]
    assert days.tolist() == working_days(first, 40)[:20]


def test_cycles_begin_as_far_apart_as_the_schedule_says() -> None:
    """Two cycles of four weeks, eight weeks apart, counted by hand from a Thursday."""
    schedule = Schedule(per_cycle=3, days="monday_to_friday", cycles=2, cycle_every_days=58)
    days = due_days(schedule, np.array([3 * DAY + 10 * HOUR]))[0]
    assert days.tolist() == [0, 1, 4, 60, 61, 62]  # day 58 after a Thursday is a Saturday
    daily = Schedule(per_cycle=2, days="every_day", cycles=3, cycle_every_days=5)
    assert due_days(daily, np.array([0]))[0].tolist() == [0, 1, 5, 6, 10, 11]

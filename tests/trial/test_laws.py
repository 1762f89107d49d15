"""The laws of the simulated trial, each of which would break a study if it did not hold."""

import dataclasses
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from trialsim.arrays import Integers
from trialsim.clock import DAY, HOUR, NEVER
from trialsim.errors import RecruitmentError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams, whole_tiles
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.cohort import enrol
from trialsim.trial.conduct import Lack, Recruitment
from trialsim.trial.event_engine import recruit_by_events
from trialsim.trial.itinerary import Intentions, Itinerary, first_infusion, plan_itinerary
from trialsim.trial.trial import Trial, candidates_needed, simulate_batch

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]

AROUND_THE_CLOCK = {
    "operations.clinic_opens_hour": 0,
    "operations.clinic_closes_hour": 24,
    "operations.infusion_minutes": 480,
}
OVERNIGHT = {"operations.infusion_minutes": 1300, "operations.candidates_per_site_per_month": 8}
NIGHT_AND_DAY = {**AROUND_THE_CLOCK, **OVERNIGHT}
BUSY = [
    {},
    {"operations.infusion_chairs_per_site": 2, "operations.infusion_minutes": 240},
    {"operations.infusion_chairs_per_site": 4, "operations.infusion_minutes": 480},
    {"treatment.infusions": {"per_cycle": 20, "days": "monday_to_friday"}},
    AROUND_THE_CLOCK,
    OVERNIGHT,
    NIGHT_AND_DAY,
    {**NIGHT_AND_DAY, "operations.infusion_chairs_per_site": 2},
]
"""Ways of running two crowded sites, with one chair each where nothing is said."""

CONDUCT = ("randomised", "infusion_given", "discontinued", "withdrawn", "died")
VISITS = ("visit_day", "visit_minute", "visit_attended")


@pytest.mark.parametrize("changes", BUSY)
def test_the_order_in_which_processes_are_created_changes_nothing(
    crowded: Scenario, arrays_of: ArraysOf, changes: dict[str, Any]
) -> None:
    scenario = crowded.replace(changes)
    for seed in range(2):
        streams = Streams(seed, range(1))
        cohort = enrol(scenario, streams, 500)
        itinerary = plan_itinerary(cohort, scenario, streams)
        allocation = allocation_of(scenario, cohort, streams)
        width = itinerary.ready.shape[1]
        shuffled = np.random.default_rng(seed).permutation(width).tolist()
        forward = arrays_of(recruit_by_events(itinerary, scenario, allocation))
        for creation in (range(width)[::-1], shuffled):
            other = arrays_of(recruit_by_events(itinerary, scenario, allocation, creation))
            assert all((forward[path] == other[path]).all() for path in forward)


def infusions(trial: Trial, replicate: int, site: int) -> Integers:
    """Return the minute at which each infusion started that was given at a site."""
    given = trial.conduct.infusion_given[replicate] & (trial.site[replicate] == site)[:, None]
    starts: Integers = trial.conduct.infusion_start[replicate][given]
    return starts


@pytest.fixture(scope="module", params=BUSY)
def busy(crowded: Scenario, request: pytest.FixtureRequest) -> Trial:
    """Return eight trials in which patients wait for one another."""
    return simulate_batch(crowded.replace(request.param), Streams(2, range(8)))


def test_a_site_never_gives_more_infusions_at_once_than_it_has_chairs(busy: Trial) -> None:
    """Sweep over the minutes at which infusions end and start; an end frees its minute."""
    operations, fullest = busy.scenario.operations, []
    for replicate, site in np.ndindex(8, 2):
        start = infusions(busy, replicate, site)
        times = np.concatenate([start + operations.infusion_minutes, start])
        steps = np.repeat([-1, 1], len(start))
        running = np.cumsum(steps[np.lexsort((steps, times))])
        fullest.append(running.max(initial=0))
    assert max(fullest) == operations.infusion_chairs_per_site


def test_nobody_is_infused_outside_the_window_the_clinic_the_day_or_the_trial(busy: Trial) -> None:
    """Nor twice a day, nor while the infusion before is running."""
    operations = busy.scenario.operations
    conduct, given = busy.conduct, busy.conduct.infusion_given
    start = conduct.infusion_start
    onset = np.take_along_axis(busy.cohort.onset, busy.candidate, axis=1)
    assert given[:, :, 0].all()
    assert (start[:, :, 0] == conduct.randomised).all()
    assert (conduct.randomised - onset >= 24 * HOUR).all()
    assert (conduct.randomised - onset <= 72 * HOUR).all()
    of_day = start[given] % DAY
    assert (of_day >= operations.clinic_opens_hour * HOUR).all()
    assert (of_day < operations.clinic_closes_hour * HOUR).all()
    assert (start[given] >= conduct.infusion_due[given]).all()
    assert (start[given] // DAY == conduct.infusion_due[given] // DAY).all()
    left = np.minimum(conduct.exited, conduct.discontinued)[:, :, None]
    assert (start < left)[given].all()
    for replicate, patient in np.ndindex(busy.arms.shape):
        starts = start[replicate, patient][given[replicate, patient]]
        assert (np.diff(starts // DAY) >= 1).all()
        assert (np.diff(starts) >= operations.infusion_minutes).all()


@pytest.mark.parametrize("days", ["every_day", "monday_to_friday"])
def test_infusions_fall_on_the_days_of_the_schedule(crowded: Scenario, days: str) -> None:
    schedule = {"per_cycle": 20, "days": days}
    trial = simulate_batch(crowded.replace({"treatment.infusions": schedule}), Streams(3, range(8)))
    weekdays = np.unique(trial.conduct.infusion_start[trial.conduct.infusion_given] // DAY % 7)
    assert weekdays.tolist() == list(range(7 if days == "every_day" else 5))


def test_nobody_comes_to_a_visit_after_leaving(crowded: Scenario) -> None:
    conduct = simulate_batch(crowded, Streams(4, range(16))).conduct
    exited = conduct.exited[:, :, None]
    assert (conduct.visit_minute < exited)[conduct.visit_attended].all()
    assert ((conduct.withdrawn == NEVER) | (conduct.died == NEVER)).all()
    assert (conduct.withdrawn < NEVER).sum() > 50
    assert conduct.visit_attended[:, :, 0].all()


def test_visits_counted_from_onset_take_place_so_many_whole_days_after_it(
    cars1: Scenario,
) -> None:
    """Or at randomisation, where the day has passed by then."""
    visits = {
        "baseline": {"day": 0},
        "day_2": {"day": 2, "after": "onset"},
        "day_90": {"day": 90, "after": "onset"},
    }
    trial = simulate_batch(cars1.replace({"design.visits": visits}), Streams(5, range(8)))
    conduct = trial.conduct
    onset = np.take_along_axis(trial.cohort.onset, trial.candidate, axis=1)
    since_onset = (conduct.visit_minute - onset[:, :, None]) // DAY
    assert (since_onset[:, :, 2] == 90).all()
    late = conduct.randomised - onset >= 3 * DAY
    assert (conduct.visit_minute[:, :, 1][late] == conduct.randomised[late]).all()
    assert (since_onset[:, :, 1][~late] == 2).all()
    assert (conduct.visit_minute % DAY == conduct.randomised[:, :, None] % DAY).all()


def test_without_trouble_everybody_gets_21_infusions_and_comes_to_6_visits(
    undisturbed: Scenario,
) -> None:
    conduct = simulate_batch(undisturbed, Streams(6, range(16))).conduct
    assert conduct.infusion_given.shape == (16, 100, 21)
    assert conduct.infusion_given.all()
    assert conduct.visit_attended.shape == (16, 100, 6)
    assert conduct.visit_attended.all()
    assert (np.stack([conduct.exited, conduct.discontinued]) == NEVER).all()


def test_who_withdraws_in_the_first_minute_has_one_infusion_and_one_visit(cars1: Scenario) -> None:
    at_once = {"probability": 1, "days": {"distribution": "constant", "value": 0}}
    trial = simulate_batch(cars1.replace({"operations.withdrawal": at_once}), Streams(7, range(4)))
    assert (trial.conduct.withdrawn == trial.conduct.randomised + 1).all()
    assert (trial.conduct.infusion_given.sum(axis=2) == 1).all()
    assert (trial.conduct.visit_attended.sum(axis=2) == 1).all()


@pytest.mark.parametrize("name", ["cars1", "crowded"])
def test_more_patients_change_no_earlier_patient(name: str, request: pytest.FixtureRequest) -> None:
    """Where chairs are short, the later infusions of earlier patients may wait longer."""
    scenario: Scenario = request.getfixturevalue(name)
    fewer, more = (
        simulate_batch(scenario.replace({"design.patients": patients}), Streams(8, range(6)))
        for patients in (40, 90)
    )
    assert (fewer.arms == more.arms[:, :40]).all()
    assert (fewer.candidate == more.candidate[:, :40]).all()
    assert (fewer.site == more.site[:, :40]).all()
    for part in (*CONDUCT, *VISITS) if name == "cars1" else ("randomised", *VISITS):
        assert (getattr(fewer.conduct, part) == getattr(more.conduct, part)[:, :40]).all(), part
    if name == "cars1":
        one, other = fewer.scores["arat"], more.scores["arat"][:, :40]
        assert np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("name", ["three_scales", "crowded"])
def test_a_batch_gives_every_replicate_as_it_is_alone(
    name: str, request: pytest.FixtureRequest, arrays_of: ArraysOf
) -> None:
    """70 replicates, over two seams of the streams, against single ones."""
    scenario: Scenario = request.getfixturevalue(name)
    scenario = scenario.replace({"design.patients": 40})
    batch = simulate_batch(scenario, Streams(9, range(60, 130)))
    for row in (0, 3, 4, 67, 68, 69):
        alone = simulate_batch(scenario, Streams(9, range(60 + row, 61 + row)))
        for part in ("conduct", "arms", "underlying", "scores", "site", "candidate"):
            many, one = arrays_of(getattr(batch, part)), arrays_of(getattr(alone, part))
            for path, array in one.items():
                assert np.array_equal(many[path][row : row + 1], array, equal_nan=True), path


@pytest.mark.parametrize("name", ["three_scales", "crowded"])
def test_the_guess_at_the_candidates_needed_changes_nothing(
    name: str,
    request: pytest.FixtureRequest,
    arrays_of: ArraysOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Starting from far too few and from far too many candidates gives the same conduct."""
    scenario: Scenario = request.getfixturevalue(name)
    scenario = scenario.replace({"design.patients": 40})
    found = []
    for guess in (16, 64, 1600):
        monkeypatch.setattr("trialsim.trial.trial.candidates_needed", lambda _, guess=guess: guess)
        trial = simulate_batch(scenario, Streams(16, range(7)))
        found.append({**arrays_of(trial.conduct), **arrays_of(trial.scores), "arms": trial.arms})
    for other in found[1:]:
        for path, array in found[0].items():
            assert np.array_equal(array, other[path], equal_nan=True), path


def test_the_candidates_drawn_at_first_suffice_for_large_trials_too() -> None:
    """A batch in which they do not is drawn twice. One replicate in 4,000 may need more."""
    scenario = load("casta")
    cohort = enrol(scenario, Streams(2016, range(128)), candidates_needed(scenario))
    possible = first_infusion(cohort, scenario)[2]
    assert possible.sum(axis=1).min() >= scenario.design.patients


def test_the_candidates_drawn_at_first_suffice_where_sites_open_late_and_differ() -> None:
    """Candidates of a site before it opens have numbers too. One replicate in 1,000 needs more."""
    base, times = load("cars1"), 8
    pace = base.operations.candidates_per_site_per_month * times
    patients = base.design.patients * times
    changes = {
        "design.patients": patients,
        "operations.candidates_per_site_per_month": pace,
    }
    scenario = base.replace(changes)
    trial, needed = simulate_batch(scenario, Streams(2016, range(64))), candidates_needed(scenario)
    assert trial.cohort.arrival.shape[1] == whole_tiles(needed)
    assert needed < 3 * patients


def counted(trial: Trial, candidates: int) -> tuple[dict[str, Integers], Integers]:
    """Return how the candidates of each replicate ended, and how many presented in time.

    They are counted over a cohort drawn anew and farther.
    """
    scenario = trial.scenario
    first, last = int(trial.replicates[0]), int(trial.replicates[-1])
    streams = Streams(trial.seed, range(first, last + 1))
    cohort = enrol(scenario, streams, candidates)
    rows = trial.replicates - first
    closed = np.minimum(trial.conduct.closed, scenario.operations.last_arrival)
    screened = (cohort.arrival[rows] <= closed[:, None]) & (
        cohort.arrival[rows, -1:] > closed[:, None]
    )
    ended = {
        rule: (screened & cohort.fails[rows, :, place] & ~cohort.fails[rows, :, :place].any(axis=2))
        for place, rule in enumerate(scenario.eligibility.rules)
    }
    ready, deadline, _ = first_infusion(cohort, scenario)
    eligible = screened & cohort.eligible[rows]
    ended["window missed"] = eligible & (ready > deadline)[rows]
    randomised = np.zeros_like(screened)
    np.put_along_axis(randomised, trial.candidate, True, axis=1)
    ended["randomised"] = randomised
    in_time = eligible & (ready <= deadline)[rows] & ~randomised
    ended["recruitment closed"] = in_time & (ready[rows] >= trial.conduct.closed[:, None])
    ended["no chair in the window"] = in_time & ~ended["recruitment closed"]
    return {name: who.sum(axis=1) for name, who in ended.items()}, screened.sum(axis=1)


def test_screening_counts_reconcile(cars1: Scenario) -> None:
    """Screened = randomised + each first reason + window missed + recruitment closed."""
    trial = simulate_batch(cars1, Streams(10, range(50)))
    ended, screened = counted(trial, 700)
    assert (trial.conduct.screened == screened).all()
    assert (ended["randomised"] == 208).all()
    assert not ended["no chair in the window"].any()
    assert (np.sum([*ended.values()], axis=0) == screened).all()
    assert all(count.any() for name, count in ended.items() if "chair" not in name)


def test_screening_counts_reconcile_where_chairs_are_short(crowded: Scenario) -> None:
    trial = simulate_batch(
        crowded.replace({"operations.infusion_minutes": 200}), Streams(11, range(20))
    )
    ended, screened = counted(trial, 1200)
    assert (trial.conduct.screened == screened).all()
    assert (ended["randomised"] == 40).all()
    assert ended["no chair in the window"].any()
    assert (np.sum([*ended.values()], axis=0) == screened).all()


@pytest.mark.parametrize("engine", ["events", "vector"])
def test_nobody_is_screened_after_the_limit_of_recruitment(cars1: Scenario, engine: Any) -> None:
    """Even where the last patient, who presented in time, is randomised after it."""
    small = cars1.replace({"design.patients": 12, "operations.candidates_per_site_per_month": 200})
    free = simulate_batch(small, Streams(12, range(1)))
    last = int(free.cohort.arrival[0, free.candidate[0]].max())
    limited = small.replace(
        {"operations.recruitment_limit_days": (last + 1) / DAY, "operations.at_limit": "fail"}
    )
    trial = simulate_batch(limited, Streams(12, range(1)), engine)
    limit = limited.operations.last_arrival
    assert trial.conduct.closed[0] > limit
    assert (trial.conduct.randomised == free.conduct.randomised).all()
    everybody = enrol(small, Streams(12, range(1)), 300).arrival[0]
    assert trial.conduct.screened[0] == (everybody <= limit).sum()
    assert (everybody <= trial.conduct.closed[0]).sum() > (everybody <= limit).sum()


def test_a_place_goes_to_those_who_are_ready_first(cars1: Scenario) -> None:
    """Ties of the same minute go by number; nobody left out was ready before the last one."""
    trial = simulate_batch(cars1, Streams(13, range(32)))
    for replicate in range(32):
        itinerary, place = trial.itinerary, trial.conduct.place[replicate]
        ready, number = itinerary.ready[replicate], itinerary.candidate[replicate]
        first = np.lexsort((number, ready))[: len(place)]
        assert (place == first).all()
        assert (trial.conduct.randomised[replicate] == ready[first]).all()


def by_hand(
    crowded: Scenario, ready: list[int], deadline: list[int], patients: int, **changes: Any
) -> Recruitment:
    """Recruit candidates of one site, one chair and two daily infusions of an hour, 8 to 20."""
    scenario = crowded.replace(
        {
            "design.patients": patients,
            "operations.sites": {"only": {"activation_day": 0}},
            "operations.clinic_closes_hour": 20,
            "operations.infusion_minutes": 60,
            "treatment.infusions": {"per_cycle": 2, "days": "every_day"},
            **changes,
        }
    )
    streams, many = Streams(1, range(1)), len(ready)
    cohort = enrol(scenario, streams, many)
    presented = np.array([ready])
    cohort = dataclasses.replace(cohort, site=np.zeros((1, many), np.int64))
    intentions = Intentions(
        refused=np.zeros((1, many, 2), np.bool_),
        events={},
        visit_shift=np.zeros((1, many, 6), np.int64),
        visit_missed=np.zeros((1, many, 6), np.bool_),
    )
    itinerary = Itinerary(
        candidate=np.arange(many)[None],
        site=np.zeros((1, many), np.int64),
        ready=presented,
        deadline=np.array([deadline]),
        intend=lambda _: intentions,
    )
    return recruit_by_events(itinerary, scenario, allocation_of(scenario, cohort, streams))


def clock(day: int, time: str) -> int:
    """Return a minute from a day and a time of day."""
    hours, minutes = time.split(":")
    return day * DAY + int(hours) * HOUR + int(minutes)


def test_first_due_is_first_served(crowded: Scenario) -> None:
    """One chair at 10:00: at 11:00 it goes to who was due 10:05, at 12:00 to who was due 10:10."""
    ready = [clock(0, "10:00"), clock(0, "10:10"), clock(0, "10:05")]
    found = by_hand(crowded, ready, [DAY] * 3, 3)
    assert found.place.tolist() == [[0, 2, 1]]
    assert found.randomised.tolist() == [[clock(0, "10:00"), clock(0, "11:00"), clock(0, "12:00")]]
    assert found.waited is not None
    assert not found.waited.any()  # a day later each has the chair at the hour of the first


def test_who_is_due_in_the_same_minute_is_served_by_number(crowded: Scenario) -> None:
    ready = [clock(0, "10:05"), clock(0, "10:00"), clock(0, "10:05")]
    found = by_hand(crowded, ready, [DAY] * 3, 3)
    assert found.place.tolist() == [[1, 0, 2]]


def test_a_patient_who_comes_back_goes_before_a_candidate_due_later(crowded: Scenario) -> None:
    """The second day: the chair is taken 9:30 to 10:30 and 10:30 to 11:30 by who was due first."""
    ready = [clock(0, "9:30"), clock(0, "10:45"), clock(1, "9:40"), clock(1, "11:00")]
    found = by_hand(crowded, ready, [3 * DAY] * 4, 4)
    assert found.randomised.tolist() == [
        [clock(0, "9:30"), clock(0, "10:45"), clock(1, "10:30"), clock(1, "12:30")]
    ]
    assert found.waited is not None
    assert found.waited[0, :, 1].tolist() == [0, 45, 0, 0]  # 10:45 waits until 11:30


def test_who_waits_at_closing_time_comes_back_in_the_morning_if_the_window_lasts(
    crowded: Scenario,
) -> None:
    """Due 19:30 and 19:40 behind an infusion until 20:15; only one may start tomorrow."""
    ready = [clock(0, "19:15"), clock(0, "19:30"), clock(0, "19:40"), clock(1, "12:00")]
    deadline = [DAY, clock(1, "7:59"), clock(1, "8:00"), 3 * DAY]
    found = by_hand(crowded, ready, deadline, 3)
    assert found.place.tolist() == [[0, 2, 3]]
    assert found.randomised.tolist() == [[clock(0, "19:15"), clock(1, "8:00"), clock(1, "12:00")]]


def test_an_infusion_for_which_no_chair_comes_free_before_closing_time_is_missed(
    crowded: Scenario,
) -> None:
    """Infusions of two hours; the second day 16:30 the first patient, 18:30 who was due 17:30."""
    ready = [clock(0, "16:30"), clock(0, "17:00"), clock(1, "17:30")]
    found = by_hand(crowded, ready, [4 * DAY] * 3, 3, **{"operations.infusion_minutes": 120})
    assert found.randomised.tolist() == [[clock(0, "16:30"), clock(0, "18:30"), clock(1, "18:30")]]
    assert found.lacked is not None
    assert found.lacked.tolist() == [[[0, 0], [0, Lack.CHAIR], [0, 0]]]


def test_more_chairs_never_make_the_mean_wait_longer(crowded: Scenario) -> None:
    waits = []
    for chairs in (1, 2, 4, 8):
        limited = {
            "operations.infusion_chairs_per_site": chairs,
            "operations.infusion_minutes": 200,
        }
        trial = simulate_batch(crowded.replace(limited), Streams(14, range(8)))
        assert trial.conduct.waited is not None
        waits.append(trial.conduct.waited[trial.conduct.infusion_given].mean())
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > 2 * waits[3] > 0


FAILS: dict[str, Any] = {"operations.at_limit": "fail"}
HOPELESS: list[tuple[dict[str, Any], str]] = [
    ({"eligibility.inclusion.age.at_least": 101, "eligibility.inclusion.age.at_most": 120}, "age"),
    (
        {"operations.screening_hours": {"distribution": "constant", "value": 80}},
        "the window of the first infusion",
    ),
    (
        {"operations.recruitment_limit_days": 0.01},
        "the limit of recruitment|after 0.01 days",
    ),
    (
        {
            "operations.sites": {"late": {"activation_day": 400}},
            "operations.recruitment_limit_days": 399,
        },
        "the limit of recruitment",
    ),
    (
        {"operations.recruitment_limit_days": 40},
        "not complete after 40 days in any of 64",
    ),
    ({"eligibility.inclusion.age.at_least": 93, "eligibility.inclusion.age.at_most": 99}, "3650"),
    (
        {
            "operations.first_infusion_after_onset.latest_hours": 24.5,
            "operations.clinic_opens_hour": 8,
            "operations.clinic_closes_hour": 9,
            "operations.recruitment_limit_days": 1000,
        },
        "not complete after 1000 days",
    ),
]


@pytest.mark.parametrize(("changes", "reason"), HOPELESS)
@pytest.mark.parametrize("engine", ["vector", "events"])
def test_recruitment_that_can_never_finish_ends_soon_and_says_why(
    cars1: Scenario, changes: dict[str, Any], reason: str, engine: Any
) -> None:
    began = perf_counter()
    with pytest.raises(RecruitmentError, match=reason):
        simulate_batch(cars1.replace({**FAILS, **changes}), Streams(1, range(64)), engine)
    assert perf_counter() - began < 20


@pytest.mark.parametrize("engine", ["vector", "events"])
def test_replicates_that_fail_are_named_and_the_others_kept(cars1: Scenario, engine: Any) -> None:
    """Which fail and what the others give is as in each replicate alone."""
    scenario = cars1.replace(
        {
            "design.patients": 60,
            "operations.recruitment_limit_days": 110,
            "operations.at_limit": "fail",
        }
    )
    trial = simulate_batch(scenario, Streams(15, range(100, 120)), engine)
    assert sorted([*trial.failures, *trial.replicates]) == list(range(100, 120))
    assert min(len(trial.failures), len(trial.replicates)) >= 3
    assert set(trial.failures.values()) == {"recruitment was not complete after 110 days"}
    for number in trial.failures:
        with pytest.raises(RecruitmentError):
            simulate_batch(scenario, Streams(15, range(number, number + 1)), engine)
    for row, number in enumerate(trial.replicates.tolist()):
        alone = simulate_batch(scenario, Streams(15, range(number, number + 1)), engine)
        assert (trial.conduct.randomised[row] == alone.conduct.randomised[0]).all()
        assert (trial.conduct.screened[row] == alone.conduct.screened[0]).all()
        assert np.array_equal(trial.scores["arat"][row], alone.scores["arat"][0], equal_nan=True)
        arat = trial.cohort.covariates["arat"][row, trial.candidate[row]]
        assert (trial.underlying["arat"][row, :, 0] == arat).all()

"""The desk serves any stock: drug kits, nurses and a board that pauses recruitment."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from trialsim.clock import DAY
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation.choice import allocation_of
from trialsim.trial.cohort import enrol
from trialsim.trial.conduct import Lack
from trialsim.trial.event_engine import Clinic, Process, Replicate, Stock
from trialsim.trial.itinerary import plan_itinerary

NURSE, KIT, LEAVE = 10, 11, 12
"""What there can be too little of, beside chairs and places."""
PLENTY = 10_000


class Supplied(Replicate):
    """A trial whose infusions need a nurse and a kit, and whose board may stop recruitment."""

    def supply(self, nurses: int, kits: int, pause: tuple[int, int] | None = None) -> None:
        """Set nurses to work and kits on the shelves, and have the board meet."""
        self.level = kits
        for clinic in self.clinics:
            clinic.lent.append(Stock(self.env, nurses, NURSE))
            clinic.used.append(Stock(self.env, kits, KIT))
            self.env.process(self.depot(clinic))
        self.recruiting = Stock(self.env, np.inf, LEAVE)
        self.entry.append(self.recruiting)
        if pause is not None:
            self.env.process(self.board(*pause))

    def depot(self, clinic: Clinic) -> Process:
        """Fill the shelf up every Monday."""
        (shelf,) = clinic.used
        while True:
            yield self.env.timeout(7 * DAY)
            shelf.put(self.level - shelf.free)

    def board(self, day: int, days: int) -> Process:
        """Stop recruitment on a day, and let it go on so many days later."""
        yield self.env.timeout(day * DAY)
        self.recruiting.free = 0
        yield self.env.timeout(days * DAY)
        self.recruiting.put(np.inf)


def happened(
    scenario: Scenario, seed: int, creation: Iterable[int] | None = None, **supply: Any
) -> Replicate:
    """Return a trial after it has happened, with supplies if any are named."""
    streams = Streams(seed, range(1))
    cohort = enrol(scenario, streams, 600)
    itinerary = plan_itinerary(cohort, scenario, streams)
    (next_arm,) = allocation_of(scenario, cohort, streams).in_turn()
    trial = (Supplied if supply else Replicate)(scenario, itinerary, 0, next_arm)
    if isinstance(trial, Supplied):
        trial.supply(**supply)
    trial.run(range(itinerary.ready.shape[1]) if creation is None else creation)
    return trial


@pytest.mark.parametrize("seed", range(3))
def test_with_plenty_of_everything_the_trial_is_the_plain_one(crowded: Scenario, seed: int) -> None:
    supplied = happened(crowded, seed, nurses=PLENTY, kits=PLENTY)
    assert supplied.patients == happened(crowded, seed).patients
    assert len(supplied.patients) == crowded.design.patients


def starts(trial: Replicate) -> list[tuple[int, int]]:
    """Return the site and the minute of every infusion given."""
    found, course = [], trial.course
    assert course is not None
    for patient in trial.patients:
        days = trial.offsets[patient.randomised // DAY % 7]
        stops = course.stops[patient.row].min()
        for infusion, day in enumerate(days):
            if day * DAY >= stops:
                break
            given = not course.refused[patient.row, infusion] and not patient.lacked[infusion]
            if given:
                start = patient.randomised + day * DAY + patient.waited[infusion]
                found.append((trial.site[patient.row], start))
    return found


def test_no_more_kits_are_used_between_two_mondays_than_the_depot_filled_up(
    crowded: Scenario,
) -> None:
    trial = happened(crowded, 1, nurses=PLENTY, kits=40)
    used = np.zeros((2, 200), np.int64)
    for site, start in starts(trial):
        used[site, start // (7 * DAY)] += 1
    assert used.max() == 40
    assert {code for patient in trial.patients for code in patient.lacked} == {
        Lack.NOTHING,
        Lack.CHAIR,
        KIT,
    }


def test_no_more_infusions_run_at_once_than_there_are_nurses(crowded: Scenario) -> None:
    many = {"operations.infusion_chairs_per_site": 8, "operations.infusion_minutes": 200}
    scenario = crowded.replace(many)
    trial = happened(scenario, 2, nurses=1, kits=PLENTY)
    for site in range(2):
        begun = np.array(sorted(start for where, start in starts(trial) if where == site))
        running = [
            ((begun <= start) & (begun + trial.minutes > start)).sum() for start in begun.tolist()
        ]
        assert max(running) == 1
    lacked = {code for patient in trial.patients for code in patient.lacked}
    assert NURSE in lacked
    assert Lack.CHAIR not in lacked


def test_nobody_is_randomised_while_the_board_has_stopped_recruitment(crowded: Scenario) -> None:
    """Those already in are treated meanwhile, and recruitment goes on afterwards."""
    free = happened(crowded, 3)
    day = free.patients[15].randomised // DAY
    trial = happened(crowded, 3, nurses=PLENTY, kits=PLENTY, pause=(day, 42))
    entered = np.array([patient.randomised for patient in trial.patients])
    assert not ((entered >= day * DAY) & (entered < (day + 42) * DAY)).any()
    assert (entered < day * DAY).sum() > 10
    assert (entered >= (day + 42) * DAY).sum() > 10
    assert any(day <= start // DAY < day + 42 for _, start in starts(trial))
    before = [patient for patient in free.patients if patient.randomised < day * DAY]
    assert [one.row for one in before] == [one.row for one in trial.patients[: len(before)]]


def test_the_order_of_creation_changes_no_supplied_trial(crowded: Scenario) -> None:
    supply: dict[str, Any] = {"nurses": 1, "kits": 30, "pause": (50, 21)}
    forward = happened(crowded, 4, **supply)
    shuffled = np.random.default_rng(4).permutation(len(forward.ready)).tolist()
    assert happened(crowded, 4, shuffled, **supply).patients == forward.patients

"""A batch as it stood on a date knows all that had happened, and nothing of what was to come."""

from collections.abc import Callable
from typing import Any, TypeAlias, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.trial.as_of import as_of, known_from, stopped
from trialsim.clock import DAY, NEVER
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.conduct import Lack
from trialsim.trial.trial import Engine, Trial, simulate_batch

ArraysOf: TypeAlias = Callable[[Any], dict[str, NDArray[Any]]]

VISITS = {
    "baseline": {"day": 0},
    "day_21": {"day": 21, "window_days": 3},
    "day_90": {"day": 90, "after": "onset", "window_days": 7},
}
WORSE = {"log_odds_per_unit": -0.05, "reference": 20}
TROUBLE = {
    "design.patients": 50,
    "design.visits": VISITS,
    "analysis.visit": "day_90",
    "operations.withdrawal.probability": 0.2,
    "operations.discontinuation.probability": 0.3,
    "operations.death.probability": 0.1,
    "operations.drug_related_discontinuation.probability": 0.3,
    "operations.rescue.probability": 0.3,
    "operations.switching": {"probability": 0.3, "to": "placebo"},
    "operations.visit_missed_probability": 0.1,
    "operations.visit_missed_odds": {"scores": {"arat": {**WORSE, "seen": "unseen"}}},
    "operations.withdrawal.scores": {"arat": {**WORSE, "seen": "last_observed"}},
    "operations.rescue.scores": {"arat": {**WORSE, "seen": "unseen"}},
}


@pytest.fixture(scope="module")
def troubled(cars1: Scenario) -> Trial:
    """Return a batch in which much goes wrong."""
    return simulate_batch(cars1.replace(TROUBLE), Streams(31, range(6)))


def test_each_visit_is_settled_by_the_visit_by_death_or_as_its_window_closes(
    troubled: Trial,
) -> None:
    """Oracle: each patient and visit by itself, from the words of the scenario."""
    conduct, onsets = troubled.conduct, troubled.cohort.onset
    from_minute, ways = known_from(troubled), set()
    for replicate, patient in np.ndindex(troubled.arms.shape):
        onset = int(onsets[replicate, troubled.candidate[replicate, patient]])
        randomised = int(conduct.randomised[replicate, patient])
        gone = (randomised - onset) // DAY
        last_days = [0, 21 + 3, 90 + 7 - gone]
        for visit, last_day in enumerate(last_days):
            where = replicate, patient, visit
            expected = randomised + last_day * DAY
            way = "window"
            if conduct.visit_attended[where]:
                expected, way = int(conduct.visit_minute[where]), "visit"
            elif conduct.died[replicate, patient] <= expected:
                expected, way = int(conduct.died[replicate, patient]), "death"
            ways.add(way)
            assert from_minute[where] == expected + 1
    assert ways == {"visit", "death", "window"}


@pytest.mark.parametrize("happening", get_args(Event))
def test_a_look_cannot_tell_what_happens_later(
    cars1: Scenario, arrays_of: ArraysOf, troubled: Trial, happening: Event
) -> None:
    """Oracle: two futures that part at a minute are one trial before it, and two after it."""
    spared = cars1.replace(TROUBLE).replace({f"operations.{happening}.probability": 0.0})
    other = simulate_batch(spared, Streams(31, range(6)))
    parting = troubled.conduct.minute_of(happening).min(axis=1)
    for path, array in arrays_of(as_of(troubled, parting).conduct).items():
        assert array.tobytes() == arrays_of(as_of(other, parting).conduct)[path].tobytes(), path
    seen, spared_of_it = (as_of(one, parting + 1).conduct for one in (troubled, other))
    assert (seen.minute_of(happening) < NEVER).any(axis=1).all()
    assert (spared_of_it.minute_of(happening) == NEVER).all()


CHOSEN = ("place", "visit_day", "visit_minute")
"""What an array holds of those who were never randomised is nobody's."""


@pytest.mark.parametrize("engine", ["vector", "events"])
def test_recruitment_closed_at_a_minute_is_the_finished_trial_cut(
    troubled: Trial, arrays_of: ArraysOf, engine: Engine
) -> None:
    """Each replicate at its own minute: before anybody, in between, in a minute of entry, never."""
    entry = troubled.conduct.randomised
    closes = np.array([0, 60 * DAY, entry[2, 30], entry[3, 30] + 1, entry[4, -1], NEVER])
    run = simulate_batch(troubled.scenario, Streams(31, range(6)), engine, closes)
    cut = stopped(troubled, closes)
    here = cut.conduct.randomised < NEVER
    assert here.sum(axis=1)[[0, 2, 4, 5]].tolist() == [0, 30, 49, 50]
    assert 0 < here[1].sum() < here[3].sum() == 31
    assert (run.arms == cut.arms)[here].all()
    found, expected = arrays_of(run.conduct), arrays_of(cut.conduct)
    for path, array in expected.items():
        if path.strip(".") in CHOSEN:
            assert (found[path] == array)[here].all(), path
        else:
            assert found[path].tobytes() == array.tobytes(), path
    for name, scores in cut.scores.items():
        assert np.array_equal(run.scores[name], scores, equal_nan=True)
        assert np.isnan(scores[~here]).all()


def test_a_stop_where_chairs_are_short_changes_the_future_and_not_the_past(
    crowded: Scenario, arrays_of: ArraysOf
) -> None:
    """Those already in find chairs sooner once nobody else comes: a cut would not show that."""
    finished = simulate_batch(crowded, Streams(33, range(6)))
    closes = finished.conduct.randomised[:, 24]
    run = simulate_batch(crowded, Streams(33, range(6)), closes=closes)
    here = run.conduct.randomised < NEVER
    assert (here == (finished.conduct.randomised < closes[:, None])).all()
    assert (run.conduct.closed == closes).all()
    then, before = (arrays_of(as_of(one, closes).conduct) for one in (run, finished))
    for path, array in before.items():
        if path.strip(".") not in (*CHOSEN, "waited", "lacked"):
            assert then[path].tobytes() == array.tobytes(), path
    assert run.conduct.lacked is not None
    assert finished.conduct.lacked is not None
    lacking = (run.conduct.lacked[here], finished.conduct.lacked[here])
    ran, cut = ((lacked != Lack.NOTHING).sum() for lacked in lacking)
    assert 0 < ran < cut


@pytest.mark.parametrize("engine", ["vector", "events", "auto"])
def test_a_trial_of_fewer_patients_is_that_of_a_smaller_design(
    cars1: Scenario, crowded: Scenario, arrays_of: ArraysOf, engine: Engine
) -> None:
    """Each replicate with a size of its own, also where patients wait for one another."""
    scenario = (crowded if engine == "auto" else cars1).replace({"design.patients": 60})
    sizes = np.array([31, 40, 60, 40])
    run = simulate_batch(scenario, Streams(34, range(4)), engine, sizes=sizes)
    assert ((run.conduct.randomised < NEVER).sum(axis=1) == sizes).all()
    for size in set(sizes.tolist()):
        smaller = scenario.replace({"design.patients": size})
        alone = simulate_batch(smaller, Streams(34, range(4)), engine)
        rows = np.flatnonzero(sizes == size)
        assert (run.arms[rows, :size] == alone.arms[rows]).all()
        found, expected = arrays_of(run.conduct), arrays_of(alone.conduct)
        for path, array in expected.items():
            if array.shape[:2] == (4, size):
                assert np.array_equal(found[path][rows, :size], array[rows]), path
            elif array.shape[:1] == (4,):
                assert np.array_equal(found[path][rows], array[rows]), path

"""Counts of many cuts at once are those of each cut by itself."""

from collections.abc import Iterator

import numpy as np
import pytest

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.statistics import statistics, statistics_at
from trialsim.clock import DAY, NEVER
from trialsim.compiled.library import builds_here, computed_by
from trialsim.scenario.files.yaml_file import load
from trialsim.stats.ranks.mann_whitney import rank_sums
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

PATIENTS = 50
STRATA = ("none", "site")


def finished(strata: str) -> FinishedTrial:
    """Return a batch of a small CARS-1."""
    scenario = load("cars1").replace({"design.patients": 60, "analysis.strata": strata})
    return FinishedTrial(simulate_batch(scenario, Streams(3, range(24))))


@pytest.fixture(autouse=True, params=builds_here())
def build(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let each build count, of trials that any of them simulated."""
    with computed_by(request.param):
        yield


@pytest.mark.parametrize("strata", STRATA)
@pytest.mark.parametrize("days", [(200, 90, 150, 90), (90, 150, 150, 400)])
def test_counts_at_cuts_in_any_order_are_those_of_each_cut(
    strata: str, days: tuple[int, ...]
) -> None:
    """Trials differ in the order of their cuts, as they do by kinds of looks."""
    batch = finished(strata)
    minutes = np.array([np.roll(days, trial % 2) for trial in range(24)]) * DAY
    minutes[:, -1] = np.where(np.arange(24) % 3, minutes[:, -1], NEVER)
    found = batch.counts_at(PATIENTS, minutes)
    for place, minute in enumerate(minutes.T):
        apart = batch.counts(batch.first(PATIENTS) & (batch.known <= minute[:, None]))
        assert (found[:, place] == apart).all()
    assert (found[:, 0] != found[:, 1]).any()


@pytest.mark.parametrize("strata", STRATA)
def test_statistics_of_more_cuts_than_are_tested_at_once_are_those_of_each(
    strata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = finished(strata)
    minutes = np.tile(np.array([300, 120, 120, 250, 180]) * DAY, (24, 1))
    room = 2 * batch.counts_of_first(PATIENTS).size
    monkeypatch.setattr("trialsim.analysis.monitoring.statistics._COUNTS_AT_ONCE", room)
    for minute, found in zip(minutes.T, statistics_at(batch, PATIENTS, minutes), strict=True):
        included = batch.first(PATIENTS) & (batch.known <= minute[:, None])
        alone = statistics(batch, [included]).part(0)
        for one, other in zip(found, alone, strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("strata", STRATA)
def test_counts_at_ends_are_those_enrolled_and_known_by_then(strata: str) -> None:
    batch = finished(strata)
    rows, sizes = np.array([3, 3, 11, 20]), np.array([60, 40, 60, 50])
    closes, until = np.array([200, 250, 150, 300]) * DAY, np.array([180 * DAY, NEVER, NEVER, NEVER])
    everybody = np.full((2, 24), NEVER)
    everybody[:, rows[1:]] = sizes[1:], closes[1:]
    first = batch.enrolled(*everybody)[rows]
    first[0] = batch.enrolled(np.full(24, sizes[0]), np.full(24, closes[0]))[rows[0]]
    found = batch.counts_at_ends(rows, first, until)
    for place, row in enumerate(rows):
        enrolled = (np.arange(60) < sizes[place]) & (batch.randomised < closes[place])
        whole = batch.counts(enrolled & (batch.known <= until[place]))
        assert (found[place] == whole[row]).all()
    assert (found[0] != found[1]).any()


def test_rank_sums_at_cuts_are_those_of_the_counts_there() -> None:
    """They are whole numbers, and the same whichever build counts; nobody is known at the first."""
    batch = finished("none")
    minutes = np.tile(np.array([0, 300, 120, 250]) * DAY, (24, 1))
    minutes[:, 1] = np.where(np.arange(24) % 3, minutes[:, 1], NEVER)
    counts = batch.counts_at(PATIENTS, minutes)[:, :, 0]
    wanted = rank_sums(counts[..., 0, :], counts[..., 1, :])
    for found, one in zip(batch.rank_sums_at(PATIENTS, minutes), wanted, strict=True):
        assert (found == one).all()
    assert wanted.treated[:, 0].max() == 0 < wanted.treated[:, 1].min()

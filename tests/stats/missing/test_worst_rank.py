"""The dead below every survivor, against ranks written by hand."""

import numpy as np

from trialsim.stats.missing.worst_rank import (
    worst_rank,
)
from trialsim.stats.ranks.mann_whitney import mann_whitney


def test_the_dead_rank_below_the_lowest_survivor_in_either_arm() -> None:
    """Oracle: ranks written by hand; deaths on days 3, 9 and 40, the survivors' lowest is 0."""
    treated, dead = np.array([np.nan, 0.0, 30.0]), np.array([True, False, False])
    control, fallen = np.array([np.nan, 12.0, 0.0]), np.array([True, False, True])
    timed = mann_whitney(
        worst_rank(treated, dead, np.array([9.0, np.nan, np.nan])),
        worst_rank(control, fallen, np.array([3.0, np.nan, 40.0])),
    )
    assert timed.effect * 9 == 1 + 2 + 3  # 9 beats 3; 0 beats both; 30 beats all
    tied = mann_whitney(worst_rank(treated, dead), worst_rank(control, fallen))
    assert tied.effect * 9 == 0.5 + 0.5 + 2 + 3


def test_times_order_the_dead_by_the_minute() -> None:
    minutes = np.arange(0.0, 129_600.0)
    ranks = worst_rank(np.zeros(minutes.size), np.ones(minutes.size, bool), minutes)
    assert np.all(np.diff(ranks) > 0)
    assert ranks.max() < -1e9


def test_a_missing_survivor_stays_missing_and_an_unknown_time_is_the_worst() -> None:
    found = worst_rank(
        np.array([np.nan, 5.0, 6.0]), np.array([False, True, True]), np.array([1, np.nan, 2])
    )
    assert np.isnan(found[0])
    assert found[1] == -np.inf < found[2]

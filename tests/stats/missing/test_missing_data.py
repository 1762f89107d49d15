"""Rules for missing scores, by what they are defined to do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from trialsim.arrays import Floats
from trialsim.stats.missing.missing_data import (
    baseline_observation_carried_forward,
    complete_cases,
    last_observation_carried_forward,
    worst_rank,
)
from trialsim.stats.ranks.mann_whitney import mann_whitney

scores = arrays(float, (2, 3, 5), elements=st.integers(0, 57) | st.just(np.nan))
RULES = (last_observation_carried_forward, baseline_observation_carried_forward, complete_cases)


@given(scores=scores)
def test_rules_do_to_a_batch_what_they_do_to_each_patient(scores: Floats) -> None:
    for rule in RULES:
        filled = rule(scores)
        for patient in np.ndindex(2, 3):
            assert_array_equal(filled[patient], rule(scores[patient]))


@given(scores=scores)
def test_carrying_forward_keeps_every_known_score_and_looks_back_only(scores: Floats) -> None:
    """Oracle: a loop over visits."""
    known = ~np.isnan(scores)
    for rule in RULES[:2]:
        assert_array_equal(rule(scores)[known], scores[known])
    for patient in np.ndindex(2, 3):
        last, carried = np.nan, []
        for score in scores[patient]:
            last = last if np.isnan(score) else score
            carried.append(last)
        assert_array_equal(last_observation_carried_forward(scores)[patient], carried)


@given(scores=scores)
def test_baseline_fills_every_gap_when_it_is_known(scores: Floats) -> None:
    filled = baseline_observation_carried_forward(scores)
    gaps = np.isnan(scores)
    expected = np.broadcast_to(scores[..., :1], scores.shape)
    assert_array_equal(filled[gaps], expected[gaps])


@given(scores=scores)
def test_a_complete_case_misses_nothing(scores: Floats) -> None:
    kept = ~np.isnan(complete_cases(scores))
    assert_array_equal(kept.any(axis=-1), kept.all(axis=-1))
    assert_array_equal(kept.all(axis=-1), ~np.isnan(scores).any(axis=-1))


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

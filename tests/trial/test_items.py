"""Items add to their total and let an examiner credit what was not given."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trialsim.datasets import cut, tables
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.outcomes.items import Items
from trialsim.streams import Streams
from trialsim.trial.items import item_scores, items_given, points_in_order
from trialsim.trial.trial import Trial, simulate_batch

Scores = NDArray[np.int64]


def arat() -> Items:
    """Return the items of the ARAT."""
    items = load("cars1_natural").outcomes["arat"].items
    assert items is not None
    return items


ARAT = arat()
COUNT = len(ARAT.names)
NOISE = st.lists(st.floats(-6, 6), min_size=COUNT, max_size=COUNT)


def scores_at(items: Items, noise: list[float], totals: range) -> Scores:
    """Return one patient's item scores at some totals, shape (total, item)."""
    ranks = points_in_order(items, np.array(noise))
    return np.array([(ranks < total).sum(axis=-1) for total in totals])


def short_form(items: Items, scores: list[int]) -> tuple[int, list[str]]:
    """Examine one patient by Lyle's rules, item by item: the credited total, and what was given."""
    found = dict(zip(items.names, scores, strict=True))
    total, asked = 0, []
    for subscale in items.subscales.values():
        first, second, *rest = subscale.items
        asked.append(first)
        if found[first] == 3:
            total += 3 * len(subscale.items)
            continue
        asked.append(second)
        total += found[first] + found[second]
        if found[second] == 0:
            continue
        asked += rest
        total += sum(found[item] for item in rest)
    return total, asked


@settings(max_examples=60, deadline=None)
@given(noise=NOISE, spread=st.sampled_from([0.0, 1.0, 5.0]))
def test_items_add_to_the_total_and_the_short_form_credits_it(
    noise: list[float], spread: float
) -> None:
    """Over every total from 0 to 57."""
    items = ARAT.model_copy(update={"noise_sd": spread})
    every = scores_at(items, noise, range(58))
    assert (every.sum(axis=1) == np.arange(58)).all()
    assert (every.min(), every.max()) == (0, 3)
    for total, scores in enumerate(every):
        credited, asked = short_form(items, scores.tolist())
        assert credited == total
        assert np.array(items.names)[items_given(items, scores)].tolist() == asked


@settings(max_examples=60, deadline=None)
@given(noise=NOISE)
def test_a_patient_who_gains_a_point_loses_none(noise: list[float]) -> None:
    gained = np.diff(scores_at(ARAT, noise, range(58)), axis=0)
    assert (gained.sum(axis=1) == 1).all()
    assert gained.min() == 0


@given(noise=NOISE)
def test_without_noise_items_follow_from_the_total_alone(noise: list[float]) -> None:
    """A Guttman pattern: the easier item of two never has fewer points."""
    items = ARAT.model_copy(update={"noise_sd": 0.0})
    every = scores_at(items, noise, range(58))
    assert (every == scores_at(items, [0.0] * COUNT, range(58))).all()
    difficulty = items.difficulties[:, 0]
    for easy, hard in combinations(range(COUNT), 2):
        low, high = (easy, hard) if difficulty[easy] <= difficulty[hard] else (hard, easy)
        assert (every[:, low] >= every[:, high]).all() or difficulty[low] == difficulty[high]


@pytest.fixture(scope="module")
def trial() -> Trial:
    return simulate_batch(load("cars1_natural"), Streams(2016, range(16)))


def scalability(scores: NDArray[np.integer]) -> float:
    """Return Mokken's H: covariances over the largest that the items' distributions allow."""
    ordered = np.sort(scores, axis=0)
    found, largest = np.cov(scores.T), np.cov(ordered.T)
    pairs = np.triu_indices(scores.shape[1], 1)
    return float(found[pairs].sum() / largest[pairs].sum())


def test_items_scale_as_well_as_published(trial: Trial) -> None:
    """H is 0.95 in 351 patients (Koh 2006); here over all visits of 3,328 patients."""
    assert scalability(item_scores(trial, "arat", ARAT).scores) == pytest.approx(0.95, abs=0.005)


def test_a_guttman_pattern_scales_perfectly(trial: Trial) -> None:
    items = ARAT.model_copy(update={"noise_sd": 0.0})
    assert scalability(item_scores(trial, "arat", items).scores) == pytest.approx(1, abs=1e-9)


def test_a_short_form_takes_less_than_the_published_time_of_the_whole(trial: Trial) -> None:
    """19 items take 10 to 15 minutes; no subscale can do with fewer than one or more than all."""
    given_items = item_scores(trial, "arat", ARAT).given.sum(axis=1)
    assert 10 <= COUNT * ARAT.minutes_per_item <= 15
    assert given_items.min() >= 4
    assert given_items.max() == COUNT
    assert 10 < given_items.mean() < 15


def test_every_measured_score_has_items_that_add_to_it(trial: Trial) -> None:
    found = item_scores(trial, "arat", ARAT)
    totals = trial.scores["arat"]
    assert (found.measured == ~np.isnan(totals)).all()
    assert (found.scores.sum(axis=1) == totals[found.measured]).all()


def test_a_patient_has_the_same_items_in_any_batch(trial: Trial) -> None:
    alone = simulate_batch(load("cars1_natural"), Streams(2016, range(5, 6)))
    whole, one = (item_scores(which, "arat", ARAT) for which in (trial, alone))
    of_it = np.nonzero(whole.measured)[0] == 5
    assert (whole.scores[of_it] == one.scores).all()
    assert (whole.given[of_it] == one.given).all()


def test_items_change_no_other_number(trial: Trial) -> None:
    without = load("cars1_natural").replace({"outcomes.arat.items": None})
    other = simulate_batch(without, Streams(2016, range(16)))
    np.testing.assert_array_equal(other.scores["arat"], trial.scores["arat"])
    assert set(tables(trial)) - set(tables(other)) == {"items"}


def test_the_table_of_items_adds_to_the_table_of_visits(trial: Trial) -> None:
    found = tables(trial)
    patient = ["replicate", "subject", "visit"]
    by_visit = found["items"].groupby(patient, observed=True)[["score", "minutes"]].sum()
    visits = found["visits"].set_index(patient)["arat"].dropna()
    assert (by_visit["score"].sort_index() == visits.astype(int).sort_index()).all()
    assert by_visit["minutes"].between(4 * 0.66 - 1e-9, 19 * 0.66 + 1e-9).all()
    assert len(found["items"]) == COUNT * len(visits)


def test_a_cut_keeps_the_items_of_the_visits_that_it_keeps(trial: Trial) -> None:
    found = tables(trial)
    minute = int(found["visits"]["due_minute"].median())
    kept = cut(found, minute)
    attended = kept["visits"][kept["visits"]["attended"]]
    assert 0 < len(kept["items"]) == COUNT * len(attended) < len(found["items"])
    assert list(kept["items"].columns) == list(found["items"].columns)
    assert (kept["items"].dtypes == found["items"].dtypes).all()

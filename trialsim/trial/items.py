"""Item scores that add to a total, and which items an examiner would have given to find it."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, take_rows
from trialsim.quantiles import normal_scores
from trialsim.scenario.outcomes.items import Items
from trialsim.trial.trial import Trial


class ItemScores(NamedTuple):
    """The items of every total that was measured, a row for each, in the order of the trial."""

    measured: Booleans
    """Whether there is a total, shape (replicate, patient, visit)."""
    scores: Integers
    """Shape (measured, item)."""
    given: Booleans
    """Whether the examiner gave the item, shape (measured, item)."""


def item_scores(trial: Trial, outcome: str, items: Items) -> ItemScores:
    """Return the items behind the scores of an outcome.

    How hard an item is for a patient has an address of its own, so items move no other number, and
    a patient whose total rises loses no point of any item.
    """
    totals = trial.scores[outcome]
    measured = ~np.isnan(totals)
    replicate, patient, visit = np.nonzero(measured)
    ranks = points_in_order(items, _noise(trial, outcome, items))
    gained = ranks[replicate, patient] < totals[replicate, patient, visit][:, None, None]
    scores: Integers = gained.sum(axis=2)
    return ItemScores(measured, scores, items_given(items, scores))


def points_in_order(items: Items, noise: Floats) -> Integers:
    """Return the place of each point of each item in the order in which a patient gains them.

    The last point of a subscale's first item comes after all others of the subscale, the first
    point of its second item before them: that is what lets an examiner credit the rest.

    Parameters
    ----------
    noise
        How much harder each item is for each patient, as a normal score, shape (..., item).

    Returns
    -------
    Integers
        Shape (..., item, point); the patient's points are those whose place is below the total.
    """
    points = items.difficulties + items.noise_sd * noise[..., None]
    earliest = np.zeros(items.difficulties.shape, np.int64)  # among points that are equally hard
    for places in items.places:
        subscale = points[..., places.start : places.stop, :]
        subscale[..., 0, -1] = subscale.max(axis=(-2, -1))
        subscale[..., 1, 0] = subscale.min(axis=(-2, -1))
        earliest[places[0], -1], earliest[places[1], 0] = 1, -1
    flat = points.reshape(*noise.shape[:-1], -1)
    columns = np.argsort(earliest.ravel(), kind="stable")
    order = columns[np.argsort(flat[..., columns], axis=-1, kind="stable")]
    ranks = np.empty(flat.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(flat.shape[-1]), axis=-1)
    return ranks.reshape(points.shape)


def items_given(items: Items, scores: Integers) -> Booleans:
    """Return which items an examiner gives who follows Lyle's rules, shape (..., item).

    The first of a subscale always; the second unless the first is perfect; the rest unless the
    first is perfect or the second not possible at all.
    """
    given = np.ones(scores.shape, np.bool_)
    for first, second, *rest in items.places:
        imperfect = scores[..., first] < items.highest
        given[..., second] = imperfect
        given[..., rest] = (imperfect & (scores[..., second] > 0))[..., None]
    return given


def _noise(trial: Trial, outcome: str, items: Items) -> Floats:
    """Return how much harder each item is for each patient, shape (replicate, patient, item)."""
    streams, candidates = trial.recruited.streams, trial.cohort.arrival.shape[1]
    drawn = (streams.words(f"item {outcome} {name}", candidates) for name in items.names)
    of_patients = (take_rows(words[trial.rows], trial.candidate) for words in drawn)
    return np.stack([normal_scores(words) for words in of_patients], axis=2)

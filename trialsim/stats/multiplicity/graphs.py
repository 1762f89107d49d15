"""A graph says how much of the level each hypothesis has, and who inherits it once it is rejected.

Bretz, Maurer, Brannath and Posch (2009, Statistics in Medicine 28:586). The weights of a graph
after any hypotheses are removed are those of the test of the intersection of the others, whatever
the order of removal; so a graph is a closed test, by Bonferroni's, Simes' or a parametric test of
each intersection (Bretz et al. 2011, Biometrical Journal 53:894). By Bonferroni's
it has a shortcut.

The last axis is the hypotheses, all axes before it are batch.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.stats.multiplicity.p_value_adjustments import tested

_NEVER: Final = 2.0
"""Above every p-value."""
_MOST: Final = 1 - 1e-12
"""Of a product of transitions: two hypotheses that pass all on to one another alone keep it."""

Intersection: TypeAlias = Callable[[Floats, Floats, Booleans], Floats]
"""Gives the p-value of an intersection from p-values, weights and who belongs to it."""


class Graph(NamedTuple):
    """The weights of m hypotheses, and the transitions from each (row) to the others."""

    weights: tuple[float, ...]
    """Shares of the level, together at most 1."""
    transitions: tuple[tuple[float, ...], ...]
    """Shares of a rejected hypothesis's level that the others inherit, each row at most 1."""


def sequence(weights: Sequence[float]) -> Graph:
    """Return the fallback procedure (Wiens 2003): each passes its level on to the next alone.

    With all weight on the first it is the fixed sequence.

    >>> sequence([1, 0]).transitions
    ((0.0, 1.0), (0.0, 0.0))
    """
    return Graph(tuple(map(float, weights)), _rows(np.eye(len(weights), k=1)))


def alike(hypotheses: int) -> Graph:
    """Return hypotheses of equal rank: Holm's procedure, or Hommel's where Simes' test is used.

    >>> alike(3).transitions[0]
    (0.0, 0.5, 0.5)
    """
    others = (1 - np.eye(hypotheses)) / max(hypotheses - 1, 1)
    return Graph((1 / hypotheses,) * hypotheses, _rows(others))


def adjust_by_graph(p_values: Floats, graph: Graph) -> Floats:
    """Adjust p-values, shape (..., hypotheses), by a graph and Bonferroni's test.

    Algorithm 2 of Bretz et al. (2009): the hypothesis with the smallest p-value for its weight is
    rejected first and removed from the graph.

    >>> adjust_by_graph(np.array([0.03, 0.01]), sequence([1, 0])).tolist()
    [0.03, 0.03]
    """
    known = tested(p_values)
    shape, hypotheses = known.shape, known.shape[-1]
    known = known.reshape(-1, hypotheses)
    trials = np.arange(len(known))
    weights = np.tile(np.array(graph.weights), (len(known), 1))
    transitions = np.tile(np.array(graph.transitions), (len(known), 1, 1))
    active, adjusted = np.ones(known.shape, bool), np.empty(known.shape)
    reached = np.zeros(len(known))
    for _ in range(hypotheses):
        ratios = np.minimum(_divided(known, weights), 1.0)
        first = np.where(active, ratios, _NEVER).argmin(axis=1)
        reached = np.maximum(reached, ratios[trials, first])
        adjusted[trials, first] = reached
        active[trials, first] = False
        weights, transitions = _removed(weights, transitions, first)
    return adjusted.reshape(shape)


def adjust_by_closure(p_values: Floats, weights: Floats, test: Intersection) -> Floats:
    """Adjust p-values by the closed test of all intersections.

    Marcus, Peritz and Gabriel (1976): an adjusted p-value is the largest p-value of all
    intersections to which the hypothesis belongs.

    Parameters
    ----------
    weights
        Those of each hypothesis in each intersection, shape (2**m, m), as `intersection_weights`.
    test
        The test of one intersection.

    >>> weights = intersection_weights(alike(2))
    >>> adjust_by_closure(np.array([0.02, 0.04]), weights, simes).tolist()
    [0.04, 0.04]
    """
    known = tested(p_values)
    adjusted = np.zeros(known.shape)
    for number, of_set in enumerate(weights[1:], start=1):
        members = _members(number, known.shape[-1])
        p_value = np.minimum(test(known, of_set, members), 1.0)[..., np.newaxis]
        adjusted = np.where(members, np.maximum(adjusted, p_value), adjusted)
    return adjusted


@lru_cache(64)
def intersection_weights(graph: Graph) -> Floats:
    """Return the weights of each hypothesis in each intersection, shape (2**m, m).

    Bit i of a row's number says whether hypothesis i belongs to the intersection.

    >>> intersection_weights(sequence([0.5, 0.5])).tolist()
    [[0.0, 0.0], [0.5, 0.0], [0.0, 1.0], [0.5, 0.5]]
    """
    hypotheses = len(graph.weights)
    every = 2**hypotheses - 1
    weights = np.zeros((every + 1, hypotheses))
    transitions = np.zeros((every + 1, hypotheses, hypotheses))
    weights[every], transitions[every] = graph.weights, graph.transitions
    for number in range(every - 1, 0, -1):
        absent = int(np.argmin(_members(number, hypotheses)))
        whole = slice(number | 1 << absent, (number | 1 << absent) + 1)
        left, passed = _removed(weights[whole], transitions[whole], np.array([absent]))
        weights[number], transitions[number] = left[0], passed[0]
    weights.flags.writeable = False
    return weights


def bonferroni_test(p_values: Floats, weights: Floats, members: Booleans) -> Floats:
    """Return the smallest p-value for its weight: the weighted Bonferroni test.

    >>> bonferroni_test(np.array([0.02, 0.03]), np.array([0.5, 0.5]), np.array([True, True])).item()
    0.04
    """
    return np.asarray(_divided(p_values, np.where(members, weights, 0.0)).min(axis=-1))


def simes(p_values: Floats, weights: Floats, members: Booleans) -> Floats:
    """Return the smallest p-value for the weight of all that are as small: the weighted Simes test.

    Benjamini and Hochberg (1997, Scandinavian Journal of Statistics 24:407); valid for independent
    and for positively dependent tests.
    """
    order = np.argsort(p_values, axis=-1, kind="stable")
    ordered = np.take_along_axis(p_values, order, axis=-1)
    together = np.cumsum(np.where(members, weights, 0.0)[order], axis=-1)
    return np.asarray(_divided(ordered, together).min(axis=-1))


def _removed(weights: Floats, transitions: Floats, gone: Floats) -> tuple[Floats, Floats]:
    """Return graphs, shape (batch, ...), without the one hypothesis that is gone from each."""
    batch, places = np.arange(len(weights)), np.arange(weights.shape[1])
    out, into = transitions[batch, gone], transitions[batch, :, gone]
    left = weights + weights[batch, gone][:, np.newaxis] * out
    round_trip = into * out
    through = transitions + into[:, :, np.newaxis] * out[:, np.newaxis, :]
    kept = (1 - np.minimum(round_trip, _MOST))[:, :, np.newaxis]
    passed = np.where(round_trip[:, :, np.newaxis] < _MOST, through / kept, 0.0)
    passed[:, places, places] = 0.0
    passed[batch, gone], passed[batch, :, gone], left[batch, gone] = 0.0, 0.0, 0.0
    return left, passed


def _divided(p_values: Floats, weights: Floats) -> Floats:
    """Return p-values for their weights, 1 without any weight."""
    some = weights > 0
    return np.where(some, p_values / np.where(some, weights, 1.0), 1.0)


def _members(number: int, hypotheses: int) -> Booleans:
    return np.array([bool(number >> place & 1) for place in range(hypotheses)])


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())

"""Graphs, against gMCPLite and graphicalMCP, and against the closed test that each stands for."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.reference import reference
from trialsim.arrays import Floats
from trialsim.stats.multiplicity.dunnett import Block, Law, parametric_test, step_down_dunnett
from trialsim.stats.multiplicity.graphs import (
    Graph,
    adjust_by_closure,
    adjust_by_graph,
    alike,
    bonferroni_test,
    intersection_weights,
    sequence,
    simes,
)
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values, fixed_sequence

CASES = reference("multiplicity")["cases"]
PER_SIZE = 1_000


def of_family(family: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case["family"] == family]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def random_graph(hypotheses: int, seed: int) -> Graph:
    """Return a graph with random weights and transitions, some of them none."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.ones(hypotheses)) * (random.random(hypotheses) < 0.7)
    shares = random.random((hypotheses, hypotheses)) * (random.random((hypotheses,) * 2) < 0.7)
    np.fill_diagonal(shares, 0.0)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    return Graph(tuple(weights.tolist()), tuple(map(tuple, shares.tolist())))


def p_values_of(hypotheses: int) -> Floats:
    return np.random.default_rng(hypotheses).random((PER_SIZE, hypotheses)) ** 3


@of_family("graphical")
def test_graphs_agree_with_gmcp(case: dict[str, Any]) -> None:
    """Oracle: gMCPLite 0.1.7 and graphicalMCP 0.2.8."""
    inputs, expected = case["inputs"], case["expected"]
    graph = Graph(tuple(inputs["weights"]), tuple(map(tuple, inputs["transition"])))
    adjusted = adjust_by_graph(np.array(inputs["p"]), graph)
    assert_allclose(adjusted, expected["adjusted_p"], atol=case["tolerance"]["abs"])
    assert_array_equal(adjusted <= inputs["alpha"], expected["reject"])


@of_family("fixed_sequence_fallback")
def test_fallback_agrees_with_gmcp(case: dict[str, Any]) -> None:
    """Oracle: gMCPLite and graphicalMCP, a chain without a way back (Wiens 2003)."""
    inputs, expected = case["inputs"], case["expected"]
    adjusted = adjust_by_graph(np.array(inputs["p"]), sequence(inputs["weights"]))
    assert_allclose(adjusted, expected["fallback_adjusted_p"], atol=1e-9)
    assert_array_equal(adjusted <= inputs["alpha"], expected["fallback_reject"])
    first = (1.0, *[0.0] * (len(inputs["p"]) - 1))
    chain = adjust_by_graph(np.array(inputs["p"]), sequence(first))
    assert_allclose(chain, expected["fixed_sequence_adjusted_p"], atol=1e-12)


@pytest.mark.parametrize("hypotheses", [2, 3, 4, 5, 6])
def test_the_shortcut_of_a_graph_is_its_closure(hypotheses: int) -> None:
    """Oracle: the closed test of all intersections, for 1,000 random families of p-values."""
    graph, p_values = random_graph(hypotheses, seed=hypotheses), p_values_of(hypotheses)
    closed = adjust_by_closure(p_values, intersection_weights(graph), bonferroni_test)
    assert_allclose(adjust_by_graph(p_values, graph), closed, atol=1e-12)
    assert (closed < 0.05).any()
    assert (closed > 0.05).any()


@pytest.mark.parametrize("hypotheses", [2, 3, 4, 5, 6])
def test_short_forms_are_graphs(hypotheses: int) -> None:
    """Holm's by Bonferroni's test, Hommel's by Simes', the fixed sequence as a chain."""
    p_values, graph = p_values_of(hypotheses), alike(hypotheses)
    assert_allclose(adjust_by_graph(p_values, graph), adjust_p_values(p_values, "holm"), atol=1e-12)
    closed = adjust_by_closure(p_values, intersection_weights(graph), simes)
    assert_allclose(closed, adjust_p_values(p_values, "hommel"), atol=1e-12)
    chain = sequence([1.0, *[0.0] * (hypotheses - 1)])
    assert_allclose(adjust_by_graph(p_values, chain), fixed_sequence(p_values), atol=1e-12)


@pytest.mark.parametrize("hypotheses", [2, 3, 4])
def test_hypotheses_of_equal_rank_by_their_joint_distribution_are_dunnett_stepping_down(
    hypotheses: int,
) -> None:
    statistics = np.random.default_rng(7).normal(1.5, 1.0, (50, hypotheses))
    law = Law(np.sqrt(np.linspace(0.3, 0.6, hypotheses)))
    from scipy.special import ndtr

    weights = intersection_weights(alike(hypotheses))
    closed = adjust_by_closure(
        ndtr(-statistics),
        weights,
        partial(parametric_test, blocks=[Block(list(range(hypotheses)), law)]),
    )
    assert_allclose(closed, step_down_dunnett(statistics, law), atol=1e-9)


def test_a_stronger_test_of_intersections_rejects_no_less() -> None:
    graph, p_values = random_graph(4, seed=1), p_values_of(4)[:200]
    weights = intersection_weights(graph)
    plain = adjust_by_closure(p_values, weights, bonferroni_test)
    law = Law(np.full(4, 0.7))
    joint = adjust_by_closure(
        p_values, weights, partial(parametric_test, blocks=[Block([0, 1, 2, 3], law)])
    )
    by_simes = adjust_by_closure(p_values, weights, simes)
    for stronger in (joint, by_simes):
        assert np.all(stronger <= plain + 1e-9)
        assert (stronger < plain - 1e-6).any()


def test_a_batch_of_graphs_is_a_loop_over_families_of_p_values() -> None:
    graph, p_values = random_graph(5, seed=2), p_values_of(5)[:20].reshape(4, 5, 5)
    loop = [[adjust_by_graph(one, graph) for one in row] for row in p_values]
    assert_array_equal(adjust_by_graph(p_values, graph), loop)


def test_a_hypothesis_that_never_gets_any_level_is_never_rejected() -> None:
    graph = Graph((1.0, 0.0), ((0.0, 0.0), (0.0, 0.0)))
    assert adjust_by_graph(np.array([0.0, 0.0]), graph).tolist() == [0.0, 1.0]

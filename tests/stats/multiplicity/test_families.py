"""Families in order, against the closed tests that they are known to be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.arrays import Floats
from trialsim.stats.multiplicity.families import Family, adjust_in_order, passed_on
from trialsim.stats.multiplicity.graphs import (
    Graph,
    adjust_by_closure,
    adjust_by_graph,
    bonferroni_test,
)
from trialsim.stats.multiplicity.p_value_adjustments import adjust_p_values, bonferroni, truncated

PER_SIZE = 10_000


def p_values_of(*sizes: int) -> list[Floats]:
    random = np.random.default_rng(sum(sizes))
    return [random.random((PER_SIZE, size)) ** 3 for size in sizes]


@pytest.mark.parametrize(("first", "second", "share"), [(2, 3, 0.5), (3, 3, 0.25), (3, 2, 0.0)])
def test_truncated_holm_before_holm_is_a_closed_test(first: int, second: int, share: float) -> None:
    """Oracle: the weights of each intersection (Dmitrienko, Tamhane and Wiens 2008)."""
    primary, later = p_values_of(first, second)
    families = [
        Family(truncated(primary, "holm", share), passed_on(first, share)),
        Family(adjust_p_values(later, "holm"), passed_on(second)),
    ]
    size = first + second
    weights = np.zeros((2**size, size))
    for number in range(1, 2**size):
        members = np.array([bool(number >> place & 1) for place in range(size)])
        there, others = members[:first].sum(), members[first:].sum()
        if there:
            weights[number, :first] = members[:first] * (share / there + (1 - share) / first)
        left = 1 - share - (1 - share) * there / first if there else 1.0
        if others:
            weights[number, first:] = members[first:] * left / others
    closed = adjust_by_closure(np.concatenate([primary, later], axis=1), weights, bonferroni_test)
    assert_allclose(np.concatenate(adjust_in_order(families), axis=1), closed, atol=1e-12)


def test_bonferroni_before_bonferroni_is_parallel_gatekeeping() -> None:
    """Oracle: the graph of Bretz et al. (2009), each passing its level to both of the next."""
    primary, later = p_values_of(2, 2)
    families = [
        Family(bonferroni(primary), passed_on(2, 0.0)),
        Family(bonferroni(later), passed_on(2, 0.0)),
    ]
    half = (0.0, 0.0, 0.5, 0.5)
    graph = Graph((0.5, 0.5, 0.0, 0.0), (half, half, (0.0,) * 4, (0.0,) * 4))
    expected = adjust_by_graph(np.concatenate([primary, later], axis=1), graph)
    assert_allclose(np.concatenate(adjust_in_order(families), axis=1), expected, atol=1e-12)


def test_a_family_that_is_not_truncated_has_to_be_rejected_whole_before_the_next() -> None:
    each = [Family(adjust_p_values(one, "hommel"), passed_on(2)) for one in p_values_of(2, 2, 2)]
    found, before = adjust_in_order(each), np.zeros((PER_SIZE, 1))
    for own, family in zip(found, each, strict=True):
        assert_array_equal(own, np.maximum(family.adjusted, before))
        before = np.maximum(before, own.max(axis=1, keepdims=True))


def test_three_families_keep_the_error_rate_where_all_but_a_few_have_no_effect() -> None:
    """4 binomial standard errors; the first family has one large effect, so that it passes on."""
    random = np.random.default_rng(2016)
    first, second, third = (random.random((50_000, size)) for size in (2, 3, 2))
    first[:, 0] = 1e-9
    found = adjust_in_order(
        [
            Family(truncated(first, "holm", 0.5), passed_on(2, 0.5)),
            Family(truncated(second, "hochberg", 0.5), passed_on(3, 0.5)),
            Family(adjust_p_values(third, "holm"), passed_on(2)),
        ]
    )
    false = np.concatenate([found[0][:, 1:], found[1], found[2]], axis=1)
    rate = (false.min(axis=1) <= 0.05).mean()
    assert rate < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 50_000)
    assert rate > 0.03

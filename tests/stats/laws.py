"""What laws of statistics are put to: small samples that Hypothesis draws, and all allocations."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given, settings

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.mann_whitney import RankTest

Test = Callable[..., None]


def law(*drawn: Any, **named: Any) -> Callable[[Test], Test]:
    """Draw thirty examples: a wrong sign, divisor or tie is seen in the first few of them."""

    def of_examples(test: Test) -> Test:
        decorate: list[Callable[[Test], Test]] = [given(*drawn, **named), settings(max_examples=30)]
        for one in decorate:
            test = one(test)
        return test

    return of_examples


def allocations(treated: int, control: int) -> Integers:
    """Return every way to treat so many patients of all, each an order with the treated first."""
    everybody = range(treated + control)
    chosen = combinations(everybody, treated)
    return np.array([[*way, *sorted({*everybody}.difference(way))] for way in chosen])


def over_all_allocations(
    test: Callable[[Floats, Floats, Integers, Alternative], RankTest],
    treated: Floats,
    control: Floats,
    alternative: Alternative = "two-sided",
) -> float:
    """Return a permutation test's p-value over all allocations, the observed counted once."""
    ways = allocations(len(treated), len(control))
    found = test(treated, control, ways, alternative).p_value.item()
    return (found * (len(ways) + 1) - 1) / len(ways)


def bonferroni_test(p_values: Floats, weights: Floats, members: Booleans) -> Floats:
    """Return the smallest p-value for its weight, of the members of an intersection."""
    some = members & (weights > 0)
    return np.asarray((p_values[..., some] / weights[some]).min(axis=-1, initial=1.0))

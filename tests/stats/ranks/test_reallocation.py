"""Dealing the patients to the arms again, all ways or at random."""

from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.stats.laws import law
from trialsim.stats.ranks.mann_whitney import cell_counts
from trialsim.stats.ranks.reallocation import all_allocations, permuted_counts, tail_share


@law(totals=st.lists(st.integers(0, 3), min_size=1, max_size=4), share=st.floats(0, 1))
def test_allocations_are_the_combinations_of_patients_by_cell(
    totals: list[int], share: float
) -> None:
    """Oracle: every combination of patients, one by one, tabulated."""
    treated = int(share * sum(totals))
    cells = np.repeat(np.arange(len(totals)), totals)
    combined = [
        tuple(np.bincount(np.array(way, dtype=np.int64), minlength=len(totals)).tolist())
        for way in combinations(cells.tolist(), treated)
    ]
    ways, chances = all_allocations(np.array(totals), treated)
    assert sorted(map(tuple, ways.tolist())) == sorted(set(combined))
    for way, chance in zip(map(tuple, ways.tolist()), chances, strict=True):
        assert_allclose(chance, combined.count(way) / len(combined), rtol=1e-12)


def test_the_identity_permutation_gives_the_observed_counts() -> None:
    treated, control = np.array([[4.0, np.nan, 1.0], [2.0, 2.0, 9.0]]), np.array([1.0, 3.0])
    dealt = permuted_counts(treated, control, np.arange(5)[None, :])
    for permuted, observed in zip(dealt, cell_counts(treated, control), strict=True):
        assert_array_equal(permuted[:, 0], observed)


def test_permutations_keep_the_patients_and_the_sizes_of_the_arms() -> None:
    """With missing values, as many known values are treated as were."""
    generator = np.random.default_rng(6)
    treated, control = generator.integers(0, 5, (2, 20, 7)).astype(float)
    treated[generator.random(treated.shape) < 0.3] = np.nan
    shuffled = np.argsort(generator.random((20, 50, 14)), axis=-1)
    dealt, others = permuted_counts(treated, control, shuffled)
    observed, observed_others = cell_counts(treated, control)
    assert_array_equal(
        dealt + others, np.broadcast_to((observed + observed_others)[:, None], dealt.shape)
    )
    assert_array_equal(dealt.sum(axis=-1), np.repeat(observed.sum(axis=-1)[:, None], 50, axis=1))


def test_every_patient_is_treated_as_often() -> None:
    """Oracle: the binomial standard error of a share of 2 / 5 in 4,000 permutations."""
    shuffled = np.argsort(np.random.default_rng(8).random((4000, 5)), axis=-1)
    dealt, _ = permuted_counts(np.array([1.0, 2]), np.array([3.0, 4, 5]), shuffled)
    assert (abs(dealt.mean(axis=0) - 0.4) < 4 * np.sqrt(0.24 / 4000)).all()


def test_equal_statistics_that_differ_in_rounding_are_equally_extreme() -> None:
    observed, others = np.array(0.3), np.array([0.1 + 0.2, -0.3 + 1e-17, 0.2])
    assert tail_share(observed, others, "two-sided").item() == 0.75
    assert tail_share(np.array(np.inf), np.array([np.inf, -np.inf, 9.0]), "greater").item() == 0.5

"""Hierarchical composites, against R, the loop over pairs and the Mann-Whitney path."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.arrays import Floats
from trialsim.stats.ranks import hierarchical
from trialsim.stats.ranks.hierarchical import (
    Known,
    exactly,
    pairs_won,
    summarise_pairs,
    summarise_with_ties,
    win_ratio_of,
)
from trialsim.stats.ranks.mann_whitney import summarise
from trialsim.stats.ranks.wins import net_benefit, win_odds

TREATED: dict[str, list[float]] = {
    "death": [16, np.inf, 65, np.inf, 69, 23, 70, np.inf, 5, 20],
    "mrs": [1, 3, 4, 0, 2, 3, 2, 2, 3, 4],
    "arat": [57, 0, 44, 5, 5, 0, 0, 30, 17, 57],
}
CONTROL: dict[str, list[float]] = {
    "death": [42, 80, np.inf, 61, np.inf, 65, 38, 9, 25, 80, np.inf, np.inf],
    "mrs": [5, 0, 2, 1, 4, 3, 3, 4, 4, 2, 2, 0],
    "arat": [44, 0, 5, 44, 5, 17, 0, 57, 17, 0, 5, 5],
}


def of_arm(arm: dict[str, list[float]]) -> Known:
    """Return the three levels of an arm, alive after the last day and a low grade being best."""
    death = np.minimum(np.array(arm["death"], float), 91)
    return exactly(np.stack([death, -np.array(arm["mrs"], float), np.array(arm["arat"], float)]))


def test_three_levels_agree_with_r() -> None:
    """Oracle: BuyseTest 3.3.3 of tte, cont(-mrs) and cont(arat), scored by Gehan; pairs counted."""
    found = pairs_won(of_arm(TREATED), of_arm(CONTROL), [0, 0, 0])
    summary, ratio = summarise_pairs(found), win_ratio_of(found)
    assert (found.wins.sum(), found.losses.sum()) == (51, 68)
    assert found.pairs - found.wins.sum() - found.losses.sum() == 1
    assert_allclose(ratio.estimate, 0.75, rtol=1e-12)
    assert_allclose(ratio.standard_error, 0.550590338609197, rtol=1e-8)
    assert_allclose(win_odds(summary).estimate, 0.751824817518248, rtol=1e-8)
    assert_allclose(net_benefit(summary).estimate, -0.141666666666667, rtol=1e-8)
    share = np.array([9 / 10, 11 / 12])  # R divides by n, not by n - 1
    variance = summary.treated_variance * share[0] / 10 + summary.control_variance * share[1] / 12
    assert_allclose(2 * np.sqrt(variance), 0.254544345987245, rtol=1e-8)


def by_loops(treated: Known, control: Known, differences: Sequence[float]) -> tuple[Floats, Floats]:
    """Return wins and losses by level, pair by pair, of one trial."""
    wins, losses = np.zeros(len(differences)), np.zeros(len(differences))
    for i, j in product(np.flatnonzero(treated.there), np.flatnonzero(control.there)):
        for level, difference in enumerate(differences):
            gain = treated.low[level, i] - control.high[level, j]
            loss = control.low[level, j] - treated.high[level, i]
            if gain > 0 and gain >= difference:
                wins[level] += 1
                break
            if loss > 0 and loss >= difference:
                losses[level] += 1
                break
    return wins, losses


@pytest.fixture(scope="module")
def batch() -> tuple[Known, Known]:
    """Return 40 trials of three levels with many ties, some places without a patient."""
    generator = np.random.default_rng(2016)
    arms = []
    for patients in (11, 8):
        values = generator.integers(0, 9, (40, 3, patients)).astype(float)
        gone = generator.random((40, 1, patients)) < 0.15
        arms.append(exactly(np.where(gone, np.nan, values)))
    return arms[0], arms[1]


def with_bounds(arm: Known) -> Known:
    """Return an arm of which some values are known to be at least what they were, or not at all."""
    generator = np.random.default_rng(arm.low.shape[-1])
    fate = generator.random(arm.low.shape)
    low = np.where((fate < 0.1) & ~np.isnan(arm.low), -np.inf, arm.low)
    high = np.where((fate < 0.3) & ~np.isnan(arm.low), np.inf, arm.high)
    return Known(low, high)


@pytest.mark.parametrize("differences", [(0, 0, 0), (0, 1, 3), (2, 0, 4.5)])
@pytest.mark.parametrize("known", [True, False])
def test_pairs_are_those_of_the_loop_over_pairs(
    batch: tuple[Known, Known], differences: tuple[float, ...], known: bool
) -> None:
    treated, control = batch if known else map(with_bounds, batch)
    found = pairs_won(treated, control, differences)
    for trial in range(40):
        one, other = (Known(arm.low[trial], arm.high[trial]) for arm in (treated, control))
        wins, losses = by_loops(one, other, differences)
        assert_array_equal(found.wins[trial], wins)
        assert_array_equal(found.losses[trial], losses)
    assert_array_equal(found.control_won.sum(axis=-1), found.losses)
    assert_array_equal(found.control_lost.sum(axis=-1), found.wins)


def test_without_tolerances_it_is_the_mann_whitney_test_of_one_rank_to_the_bit(
    batch: tuple[Known, Known],
) -> None:
    treated, control = (100 * arm.low[:, 0] + 10 * arm.low[:, 1] + arm.low[:, 2] for arm in batch)
    of_rank = summarise(treated, control)
    found = summarise_with_ties(*batch, [0, 0, 0])
    for name, value in of_rank._asdict().items():
        assert_array_equal(value, getattr(found, name), err_msg=name)


def test_ranks_and_pairs_give_the_same_bits_however_many_pairs_are_compared_at_once(
    batch: tuple[Known, Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ranks = pairs_won(*batch, [0, 0, 0])
    smallest = [0.5, 0.5, 0.5]  # of whole numbers any difference, but every pair is compared
    for at_once in (1, 300, 2**18):
        monkeypatch.setattr(hierarchical, "_PAIRS_AT_ONCE", at_once)
        by_pairs = pairs_won(*batch, smallest)
        for one, other in zip(by_ranks, by_pairs, strict=True):
            assert_array_equal(one, other)
        assert_array_equal(win_ratio_of(by_ranks).high, win_ratio_of(by_pairs).high)
        ties = summarise_with_ties(*batch, smallest).tie_sum
        assert_array_equal(ties, summarise_with_ties(*batch, [0, 0, 0]).tie_sum)


def test_ties_are_counted_only_where_the_null_variance_stands_in_and_places_do_not_matter(
    batch: tuple[Known, Known],
) -> None:
    """Of rows of 0 to 11 patients an arm; a tie sum is that of the patients by themselves."""
    differences = (0, 3, 2)
    there = np.arange(11) < (np.arange(40) % 12)[:, None, None]
    treated, control = (
        exactly(np.where(there[..., : arm.low.shape[-1]], arm.low, np.nan)) for arm in batch
    )
    whole = summarise_with_ties(treated, control, differences)
    found = pairs_won(treated, control, differences)
    needed = summarise_with_ties(treated, control, differences, found, as_stand_in=True)
    unknown = ~(whole.placement_variance > 0)
    assert 5 < unknown.sum() < 20
    assert_array_equal(needed.tie_sum, np.where(unknown, whole.tie_sum, np.nan))
    for trial in range(40):
        both = np.concatenate([treated.low[trial], control.low[trial]], axis=-1)
        pooled = exactly(both[:, ~np.isnan(both[0])])
        scores = sum(
            (won - lost).sum(axis=0) for won, lost in [pairs_won(pooled, pooled, differences)[:2]]
        )
        patients = pooled.low.shape[-1]
        ties = patients**3 - patients - 3 * (scores * scores).sum()
        assert whole.tie_sum[trial] == ties


def test_more_pairs_of_a_patient_than_fit_in_a_byte_are_counted() -> None:
    """Oracle: the path by ranks, of the same whole numbers."""
    generator = np.random.default_rng(5)
    one, other = (exactly(generator.integers(0, 9, (2, 1, n)).astype(float)) for n in (300, 290))
    for by_ranks, by_pairs in zip(
        pairs_won(one, other, [0]), pairs_won(one, other, [0.5]), strict=True
    ):
        assert_array_equal(by_ranks, by_pairs)


def test_of_two_who_differ_by_less_than_the_tolerance_a_lower_level_decides() -> None:
    """Scores 5 apart at a tolerance of 6 go on to the next level, and 6 apart do not."""

    def winner(gap: float) -> list[float]:
        one, other = exactly(np.array([[gap], [1.0]])), exactly(np.array([[0.0], [2.0]]))
        found = pairs_won(one, other, [6, 0])
        return [float(won) for won in found.wins - found.losses]

    assert winner(5) == [0, -1]
    assert winner(6) == [1, 0]


def test_an_arm_without_patients_has_no_effect_and_no_pairs() -> None:
    nobody = exactly(np.full((2, 3), np.nan))
    for differences in ([0, 0], [0, 6]):
        found = pairs_won(exactly(np.ones((2, 4))), nobody, differences)
        assert found.pairs == 0
        assert np.isnan(summarise_pairs(found).effect)
        assert np.isnan(win_ratio_of(found).estimate)

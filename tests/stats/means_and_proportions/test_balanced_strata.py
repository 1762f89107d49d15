"""What balance within strata takes off a variance, by hand; tests keep their level by it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks.small_samples import measured
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.means_and_proportions.balanced_strata import spared_by_balance


@pytest.fixture(scope="module")
def batch() -> tuple[Floats, Booleans, Booleans, Integers]:
    """Return 20 trials of 60 patients in 4 strata, some not analysed and some of another arm."""
    generator = np.random.default_rng(2018)
    stratum = generator.integers(0, 4, (20, 60))
    stratum = np.where(generator.random((20, 60)) < 0.1, -1, stratum)
    treated, known = generator.random((20, 60)) < 0.5, generator.random((20, 60)) < 0.8
    influence = generator.normal(size=(20, 60)) + stratum * np.where(treated, 1, -1)
    return influence, treated, known, stratum


def test_it_is_the_difference_of_the_arms_mean_influences_in_each_stratum_less_its_variance(
    batch: tuple[Floats, Booleans, Booleans, Integers],
) -> None:
    influence, treated, known, stratum = batch
    found = spared_by_balance(influence, treated, known, stratum[..., None])
    for row in range(20):
        there = known[row] & (stratum[row] >= 0)
        arms = [there & treated[row], there & ~treated[row]]
        spread = []
        for arm in arms:
            parts = [influence[row][arm & (stratum[row] == one)] for one in range(4)]
            squares = sum(((part - part.mean()) ** 2).sum() for part in parts)
            spread.append(squares / (arm.sum() - 4))
        total = 0.0
        for one in range(4):
            of_arm = [influence[row][arm & (stratum[row] == one)] for arm in arms]
            apart = of_arm[0].mean() - of_arm[1].mean()
            chance = sum(s / len(part) for s, part in zip(spread, of_arm, strict=True))
            total += sum(map(len, of_arm)) * (apart**2 - chance)
        share = arms[0].sum() / there.sum()
        analysed = there.sum() / (stratum[row] >= 0).sum()
        expected = analysed * share * (1 - share) * total / there.sum() ** 2
        assert found[row] == pytest.approx(expected)


def test_margins_of_one_factor_are_its_strata_and_of_two_they_do_not_know_their_interaction(
    batch: tuple[Floats, Booleans, Booleans, Integers],
) -> None:
    influence, treated, known, stratum = batch
    of_strata = spared_by_balance(influence, treated, known, stratum[..., None])
    same = np.where(stratum >= 0, 4, -1)  # a factor of one class beside it
    of_margins = spared_by_balance(influence, treated, known, np.stack([stratum, same], axis=-1))
    assert_allclose(of_margins, of_strata, rtol=1e-9)

    first, second = stratum // 2, stratum % 2
    there = stratum >= 0
    crossed = np.where(treated, 1, -1) * np.where(first == second, 3.0, -3.0)
    factors = np.where(there, [first, 2 + second], -1).transpose(1, 2, 0)
    noise = influence - stratum * np.where(treated, 1, -1)
    interaction = spared_by_balance(crossed + noise, treated, known, factors)
    saturated = spared_by_balance(crossed + noise, treated, known, stratum[..., None])
    assert interaction.mean() < 0.1 * saturated.mean()


def test_where_a_stratum_has_one_arm_or_nothing_differs_nothing_is_spared() -> None:
    influence, treated = np.array([[1.0, 2, 3, 4]]), np.array([[True, True, False, False]])
    apart = np.array([[[0], [0], [1], [1]]])
    everybody = np.ones((1, 4), bool)
    assert_array_equal(spared_by_balance(influence, treated, everybody, apart), 0)
    two = np.concatenate([apart, apart + 2], axis=-1)
    assert_array_equal(spared_by_balance(influence, treated, everybody, two), 0)
    assert_array_equal(spared_by_balance(0 * influence, treated, everybody, 0 * apart), 0)
    assert_array_equal(spared_by_balance(influence, treated, ~everybody, 0 * apart), 0)


def test_in_strata_that_tell_it_keeps_the_level_where_simple_randomisation_rejects_less() -> None:
    """1,000 trials without an effect; 5% within 4 Monte Carlo errors, and at most 2.5%."""
    rows = [f"responders, standardised, 4 strata, {one}" for one in ("simple", "design")]
    shares = {(name, size): one.share for name, size, one in measured(1_000, tuple(rows))}
    assert abs(shares[rows[1], 104] - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1_000)
    assert shares[rows[0], 104] < 0.025 < shares[rows[1], 25]

"""Effects of doses against one control, against all allocations and other formulas."""

import numpy as np
from numpy.testing import assert_allclose

from trialsim.arrays import Floats, Integers
from trialsim.stats.dose_response.effects import log_odds_effects, mean_effects, rank_effects
from trialsim.stats.ranks.mann_whitney import summarise_counts

DOSES = np.array([[0, 2, 1, 3], [1, 1, 2, 0]])
CONTROL = np.array([2, 1, 1, 2])


def test_the_null_covariance_is_that_of_all_allocations() -> None:
    """Of 20,000 of them, within 4 errors of a variance; and exactly the known one of two arms."""
    rng, draws = np.random.default_rng(5), 20_000
    cells = np.repeat(np.arange(4), DOSES.sum(axis=0) + CONTROL)
    order = rng.permuted(np.tile(cells, (draws, 1)), axis=1)
    first, second, control = order[:, :6], order[:, 6:10], order[:, 10:]

    def theta(arm: Integers) -> Floats:
        away = arm[:, :, None] - control[:, None, :]
        return np.asarray(((away > 0) + 0.5 * (away == 0)).mean(axis=(1, 2)))

    drawn = np.cov(np.stack([theta(first), theta(second)]))
    found = rank_effects(DOSES, CONTROL).null_covariance
    assert_allclose(drawn, found, rtol=4 * np.sqrt(2 / draws))
    alone = rank_effects(DOSES[:1], CONTROL).null_covariance
    assert_allclose(alone[0, 0], summarise_counts(DOSES[0], CONTROL).null_variance, rtol=1e-12)


def test_without_ties_the_null_covariance_is_that_of_steel() -> None:
    """Of m and n patients (m + n + 1) / 12 m n, and 1 / 12 n between two doses."""
    places = np.eye(9, dtype=int)
    doses = np.stack([places[[0, 4, 8]].sum(axis=0), places[[1, 2]].sum(axis=0)])
    control = places[[3, 5, 6, 7]].sum(axis=0)
    found = rank_effects(doses, control).null_covariance
    shared = 1 / (12 * 4)
    assert_allclose(found, [[8 / (12 * 12), shared], [shared, 7 / (12 * 8)]], rtol=1e-12)


def test_the_covariance_of_ranks_is_that_of_the_jackknife_s_influences() -> None:
    """Each patient's placement less its mean, over the number of patients of the arm."""
    found = rank_effects(DOSES, CONTROL)
    arms = [np.repeat(np.arange(4), counts) for counts in (*DOSES, CONTROL)]
    won = [(arm[:, None] > arms[2]) + 0.5 * (arm[:, None] == arms[2]) for arm in arms[:2]]
    shared = [table.mean(axis=0) for table in won]
    expected = np.cov(np.stack(shared)) / len(arms[2])
    for place, table in enumerate(won):
        expected[place, place] += table.mean(axis=1).var(ddof=1) / len(table)
    assert_allclose(found.covariance, expected, rtol=1e-12)
    assert_allclose(found.estimate, [table.mean() - 0.5 for table in won], rtol=1e-12)


def test_means_and_odds_are_those_of_their_formulas() -> None:
    values = np.array([0.0, 1.0, 2.0, 4.0])
    found = mean_effects(DOSES, CONTROL, values)
    arms = [np.repeat(values, counts) for counts in (CONTROL, *DOSES)]
    squares = sum(((arm - arm.mean()) ** 2).sum() for arm in arms)
    variance = squares / (16 - 3)
    assert_allclose(found.estimate, [arm.mean() - arms[0].mean() for arm in arms[1:]])
    assert_allclose(found.covariance, variance * (1 / 6 + np.diag([1 / 6, 1 / 4])))
    assert found.freedom == 13
    odds = log_odds_effects(np.array([3, 0]), np.array([6, 4]), np.array(2), np.array(6))
    logs = np.log(np.array([3.5 / 3.5, 0.5 / 4.5])) - np.log(2.5 / 4.5)
    assert_allclose(odds.estimate, logs)
    shared = 1 / 2.5 + 1 / 4.5
    own = [1 / 3.5 + 1 / 3.5, 1 / 0.5 + 1 / 4.5]
    assert_allclose(odds.covariance, shared + np.diag(own))


def test_an_empty_arm_has_no_effect() -> None:
    nobody = np.zeros((1, 4), int)
    assert np.isnan(rank_effects(nobody, CONTROL).estimate).all()
    assert np.isnan(mean_effects(nobody, CONTROL, np.arange(4.0)).estimate).all()
    nothing = np.array([0])
    assert np.isnan(log_odds_effects(nothing, nothing, np.array(1), np.array(2)).covariance).all()

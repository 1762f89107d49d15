"""Effects on several scales from counts, against ranks of one trial at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from trialsim.arrays import Booleans, Floats
from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.stats.several_outcomes import joint_effects
from trialsim.stats.several_outcomes.joint_effects import CountedEffects, Scale

SIZES = (3, 58, 252, 7)
ARMS = 3


def batch(trials: int = 6, patients: int = 40) -> tuple[list[Scale], Booleans, Booleans]:
    """Return scales with missing values, and two of three arms."""
    random = np.random.default_rng(5)
    ability, arm = (
        random.normal(size=(trials, patients)),
        random.integers(0, ARMS, (trials, patients)),
    )
    scales = []
    for size in SIZES:
        score = 0.5 + 0.2 * (ability + random.normal(size=ability.shape) + (arm == 0))
        cells = np.clip(score * size, 0, size - 1).astype(np.int64)
        scales.append(Scale(cells, random.random(cells.shape) > 0.1, size))
    return scales, arm == 0, arm == 1


def influences(own: Floats, other: Floats) -> Floats:
    """Return by how much each patient moves the mean placement of an arm, from SciPy's midranks.

    A placement is the rank among all less the rank in the own arm; NaN is a missing value.
    """
    known, others = ~np.isnan(own), other[~np.isnan(other)]
    pooled = rankdata(np.concatenate([own[known], others]))[: known.sum()]
    placed = (pooled - rankdata(own[known])) / len(others)
    moved = np.zeros(own.shape)
    moved[known] = (placed - placed.mean()) / np.sqrt(known.sum() * (known.sum() - 1))
    return moved


@pytest.mark.parametrize("trial", range(6))
def test_effects_and_covariances_are_those_of_scipys_ranks(trial: int) -> None:
    scales, treated, control = batch()
    joint = CountedEffects(scales, treated, control)
    rows = [np.where(one.known, one.cells, np.nan)[trial] for one in scales]
    arms = [[row[arm[trial]] for row in rows] for arm in (treated, control)]
    effects, null = [], []
    for t, c in zip(*arms, strict=True):
        m, n = (~np.isnan(t)).sum(), (~np.isnan(c)).sum()
        ranks = rankdata(np.concatenate([t, c]), nan_policy="omit")
        effects.append((np.nansum(ranks[: len(t)]) - m * (m + 1) / 2) / (m * n))
        centred = np.nan_to_num(ranks - np.nanmean(ranks))
        null.append(centred / np.sqrt((m + n) * (m + n - 1) * m * n))
    t, c = (
        np.array([influences(*pair) for pair in zip(one, other, strict=True)])
        for one, other in (arms, arms[::-1])
    )
    assert_allclose(joint.effects[trial], effects, rtol=1e-12)
    assert_allclose(joint.covariance[trial], t @ t.T + c @ c.T, rtol=1e-10, atol=1e-15)
    assert_allclose(joint.null_covariance[trial], np.array(null) @ np.array(null).T, atol=1e-15)


def test_the_order_of_patients_and_other_trials_change_no_bit() -> None:
    scales, treated, control = batch()
    order = np.random.default_rng(1).permutation(treated.shape[1])
    whole = CountedEffects(scales, treated, control)
    shuffled = [Scale(one.cells[2:3, order], one.known[2:3, order], one.size) for one in scales]
    alone = CountedEffects(shuffled, treated[2:3, order], control[2:3, order])
    assert_array_equal(alone.effects[0], whole.effects[2])
    assert_array_equal(alone.covariance[0], whole.covariance[2])
    assert_array_equal(alone.null_covariance[0], whole.null_covariance[2])


def test_the_cell_of_a_missing_value_does_not_matter() -> None:
    scales, treated, control = batch()
    moved = [Scale(np.where(one.known, one.cells, 0), one.known, one.size) for one in scales]
    one, other = (CountedEffects(each, treated, control) for each in (scales, moved))
    assert_array_equal(one.covariance, other.covariance)
    assert_array_equal(one.null_covariance, other.null_covariance)


@pytest.mark.parametrize("patients", [1, 7, 40, 1900])
def test_every_build_gives_the_same_bits(patients: int) -> None:
    """Also where an arm has nobody, and with as many patients as a compiled stage takes."""
    scales, treated, control = batch(3, patients)
    found = {}
    for build in builds_here():
        with computed_by(build):
            joint = CountedEffects(scales, treated, control)
            every = joint.null_covariance, joint.covariance, joint.effects, joint.treated
            found[build] = [one.tobytes() for one in every]
    assert all(one == found[NUMPY] for one in found.values())


def test_whole_numbers_are_exact_for_as_many_patients_as_a_stage_takes() -> None:
    """Where nobody ties with anybody the squares of pooled deviations are the largest."""
    patients = joint_effects._MOST_EXACT
    doubled = 2 * np.arange(patients, dtype=object) + 1
    squares = sum((patients * one - patients**2) ** 2 for one in doubled)
    assert squares < 2**53

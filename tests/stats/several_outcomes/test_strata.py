"""Effects on several scales within strata, against pairs counted one by one."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.ranks.mann_whitney import RankSummary
from trialsim.stats.ranks.stratified import (
    StratumWeighting,
    stratified_effect,
    stratified_test,
    summarise_strata,
)
from trialsim.stats.several_outcomes.joint_effects import Scale
from trialsim.stats.several_outcomes.multivariate import wei_lachin
from trialsim.stats.several_outcomes.strata import StratifiedEffects, within_strata

PATIENTS, STRATA = 60, 3
RNG = np.random.default_rng(4)
CELLS = np.stack([RNG.integers(0, 7, PATIENTS), RNG.integers(0, 58, PATIENTS)])
CELLS[1] = np.clip(CELLS[1] // 2 + 4 * CELLS[0], 0, 57)
KNOWN = RNG.random((2, PATIENTS)) < 0.9
TREATED = RNG.random(PATIENTS) < 0.5
STRATUM = RNG.integers(0, STRATA, PATIENTS)


def found(
    weighting: StratumWeighting = "van-elteren", treated: Booleans = TREATED
) -> StratifiedEffects:
    scales = [Scale(cells, known, 58) for cells, known in zip(CELLS, KNOWN, strict=True)]
    return within_strata(scales, treated, ~treated, STRATUM, STRATA, weighting)


def placements(scale: int, stratum: Integers | int, treated: bool) -> dict[int, float]:
    """Return the share of the other arm that each patient of one stratum beats, pair by pair."""
    there = [i for i in range(PATIENTS) if STRATUM[i] == stratum and KNOWN[scale, i]]
    own, other = ([i for i in there if TREATED[i] == arm] for arm in (treated, not treated))
    wins = {i: [np.sign(CELLS[scale, i] - CELLS[scale, j]) for j in other] for i in own}
    return {i: float(np.mean([(1 + one) / 2 for one in row])) for i, row in wins.items()}


def covariance(stratum: int) -> Floats:
    """DeLong's covariance of the two effects in a stratum; who lacks a score adds nothing."""
    total = np.zeros((2, 2))
    for arm in (True, False):
        each = [placements(scale, stratum, arm) for scale in (0, 1)]
        means = [np.mean(list(one.values())) for one in each]
        for k, j in product((0, 1), repeat=2):
            both = each[k].keys() & each[j].keys()
            products = sum((each[k][i] - means[k]) * (each[j][i] - means[j]) for i in both)
            roots = [np.sqrt(len(one) * (len(one) - 1)) for one in (each[k], each[j])]
            total[k, j] += products / (roots[0] * roots[1])
    return total


def test_effects_and_covariance_are_sums_over_strata_of_pairs_counted_one_by_one() -> None:
    joint, effects, total = found(), np.zeros(2), np.zeros((2, 2))
    weights = np.zeros((2, STRATA))
    each = np.zeros((2, STRATA))
    for scale, stratum in product((0, 1), range(STRATA)):
        treated, control = (placements(scale, stratum, arm) for arm in (True, False))
        m, n = len(treated), len(control)
        weights[scale, stratum] = m * n / (m + n + 1)
        each[scale, stratum] = np.mean(list(treated.values()))
    weights /= weights.sum(axis=1, keepdims=True)
    effects = (weights * each).sum(axis=1)
    for stratum in range(STRATA):
        share = weights[:, stratum]
        total += np.outer(share, share) * covariance(stratum)
    assert_allclose(joint.effects, effects, rtol=1e-12)
    assert_allclose(joint.covariance, total, rtol=1e-10)
    pooled = wei_lachin(joint, "equal", "placement")
    assert_allclose(pooled.effect, effects.mean(), rtol=1e-12)
    assert_allclose(pooled.standard_error, np.sqrt(total.mean()), rtol=1e-10)


@pytest.mark.parametrize(
    "weighting",
    ["van-elteren", "mantel-haenszel", "pairs", "patients", "equal", "inverse-variance"],
)
def test_one_scale_is_van_elterens_test(weighting: StratumWeighting) -> None:
    cells = np.where(KNOWN[0], CELLS[0], np.nan)
    strata: RankSummary = summarise_strata(
        cells[TREATED], cells[~TREATED], STRATUM[TREATED], STRATUM[~TREATED]
    )
    joint = found(weighting)
    test, effect = stratified_test(strata, weighting), stratified_effect(strata, weighting)
    assert_allclose(joint.effects[0], test.effect, rtol=1e-12)
    null = (joint.effects[0] - 0.5) / np.sqrt(joint.null_covariance[0, 0])
    assert_allclose(null, test.z, rtol=1e-10)
    assert_allclose(np.sqrt(joint.covariance[0, 0]), effect.standard_error, rtol=1e-10)


def test_a_stratum_with_one_arm_has_no_weight() -> None:
    treated = TREATED | (STRATUM == 2)
    joint, pooled = found(treated=treated), wei_lachin(found(treated=treated), "equal")
    left = STRATUM < 2
    scales = [Scale(c[left], k[left], 58) for c, k in zip(CELLS, KNOWN, strict=True)]
    two = within_strata(scales, treated[left], ~treated[left], STRATUM[left], 2)
    assert_allclose(joint.effects, two.effects, rtol=1e-12)
    assert_allclose(joint.null_covariance, two.null_covariance, rtol=1e-12)
    assert np.isfinite(pooled.standard_error)
    nobody = found(treated=np.ones(PATIENTS, bool))
    assert np.isnan(nobody.effects).all()
    assert wei_lachin(nobody).p_value == 1

"""Power from counts, against exact enumeration, the patient path and formulae."""

import time
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multinomial

from tests.stats.reference import reference
from trialsim.arrays import Floats, Integers
from trialsim.stats.monte_carlo import mcse_of_proportion, paired_difference
from trialsim.stats.p_values import Alternative
from trialsim.stats.planning.count_power import BATCH, count_power, count_tests
from trialsim.stats.planning.sample_size import happ
from trialsim.stats.planning.scale_effects import (
    cells_of_censored_normal,
    odds_ratio_of_theta,
    proportional_odds_cells,
    theta_of_cells,
)
from trialsim.stats.ranks.mann_whitney import mann_whitney, rank_test, summarise_counts

CASES = reference("count_power")["cases"]
CONTROL = cells_of_censored_normal(38.0, 30.0, 0, 57)  # U-shaped: a tenth at 0, a quarter at 57
TREATED = proportional_odds_cells(CONTROL, odds_ratio_of_theta(CONTROL, 0.62))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_power_agrees_with_exact_enumeration(case: dict[str, Any]) -> None:
    """Oracle: every pair of multinomial outcomes, enumerated in R; binomial errors."""
    study, expected, replicates = case["inputs"], case["expected"], 5_000
    scale = np.array(study["p_treatment"]), np.array(study["p_control"])
    patients = study["n_treatment"], study["n_control"]
    correction = study["continuity_correction"]
    generator = np.random.default_rng(2016)
    found = count_power(*scale, patients, replicates, generator, continuity=correction)
    exact = expected["power_two_sided"]
    assert abs(found.power.estimate - exact) < 4 * mcse_of_proportion(exact, replicates)
    if "mean_theta_hat" in expected:
        assert abs(found.effect.estimate - expected["mean_theta_hat"]) < 4 * found.effect.mcse
        assert_allclose(found.effect.sd**2, expected["var_theta_hat"], rtol=4 * 0.02)
    upper = count_tests(*scale, patients, replicates, generator, "greater", correction)
    exact = expected["prob_reject_upper"]
    rejected = np.mean(upper.p_value <= 0.025)
    assert abs(rejected - exact) < 4 * mcse_of_proportion(exact, replicates)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_tests_of_all_counts_have_the_exact_power(case: dict[str, Any]) -> None:
    """Oracle: the same enumeration, here of the counts that `count_power` draws from."""
    study, expected = case["inputs"], case["expected"]
    treated, chances = outcomes(study["n_treatment"], study["p_treatment"])
    control, others = outcomes(study["n_control"], study["p_control"])
    summary = summarise_counts(treated[:, None], control)
    correction = study["continuity_correction"]
    sides: tuple[tuple[Alternative, float, str], ...] = (
        ("two-sided", 0.05, "power_two_sided"),
        ("greater", 0.025, "prob_reject_upper"),
    )
    for alternative, level, key in sides:
        rejected = rank_test(summary, alternative, correction).p_value <= level
        assert_allclose(chances @ rejected @ others, expected[key], atol=1e-10)


def test_counts_give_the_p_values_of_the_same_patients_to_the_bit() -> None:
    """Oracle: the patient path, with each count drawn again and spread out over its patients."""
    tests = count_tests(TREATED, CONTROL, (21, 19), 300, np.random.default_rng(7))
    streams = np.random.default_rng(7).spawn(2)
    treated = streams[0].multinomial(21, TREATED / TREATED.sum(), 300)
    control = streams[1].multinomial(19, CONTROL / CONTROL.sum(), 300)
    found = mann_whitney(patients_of(treated), patients_of(control))
    for name, left, right in zip(found._fields, found, tests, strict=True):
        assert_array_equal(left, right, err_msg=name)


def test_power_agrees_with_the_formula_for_a_large_trial() -> None:
    """Oracle: Happ, Bathke and Brunner's formula, which is right to half a percent here."""
    found = count_power(TREATED, CONTROL, (104, 101), 20_000, np.random.default_rng(3))
    wanted = happ(TREATED, CONTROL).power(205)
    assert abs(found.power.estimate - wanted) < 4 * found.power.mcse + 0.005
    assert abs(found.effect.estimate - theta_of_cells(TREATED, CONTROL)) < 4 * found.effect.mcse


def test_no_effect_rejects_at_its_level() -> None:
    found = count_power(CONTROL, CONTROL, (104, 101), 20_000, np.random.default_rng(4))
    assert abs(found.power.estimate - 0.05) < 4 * mcse_of_proportion(0.05, 20_000)


def test_more_replicates_change_no_earlier_one() -> None:
    few, many = (
        count_tests(TREATED, CONTROL, (30, 30), replicates, np.random.default_rng(5))
        for replicates in (BATCH - 3, 2 * BATCH + 1)
    )
    assert_array_equal(many.p_value[: BATCH - 3], few.p_value)


def test_one_seed_pairs_two_designs() -> None:
    """Designs on the same draws differ with a smaller error than independent ones would."""
    plain, corrected = (
        count_power(
            TREATED, CONTROL, (60, 60), 4000, np.random.default_rng(6), continuity=continuity
        )
        for continuity in (False, True)
    )
    difference = paired_difference(corrected.rejected, plain.rejected)
    assert difference.estimate < 0
    assert difference.independent_replicates > 10 * 4000


def test_trials_that_cannot_tell_do_not_reject() -> None:
    stuck = np.array([0.0, 1.0])
    found = count_power(stuck, stuck, (9, 9), 300, np.random.default_rng(8))
    assert found.power.estimate == 0
    assert_array_equal(found.effect, [0.5, 0.0, 0.0])
    empty = count_power(CONTROL, CONTROL, (0, 9), 300, np.random.default_rng(8))
    assert empty.power.estimate == 0
    assert np.isnan(empty.effect.estimate)


def test_a_core_simulates_thirty_thousand_trials_a_second() -> None:
    """It does some 140,000; the best of three runs, in time of the processor."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        count_tests(TREATED, CONTROL, (104, 101), 5000, np.random.default_rng(9))
        seconds.append(time.process_time() - start)
    assert 5000 / min(seconds) > 30_000


def test_wrong_arguments_are_refused() -> None:
    generator = np.random.default_rng(1)
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 1 \(got 0\.0\)"):
        count_power(TREATED, CONTROL, (9, 9), 10, generator, alpha=0.0)
    with pytest.raises(ValueError, match=r"patients must not be negative \(got \(9, -1\)\)"):
        count_tests(TREATED, CONTROL, (9, -1), 10, generator)
    with pytest.raises(ValueError, match=r"replicates must not be negative \(got -5\)"):
        count_tests(TREATED, CONTROL, (9, 9), -5, generator)
    with pytest.raises(ValueError, match=r"cell probabilities must sum to 1 \(got 0\.5\)"):
        count_tests(TREATED / 2, CONTROL, (9, 9), 10, generator)


def outcomes(patients: int, cells: list[float]) -> tuple[Integers, Floats]:
    """All counts that so many patients can make, and the chance of each."""
    grid = np.indices((patients + 1,) * (len(cells) - 1)).reshape(len(cells) - 1, -1)
    counts = np.vstack([grid, patients - grid.sum(axis=0)]).T
    counts = counts[counts[:, -1] >= 0]
    return counts, multinomial(patients, cells).pmf(counts)


def patients_of(counts: Integers) -> Floats:
    """Patients spread out, each with the number of its cell."""
    values = np.arange(float(counts.shape[-1]))
    return np.stack([np.repeat(values, trial) for trial in counts])

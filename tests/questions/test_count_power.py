"""Power without patients agrees with power from patients, within the error of both."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from trialsim.errors import InputError
from trialsim.questions.count_power import count_power_of, endpoint_cells, patients_by_cells
from trialsim.questions.power import power
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.stats.planning.count_power import count_power
from trialsim.stats.planning.scale_effects import theta_of_cells
from trialsim.streams import generator

SMALLER: dict[str, Any] = {"design.patients": 100, "outcomes.arat.effect.value": 0.64}
LOSING: dict[str, Any] = {
    **SMALLER,
    "analysis.missing": "worst_rank",
    "analysis.continuity_correction": True,
    "operations.withdrawal.probability": 0.2,
}


@pytest.mark.parametrize("changes", [SMALLER, LOSING, {**SMALLER, "analysis.alternative": "less"}])
def test_both_ways_to_the_power_agree(changes: dict[str, Any]) -> None:
    """Within 4 joint standard errors; the closed forms too, with 1% for their approximations."""
    scenario = load("cars1").replace(changes)
    counts = count_power_of(scenario, replicates=10_000, seed=5)
    patients = power(scenario, replicates=2000, seed=6, n_jobs=1)
    joint = np.hypot(counts.mcse, patients.mcse)
    assert abs(counts.power - patients.power) < 4 * joint + 0.002
    effect = np.hypot(counts.cells.effect_mcse, patients.estimate.mcse)
    assert abs(counts.cells.effect - patients.estimate.estimate) < 4 * effect
    if scenario.analysis.alternative == "two-sided":
        for closed in (counts.zhao, counts.happ):
            assert abs(closed - counts.power) < 4 * counts.rejections.mcse + 0.015
    else:
        assert np.isnan(counts.noether)


def test_patients_and_power_by_cells_are_two_readings_of_one_formula() -> None:
    """The patients that a power asks for, run as a study of their own, have that power."""
    cars1 = load("cars1").replace(LOSING)
    asked = patients_by_cells(cars1, 0.8, cohort=1024, seed=5)
    assert asked is not None
    large = cars1.replace({"design.patients": round(asked.patients)})
    found = count_power_of(large, replicates=2, seed=5, cohort=1024)
    joint = np.sqrt(2) * found.power_slope * found.cells.effect_mcse
    assert abs(found.happ - 0.8) < 4 * joint + 0.002  # a whole patient's power


def test_the_error_of_patients_by_cells_is_their_spread_over_seeds() -> None:
    scenario = load("cars1").replace(SMALLER)
    runs = [patients_by_cells(scenario, 0.9, cohort=64, seed=seed) for seed in range(40)]
    patients, errors = np.array([run[:2] for run in runs if run is not None]).T
    assert len(patients) == 40
    assert 0.65 < np.std(patients, ddof=1) / np.sqrt(np.mean(np.square(errors))) < 1.4


def test_without_an_effect_the_count_path_rejects_at_alpha() -> None:
    """Either way at alpha, and for the treated, which is the power, in half of these.

    Within 4 joint standard errors, with 0.0015 for the normal approximation, half of it a side.
    """
    found = count_power_of(load("cars1_null"), seed=2016, replicates=20_000)
    assert abs(found.power - 0.025) < 4 * np.hypot(found.mcse, 0.00075)
    cells, again = found.cells, generator(2016, "count path")
    counts = count_power(cells.treated, cells.control, found.patients, 20_000, again)
    assert counts.favoured.mean() == found.power
    assert abs(counts.power.estimate - 0.05) < 4 * np.hypot(counts.power.mcse, 0.0015)


def test_the_cells_are_chances_and_the_dead_are_in_the_first() -> None:
    """Oracle: one patient in a hundred dies, most of them by day 90."""
    cells = endpoint_cells(load("cars1"), replicates=512)
    for arm in (cells.treated, cells.control):
        assert_allclose(arm.sum(), 1)
        assert len(arm) == 59
        assert 0.005 < arm[0] < 0.012
    assert cells.effect == theta_of_cells(cells.treated, cells.control)
    assert 100 < min(cells.patients) < max(cells.patients) < 104


def test_the_error_of_the_cells_is_their_spread_over_seeds() -> None:
    """Over 40 seeds the SD of the effect, and of two cells, is within its chi-squared limits."""
    scenario = load("cars1").replace(SMALLER)
    runs = [endpoint_cells(scenario, replicates=64, seed=seed) for seed in range(40)]
    pairs = [([run.effect for run in runs], [run.effect_mcse for run in runs])]
    for cell in (1, 58):
        told = [run.control_mcse[cell] for run in runs]
        pairs.append(([run.control[cell] for run in runs], told))
    for values, errors in pairs:
        assert 0.65 < np.std(values, ddof=1) / np.sqrt(np.mean(np.square(errors))) < 1.4


def test_the_cells_are_measured_on_a_seed_of_their_own() -> None:
    """The patients of the cells are none of the patients of the power run on the same seed."""
    scenario = load("cars1").replace(SMALLER)
    cells = endpoint_cells(scenario, replicates=128, seed=3)
    run = power(scenario, replicates=128, seed=3, n_jobs=1)
    assert cells.patients[0] != run.mean_of("treated_analysed").estimate


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"analysis.strata": "site"}, ["analysis.strata: must be none for the count path"]),
        (
            {"analysis.test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}}},
            ["analysis.test: must be mann_whitney for the count path (got adjusted_rank)"],
        ),
        (
            {"analysis.missing": "multiple_imputation"},
            ["analysis.missing: cannot be multiple_imputation for the count path"],
        ),
        (
            {
                "analysis.strata": "site",
                "analysis.test": {"method": "adjusted_rank", "covariates": {"arat": "rank"}},
            },
            ["analysis.test: must be mann_whitney", "analysis.strata: must be none"],
        ),
    ],
)
def test_plans_that_counts_cannot_follow_are_refused_by_name(
    changes: dict[str, Any], told: list[str]
) -> None:
    scenario: Scenario = load("cars1").replace(changes)
    with pytest.raises(InputError) as caught:
        count_power_of(scenario)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True))


def test_the_result_is_plain_data() -> None:
    import json

    found = count_power_of(load("cars1"), replicates=200, cohort=64).to_dict()
    assert json.loads(json.dumps(found)) == found


def test_more_trials_or_pairs_than_memory_holds_are_refused() -> None:
    with pytest.raises(InputError, match="replicates: must be at most 10,000,000"):
        count_power_of(load("cars1"), 10**12)
    with pytest.raises(InputError, match="cohort: must be at most 100,000"):
        count_power_of(load("cars1"), 100, cohort=10**12)

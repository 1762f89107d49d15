"""A what-if is paired with its base, tells every problem first, and each row stands alone."""

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.questions.what_if.variants import alternatives, spread_evenly
from trialsim.questions.what_if.what_if import COMPARED, WhatIf, compared
from trialsim.reporting.text.comparison import what_if_text
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load

SEED = 2016
REPLICATES = 1_000
DROPOUT = "operations.withdrawal.probability"
PATIENTS = "design.patients"
Changes = dict[str, list[Any]]


@pytest.fixture(scope="module")
def modest() -> ts.Scenario:
    """Return CARS-1 with the pooled effect, whose power leaves room to move."""
    return load("cars1").replace({"outcomes.arat.effect.value": 0.62})


@pytest.fixture(scope="module")
def comparison(modest: ts.Scenario) -> WhatIf:
    """Return fewer patients, no change at all, and more who withdraw."""
    changes: Changes = {PATIENTS: [120, 208], DROPOUT: [0.10]}
    return ts.what_if(modest, changes, replicates=REPLICATES, seed=SEED, n_jobs=1)


def test_the_paired_error_of_a_change_of_dropout_is_at_most_half_of_the_unpaired(
    comparison: WhatIf,
) -> None:
    base, dropout = comparison.rows[0], comparison.rows[3]
    unpaired = math.hypot(base.power.mcse.item(), dropout.power.mcse.item())
    assert 0 < dropout.difference.mcse.item() <= 0.5 * unpaired
    assert dropout.difference.independent_replicates.item() >= 4 * REPLICATES
    unpaired = math.hypot(base.means["estimate"].mcse, dropout.means["estimate"].mcse)
    assert 0 < dropout.differences["estimate"].mcse <= 0.5 * unpaired


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_row_is_its_own_power_to_the_bit(comparison: WhatIf, place: int) -> None:
    row = comparison.rows[place]
    alone = ts.power(row.scenario, REPLICATES, SEED, n_jobs=1)
    assert row.power == alone.favoured
    for name in COMPARED:
        assert row.means[name] == alone.mean_of(name)


def test_a_difference_is_the_mean_over_replicates_of_the_differences(
    comparison: WhatIf, modest: ts.Scenario
) -> None:
    """The oracle are the two runs, replicate by replicate."""
    fewer, base = (
        ts.power(one, REPLICATES, SEED, n_jobs=1).columns
        for one in (modest.replace({PATIENTS: 120}), modest)
    )
    for name in COMPARED:
        differences = fewer[name] - base[name]
        found = comparison.rows[1].differences[name]
        assert found.estimate == pytest.approx(differences.mean(), rel=1e-12)
        error = differences.std(ddof=1) / math.sqrt(REPLICATES)
        assert found.mcse == pytest.approx(error, rel=1e-12)
    differences = fewer["favoured"] - base["favoured"]
    found_power = comparison.rows[1].difference
    assert found_power.estimate == pytest.approx(differences.mean(), rel=1e-12)
    error = differences.std(ddof=0) / math.sqrt(REPLICATES)
    assert found_power.mcse == pytest.approx(error, rel=1e-12)


def test_the_base_and_an_alternative_that_changes_nothing_differ_by_exactly_zero(
    comparison: WhatIf,
) -> None:
    for place in (0, 2):
        row = comparison.rows[place]
        assert row.scenario.digest == comparison.digest
        assert not row.difference.estimate
        assert not row.difference.mcse
        assert not any(one.estimate or one.mcse for one in row.differences.values())


def test_a_difference_leaves_out_the_replicates_that_failed_in_either_scenario(
    modest: ts.Scenario,
) -> None:
    base = modest.replace(
        {PATIENTS: 60, "operations.recruitment_limit_days": 130, "operations.at_limit": "fail"}
    )
    found = ts.what_if(base, {PATIENTS: [50]}, replicates=200, seed=SEED, n_jobs=1)
    fewer, whole = (ts.power(row.scenario, 200, SEED, n_jobs=1) for row in found.rows[::-1])
    assert 0 < fewer.failed < whole.failed < 200
    assert [row.failed for row in found.rows] == [whole.failed, fewer.failed]
    differences = (fewer.columns["favoured"] - whole.columns["favoured"]).tolist()
    known = [one for one in differences if not math.isnan(one)]
    assert found.rows[1].difference.estimate == pytest.approx(np.mean(known), rel=1e-12)


def test_an_alternative_of_which_every_replicate_fails_does_not_end_the_others(
    modest: ts.Scenario,
) -> None:
    small = modest.replace({PATIENTS: 8, "operations.at_limit": "fail"})
    changes = {"operations.recruitment_limit_days": [1], PATIENTS: [10]}
    found = ts.what_if(small, changes, replicates=10, seed=SEED, n_jobs=1)
    assert [row.failed for row in found.rows] == [0, 10, 0]
    assert math.isnan(found.rows[1].power.estimate)
    assert math.isnan(found.rows[1].difference.estimate)


def test_a_world_that_can_never_recruit_is_named_before_anything_runs(modest: ts.Scenario) -> None:
    ages = {"eligibility.inclusion.age.at_least": 101, "eligibility.inclusion.age.at_most": 120}
    none = modest.replace(ages)
    variants = alternatives(modest, {PATIENTS: [50]}, variants=[none])

    def ran(*_: object) -> None:
        pytest.fail("something was run")

    with pytest.raises(ts.RecruitmentError, match="cars1: recruitment can never finish"):
        compared(variants, (PATIENTS,), 64, Runner(SEED, 1, progress=ran))


def test_variants_that_differ_have_names_that_differ(modest: ts.Scenario) -> None:
    """Values that are mappings are said whole."""
    path = "operations.refusal_probability"
    chances = [{"distribution": "constant", "value": value} for value in (0.0, 0.1)]
    found = alternatives(modest, {path: chances})
    assert [variant.name for variant in found] == [
        "base",
        f"{path}={{distribution: constant, value: 0}}",
        f"{path}={{distribution: constant, value: 0.1}}",
    ]


def test_a_grid_has_every_combination(modest: ts.Scenario) -> None:
    changes: Changes = {PATIENTS: [100, 200], DROPOUT: [0.0, 0.1, 0.2]}
    variants = alternatives(modest, changes, "grid")
    combinations = [tuple(variant.changes.values()) for variant in variants[1:]]
    assert combinations == list(product(*changes.values()))
    for variant in variants[1:]:
        assert variant.scenario.digest == modest.replace(variant.changes).digest


@pytest.mark.parametrize("points", [1, 7, 32])
def test_a_latin_hypercube_has_one_point_in_each_part_of_each_range(
    modest: ts.Scenario, points: int
) -> None:
    ranges = {PATIENTS: (100, 100 + 8 * points - 1), DROPOUT: (0.0, 0.2)}
    variants = alternatives(modest, ranges, "latin_hypercube", points=points, seed=SEED)[1:]
    patients = np.array([variant.changes[PATIENTS] for variant in variants])
    dropout = np.array([variant.changes[DROPOUT] for variant in variants])
    assert patients.dtype.kind == "i"
    assert sorted((patients - 100) // 8) == list(range(points))
    assert sorted((dropout / 0.2 * points).astype(int)) == list(range(points))


def test_a_path_keeps_its_values_in_a_hypercube_when_another_path_joins(
    modest: ts.Scenario,
) -> None:
    ranges = {DROPOUT: (0.0, 0.2), PATIENTS: (100, 300)}
    alone, joined = (
        [variant.changes[DROPOUT] for variant in alternatives(modest, some, "latin_hypercube")[1:]]
        for some in ({DROPOUT: ranges[DROPOUT]}, ranges)
    )
    assert alone == joined
    assert (spread_evenly(DROPOUT, 16, 1) != spread_evenly(DROPOUT, 16, 2)).any()
    assert (spread_evenly(DROPOUT, 16, 1) != spread_evenly(PATIENTS, 16, 1)).any()


def test_a_variant_says_what_differs_from_the_base(tmp_path: Path) -> None:
    text = (
        "extends: cars1\noperations: {infusion_minutes: 15}\neligibility: {inclusion: {age: null}}"
    )
    (tmp_path / "short.yaml").write_text(text)
    variants = alternatives(load("cars1"), variants=[str(tmp_path / "short.yaml")])
    assert variants[1].name == "short"
    assert variants[1].changes == {
        "operations.infusion_minutes": 15,
        "eligibility.inclusion.age": None,
    }


def test_every_problem_of_a_what_if_is_told_at_once_and_before_anything_runs(
    modest: ts.Scenario,
) -> None:
    def ran(*_: object) -> None:
        pytest.fail("something was run")

    changes: Any = {
        "design.patient": [9],
        PATIENTS: [10, 1, "many"],
        DROPOUT: [0.1, 1.5],
        "title": "x",
    }
    with pytest.raises(ts.InputError) as caught:
        ts.what_if(
            modest, changes, variants=["cars1_nul"], replicates=0, seed=-1, n_jobs=0, progress=ran
        )
    told = "\n".join(str(problem) for problem in caught.value.problems)
    assert [problem.path for problem in caught.value.problems] == [
        "replicates",
        "seed",
        "n_jobs",
        "title",
        "design.patient",
        PATIENTS,
        PATIENTS,
        DROPOUT,
        "scenario",
    ]
    assert "did you mean design.patients?" in told
    assert "(got 1.5)" in told
    assert "did you mean cars1_null?" in told


@pytest.mark.parametrize(
    ("changes", "how", "rule"),
    [
        ({}, "one_at_a_time", "must name a path"),
        ({PATIENTS: [100]}, "sideways", "must be one of one_at_a_time, grid, latin_hypercube"),
        ({PATIENTS: []}, "grid", "must be given a list of values"),
        ({PATIENTS: [300, 100]}, "latin_hypercube", "low is below its high"),
        ({PATIENTS: [100, 200, 300]}, "latin_hypercube", "two numbers"),
        ({"design.stratify_by": [0, 1]}, "latin_hypercube", "must be a number in the scenario"),
    ],
)
def test_a_what_if_that_makes_no_sense_is_refused(
    modest: ts.Scenario, changes: Changes, how: str, rule: str
) -> None:
    with pytest.raises(ts.InputError, match=rule):
        ts.what_if(modest, changes, how)  # type: ignore[arg-type]


def test_the_frame_has_a_row_for_each_world_and_a_column_for_each_path(comparison: WhatIf) -> None:
    frame = comparison.frame
    assert frame["name"].tolist()[0] == "base"
    assert frame[PATIENTS].tolist() == [208, 120, 208, 208]
    assert frame[DROPOUT].tolist() == [0.038, 0.038, 0.038, 0.1]
    assert frame["digest"].nunique() == 3
    rows = comparison.to_dict()["rows"]
    assert frame["difference"].tolist() == [row["difference"] for row in rows]
    assert {"changes", "power", "mcse", "difference", "difference_mcse"} <= rows[0].keys()
    assert rows[1]["changes"] == {PATIENTS: 120}


def test_a_patient_has_the_same_random_numbers_in_both_scenarios(
    modest: ts.Scenario,
) -> None:
    """Who withdraws in the calm variant does so in the other; nobody else's scores move."""
    restless = modest.replace({DROPOUT: 0.25})
    patients = ts.compare(modest, restless, seed=SEED).patients(replicate=3)
    assert len(patients) == 208
    for name in ("arm", "site", "randomised_minute", "subject"):
        assert (patients[f"{name}_a"] == patients[f"{name}_b"]).all()
    stayed = patients["status_b"] != "withdrawn"
    assert (patients.loc[stayed, "status_a"] != "withdrawn").all()
    assert 20 < (~stayed).sum() < 80
    same = patients.loc[stayed, "arat_day_90_a"].equals(patients.loc[stayed, "arat_day_90_b"])
    assert same
    assert (patients["infusions_given_b"] <= patients["infusions_given_a"]).all()


def test_patients_of_both_are_found_by_their_screening_number(modest: ts.Scenario) -> None:
    """Those whom a stricter limit of age leaves out are not randomised in both."""
    strict = modest.replace({"eligibility.inclusion.age.at_most": 70})
    both = ts.compare(modest, strict, seed=SEED).patients(replicate=1)
    tables = [ts.simulate(one, SEED, 1).tables()["subjects"] for one in (modest, strict)]
    numbers = [set(table["screening_number"]) for table in tables]
    assert set(both.index) == numbers[0] & numbers[1]
    assert 0 < len(both) < 208
    assert both["arat_baseline_a"].equals(both["arat_baseline_b"].rename("arat_baseline_a"))


@pytest.mark.parametrize(("seed", "replicate"), [(SEED, -1), (SEED, 10**20), (-1, 0), (2**64, 0)])
def test_patients_of_an_address_that_is_none_are_wrong_input(seed: int, replicate: int) -> None:
    wrong = "replicate" if seed == SEED else "seed"
    with pytest.raises(ts.InputError, match=rf"^{wrong}: must lie in 0 to 2\*\*6[34] - 1 \(got "):
        ts.compare(ts.load("cars1"), ts.load("cars1"), seed).patients(replicate)


def test_a_variant_that_is_no_study_is_wrong_input_beside_every_other(
    modest: ts.Scenario,
) -> None:
    variants: list[Any] = [3, "cars1", None, "cars1_nul"]
    with pytest.raises(ts.InputError) as told:
        ts.what_if(modest, {PATIENTS: [1]}, variants=variants, replicates=8)
    assert [problem.path for problem in told.value.problems] == [
        PATIENTS,
        "variants.0",
        "variants.2",
        "scenario",
    ]


def test_ratios_are_averaged_by_their_logarithms_as_power_does() -> None:
    study = ts.load("cars1").replace({"design.patients": 40, "analysis.effect": "win_odds"})
    fewer: dict[str, list[int | str]] = {
        "design.patients": [24],
        "analysis.effect": ["net_benefit"],
    }
    found = ts.what_if(study, fewer, replicates=200, seed=SEED, n_jobs=1)
    base, changed, other = found.rows
    alone = [ts.power(row.scenario, 200, SEED, n_jobs=1) for row in found.rows]
    assert base.means["estimate"] == alone[0].estimate
    logs = [np.log(one.columns["estimate"]) for one in alone[:2]]
    known = np.isfinite(logs[0]) & np.isfinite(logs[1])
    assert float(changed.differences["estimate"].estimate) == pytest.approx(
        (logs[1] - logs[0])[known].mean()
    )
    # net benefit and win odds are two quantities, between which there is no difference
    assert np.isnan(other.differences["estimate"].estimate)
    assert other.to_dict()["quantity"] == "net benefit"


def test_power_in_a_what_if_counts_no_rejection_in_favour_of_the_control() -> None:
    study = ts.load("cars1")
    found = ts.what_if(
        study, {"outcomes.arat.effect.value": [0.35]}, replicates=100, seed=SEED, n_jobs=1
    )
    harmful = found.rows[1]
    assert harmful.power.estimate < 0.03
    assert harmful.wrong_direction.estimate > 0.8
    assert found.frame["wrong_direction"][1] == harmful.wrong_direction.estimate


def test_more_alternatives_than_anybody_compares_are_refused_before_they_are_made(
    modest: ts.Scenario,
) -> None:
    many = {f"outcomes.arat.{path}": list(range(30)) for path in ("a", "b", "c")}
    with pytest.raises(ts.InputError, match=r"at most 10,000 combinations \(got 27,000\)"):
        ts.what_if(modest, many, how="grid", replicates=8)
    ends = {PATIENTS: [100, 200]}
    with pytest.raises(ts.InputError, match=r"points: must be 1 to 10,000"):
        ts.what_if(modest, ends, how="latin_hypercube", points=10**12, replicates=8)


def test_an_analysis_saves_the_patients_whose_variance_it_explains() -> None:
    """Against the estimates of both analyses run alone; its error is that of the pairs."""
    plan = {"analysis.test": "t_test", "analysis.death": "as_missing", "analysis.secondary": {}}
    study = load("cars1").replace(plan)
    changes: Changes = {"analysis.test": ["ancova"], "design.patients": [150]}
    found = ts.what_if(study, changes, replicates=400, n_jobs=1)
    base, adjusted, fewer = found.rows
    own, other = (
        ts.power(one, 400, n_jobs=1).columns["estimate"] for one in (adjusted.scenario, study)
    )
    saved = adjusted.patients_saved
    assert saved.estimate.item() == pytest.approx(1 - own.var() / other.var())
    correlation = np.corrcoef(own, other)[0, 1]
    error = own.var() / other.var() * np.sqrt(4 * (1 - correlation**2) / 400)
    assert saved.mcse.item() == pytest.approx(error, rel=0.15)  # normal estimates have this
    assert saved.estimate > 4 * saved.mcse
    assert np.isnan([base.patients_saved.estimate, fewer.patients_saved.estimate]).all()
    assert "ancova: patients saved" in what_if_text("CARS-1", found)


def test_patients_are_not_all_counted_as_randomised_where_a_limit_stops_recruitment() -> None:
    looks = load("cars_sequential")
    plain = looks.replace({"monitoring": None})
    short = plain.replace({"operations.recruitment_limit_days": 60, "operations.at_limit": "stop"})
    found = ts.what_if(looks, variants=[plain, short], replicates=16, seed=1, n_jobs=1)
    _, all_planned, stopped = (float(row.means["randomised"].estimate) for row in found.rows)
    assert all_planned == plain.design.patients
    assert math.isnan(stopped)

"""The secondary analyses of each replicate, and what all of them say together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from trialsim.analysis.analyse import analyse
from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.errors import InputError
from trialsim.questions.power import keeping_power, power
from trialsim.replicates.result import PowerResult
from trialsim.replicates.run import Simulation, summary_of
from trialsim.reporting.tables.operating_characteristics import performance
from trialsim.reporting.text.power import power_text
from trialsim.runs.directory import find_run
from trialsim.runs.replay import replay
from trialsim.runs.runner import Runner
from trialsim.runs.shards import Shard, ShardFinished, merge
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import simulate
from trialsim.streams import Streams

THREE = {
    "early": {"visit": "day_42"},
    "means": {"test": "welch", "death": "as_missing"},
    "one_sided": {"alternative": "greater"},
}


def planned(multiplicity: str, study: str = "cars1", patients: int = 40) -> Scenario:
    return load(study).replace(
        {
            "design.patients": patients,
            "analysis.secondary": THREE,
            "analysis.multiplicity": multiplicity,
        }
    )


def with_secondary(study: Scenario, replicates: int = 40) -> PowerResult:
    return power(study, replicates=replicates, seed=7, n_jobs=1, secondary=True)


@pytest.mark.parametrize("multiplicity", ["none", "holm", "fixed_sequence"])
def test_a_replicate_rejects_as_the_analysis_of_that_trial_does(multiplicity: str) -> None:
    study = planned(multiplicity)
    columns = with_secondary(study, 6).columns
    for replicate in range(6):
        found = analyse(simulate(study, seed=7, replicate=replicate)).secondary
        for name in THREE:
            assert columns[f"secondary {name} rejected"][replicate] == found[name].rejected


def test_any_and_all_are_counted_replicate_by_replicate() -> None:
    result = with_secondary(planned("none"))
    favoured = np.stack([result.columns[f"secondary {name} favoured"] for name in THREE])
    rejected = np.stack([result.columns[f"secondary {name} rejected"] for name in THREE])
    found = result.secondary
    assert found is not None
    assert list(found.each) == list(THREE)
    assert found.each["means"].estimate == favoured[1].mean()
    assert found.any.estimate == favoured.any(axis=0).mean()
    assert found.all.estimate == favoured.all(axis=0).mean()
    assert found.all.estimate < found.any.estimate
    either = rejected.any(axis=0) | (result.columns["rejected"] > 0)
    assert found.any_rejection.estimate == either.mean()


def test_behind_the_primary_none_rejects_where_it_does_not() -> None:
    result = with_secondary(planned("holm"))
    by_themselves = with_secondary(planned("none"))
    assert_array_equal(result.columns["rejected"], by_themselves.columns["rejected"])
    missed = result.columns["rejected"] == 0
    assert missed.any()
    for name in THREE:
        adjusted = result.columns[f"secondary {name} rejected"]
        assert not adjusted[missed].any()
        assert (adjusted <= by_themselves.columns[f"secondary {name} rejected"]).all()


def test_the_family_wise_error_is_held_under_a_procedure_alone() -> None:
    """No effect; 4 binomial standard errors of 2,000 trials."""
    trials, nominal = 2000, 0.05
    margin = 4 * np.sqrt(nominal * (1 - nominal) / trials)
    held = with_secondary(planned("holm", "cars1_null"), trials).secondary
    free = with_secondary(planned("none", "cars1_null"), trials).secondary
    assert held is not None
    assert free is not None
    assert held.any_rejection.estimate < nominal + margin
    assert free.any_rejection.estimate > nominal + margin


def test_other_numbers_are_those_of_a_run_without() -> None:
    study = planned("none")
    beside = with_secondary(study, 20)
    plain = power(study, replicates=20, seed=7, n_jobs=1)
    assert plain.secondary is None
    assert "secondary" not in plain.to_dict()
    for name, values in plain.columns.items():
        assert_array_equal(beside.columns[name], values)


def test_each_power_is_shown_with_its_monte_carlo_error() -> None:
    result = with_secondary(planned("none"))
    told = result.to_dict()["secondary"]
    assert list(told["analyses"]) == list(THREE)
    assert set(told["any"]) == {"power", "mcse", "ci"}
    frame = result.to_frame().set_index("quantity")
    assert frame.loc["secondary.early", "value"] == told["analyses"]["early"]["power"]
    assert frame.loc["any_rejection", "mcse"] == told["any_rejection"]["mcse"]
    text = power_text("Three", result)
    assert "any of them" in text
    assert "family-wise error rate" in text


def test_a_study_without_secondary_analyses_is_refused() -> None:
    plain = planned("none").replace({"analysis.secondary": {}})
    with pytest.raises(InputError, match="secondary: needs secondary analyses"):
        with_secondary(plain)


def test_a_run_keeps_them_continues_is_replayed_and_merged(tmp_path: Path) -> None:
    study = planned("holm")
    first, whole = tmp_path / "first", tmp_path / "whole"
    kept = power(study, 128, seed=7, n_jobs=1, out=whole, secondary=True)
    alone = power(study, 64, seed=7, n_jobs=1, secondary=True)
    for name, values in alone.columns.items():
        assert_array_equal(kept.columns[name][:64], values)
    again = power(study, 128, seed=7, n_jobs=1, out=whole, secondary=True)
    assert again.to_dict()["secondary"] == kept.to_dict()["secondary"]
    numbers = replay(find_run(whole), 17).numbers
    assert "secondary early rejected" in numbers
    runner = keeping_power(Runner(7, 1, shard=Shard(1, 1)), first, study, secondary=True)
    with pytest.raises(ShardFinished):
        runner.run(study, range(128))
    assert merge(tmp_path / "merged", [first]).to_dict()["secondary"] == kept.to_dict()["secondary"]
    page = performance(again, None).rows
    assert sum("secondary" in str(row.cells[0]) for row in page) == len(THREE) + 2


def test_a_run_with_them_and_one_without_are_never_mixed(tmp_path: Path) -> None:
    study = planned("none")
    power(study, 4, seed=7, n_jobs=1, out=tmp_path, secondary=True)
    with pytest.raises(InputError, match="secondary"):
        power(study, 4, seed=7, n_jobs=1, out=tmp_path)


def test_after_looks_they_are_made_of_trials_that_none_has_stopped() -> None:
    """Oracle: a look that stops nobody leaves the trials of the study without looks."""
    study = load("cars_sequential").replace({"analysis.secondary": THREE})
    found = with_secondary(study, 200)
    stopped = found.columns["stop"] < len(study.monitoring.names)  # type: ignore[union-attr]
    assert stopped.any()
    assert not stopped.all()
    assert found.secondary is not None
    whole = found.secondary.whole
    assert whole is not None
    assert whole.estimate == 1 - stopped.mean()
    text = power_text("title", found)
    assert "Tested only in trials that reach the last analysis" in text
    for name, share in found.secondary.each_of_whole.items():
        kept = found.columns[f"secondary {name} favoured"]
        assert share.estimate == pytest.approx(kept[~stopped].mean())
    plain = planned("none", "cars_sequential", study.design.patients).replace({"monitoring": None})
    fixed = with_secondary(plain, 200)
    for name in THREE:
        of_looks = found.columns[f"secondary {name} rejected"]
        assert not of_looks[stopped].any()
        whole = ~stopped & (found.columns["randomised"] == study.design.patients)
        assert_array_equal(of_looks[whole], fixed.columns[f"secondary {name} rejected"][whole])
        assert whole.any()


def test_behind_a_primary_that_looks_none_rejects_where_it_does_not() -> None:
    study = load("cars_sequential").replace(
        {"analysis.secondary": THREE, "analysis.multiplicity": "holm"}
    )
    columns = with_secondary(study, 100).columns
    missed = columns["rejected"] == 0
    assert missed.any()
    for name in THREE:
        assert not columns[f"secondary {name} rejected"][missed].any()


GRAPH = {
    "procedure": "graph",
    "weights": {"primary": 0.5, "early": 0.5},
    "transitions": {"primary": {"early": 1}, "early": {"primary": 1}},
}


@pytest.fixture(scope="module")
def of_graph() -> PowerResult:
    study = planned("none").replace({"analysis.multiplicity": GRAPH})
    return power(study, replicates=60, seed=7, n_jobs=1)


def test_where_the_primary_is_adjusted_its_power_is_of_the_adjusted_test(
    of_graph: PowerResult,
) -> None:
    """No option is needed, and the analyses that the graph does not name are not counted."""
    assert of_graph.secondary is not None
    assert of_graph.secondary.names == ("primary", "early")
    columns, plain = of_graph.columns, power(planned("none"), replicates=60, seed=7, n_jobs=1)
    assert_array_equal(columns["rejected"], columns["secondary primary rejected"])
    assert_array_equal(columns["rejected"], columns["p_value"] <= 0.05)
    assert_array_equal(columns["estimate"], plain.columns["estimate"])
    assert (columns["p_value"] >= plain.columns["p_value"]).all()
    assert columns["rejected"].sum() < plain.columns["rejected"].sum()
    assert of_graph.power == of_graph.secondary.each["primary"].estimate
    expected = columns["secondary primary favoured"] + columns["secondary early favoured"]
    assert of_graph.secondary.expected.estimate == expected.mean()
    assert of_graph.to_dict()["secondary"]["expected_rejections"]["mean"] == expected.mean()
    assert "Analyses tested together" in power_text("Graph", of_graph)


@pytest.mark.parametrize("success", ["any", "all", "early"])
def test_the_power_is_that_of_success_whatever_that_is(success: str, of_graph: PowerResult) -> None:
    found = of_graph.secondary
    assert found is not None
    study = planned("none").replace({"analysis.multiplicity": GRAPH, "analysis.success": success})
    result = power(study, replicates=60, seed=7, n_jobs=1)
    each = {"any": found.any, "all": found.all, "early": found.each["early"]}
    assert result.power == each[success].estimate
    assert_array_equal(result.columns["rejected"], result.columns["p_value"] <= 0.05)
    assert "Power is the probability of success" in power_text("Success", result)
    assert {float(one.estimate) for one in each.values()} != {result.power}


def test_families_and_other_success_are_refused_where_the_primary_looks() -> None:
    family = {"analyses": ["primary"], "procedure": "holm"}
    study = load("cars_sequential").replace({"analysis.secondary": THREE})
    with pytest.raises(InputError) as refused:
        study.replace(
            {
                "analysis.multiplicity": {"procedure": "families", "families": {"a": family}},
                "analysis.success": "early",
            }
        )
    told = str(refused.value)
    assert "analysis.multiplicity: cannot be families with monitoring" in told
    assert "analysis.success: must be primary with monitoring" in told


COUNTED: dict[str, dict[str, Any]] = {
    "early": {"visit": "day_42"},
    "nihss": {"endpoint": "nihss", "strata": "site"},
    "responders": {"test": {"method": "responders", "threshold": 30}, "effect": "mann_whitney"},
    "both": {"test": {"method": "wei_lachin", "outcomes": ["arat", "nine_hole_peg"]}},
}


@pytest.mark.parametrize("name", ["cars1", "cars1_graph", "of four kinds"])
def test_analyses_that_treat_patients_alike_are_counted_with_the_bits_of_numpy(name: str) -> None:
    if len(builds_here()) == 1:
        pytest.skip("no C compiler here")
    found = load("cars1" if name == "of four kinds" else name)
    study = found.replace({"design.patients": 60})
    if name == "of four kinds":
        study = study.replace({"analysis.secondary": COUNTED, "analysis.multiplicity": "holm"})
    kept = summary_of(study, secondary=True)
    assert kept.at_once is not None
    counted = kept.at_once(Streams(3, range(40)))
    assert counted is not None
    with computed_by(NUMPY):
        expected = Simulation(study, 3, summarise=kept).run(range(40)).columns
    assert list(counted) == list(expected)
    for column, numbers in expected.items():
        assert counted[column].tobytes() == numbers.tobytes(), column


@pytest.mark.parametrize(
    "changed",
    [
        {"analysis.secondary": {"means": THREE["means"]}},
        {"analysis.secondary": {"seen": {"missing": "complete_case"}}},
        {"analysis.secondary": {"dead": {"death": "as_missing"}}},
    ],
)
def test_analyses_of_which_one_needs_more_are_made_of_trials(changed: dict[str, Any]) -> None:
    assert summary_of(load("cars1").replace(changed), secondary=True).at_once is None

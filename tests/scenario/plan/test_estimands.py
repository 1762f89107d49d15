"""Estimands as a study file says them, and what is refused of them."""

from pathlib import Path

import pytest

import trialsim as ts
from trialsim.errors import InputError
from trialsim.scenario.plan.estimands import EVENTS, STRATEGIES, Estimand, standard_estimands
from trialsim.scenario.programme import single_trial

STUDY = """extends: cars1
name: meant
estimands:
  main: {intercurrent: {discontinuation: hypothetical}}
  strict: {intercurrent: {discontinuation: composite, death: composite}}
analysis:
  estimand: main
  secondary: {global_status: {estimand: strict}, again: {alpha: 0.01}}
"""


def read(folder: Path, text: str) -> ts.Scenario:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return single_trial(ts.load(file))


def test_each_analysis_names_its_estimand_or_has_that_of_the_primary(tmp_path: Path) -> None:
    plan = read(tmp_path, STUDY).analysis
    named = {name: further.estimand for name, further in plan.further.items()}
    assert plan.estimand == "main"
    assert named == {"global_status": "strict", "again": "main"}


def test_a_study_without_estimands_is_what_it_was() -> None:
    cars1 = single_trial(ts.load("cars1"))
    content = cars1.model_dump(mode="json")
    assert "estimands" not in content
    assert "estimand" not in content["analysis"]
    assert cars1.analysis.estimand is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("discontinuation: hyp", "stopping: hyp", "4:25: estimands.main.intercurrent.stopping"),
        (
            "{discontinuation: hypothetical}",
            "{discontinuation: imaginary}",
            "4:25: estimands.main.intercurrent.discontinuation: must be treatment_policy, "
            "hypothetical, composite, while_on_treatment or principal_stratum (got imaginary)",
        ),
        (
            "{discontinuation: composite, death: composite}",
            "{death: treatment_policy}",
            "5:27: estimands.strict.intercurrent.death: cannot be treatment_policy: no score "
            "follows a death",
        ),
        (
            "{discontinuation: hypothetical}}",
            "{discontinuation: hypothetical}, stratum: treated_arm}",
            "4:57: estimands.main.stratum: must be left at neither_arm",
        ),
        (
            "estimand: main",
            "estimand: mian",
            "7:3: analysis.estimand: must be an estimand that exists; did you mean main? (got mian",
        ),
        (
            "estimand: strict",
            "estimand: strickt",
            "8:31: analysis.secondary.global_status.estimand: must be an estimand that exists",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, STUDY.replace(old, new))
    assert f"study.yaml:{told}" in str(refused.value)


def test_what_is_left_out_has_its_usual_strategy() -> None:
    usual = {event: Estimand().strategy_of(event) for event in EVENTS}
    assert usual.pop("death") == "composite"
    assert set(usual.values()) == {"treatment_policy"}


def test_there_is_a_standard_estimand_for_each_strategy() -> None:
    standard = standard_estimands("hypothetical")
    assert tuple(standard) == STRATEGIES
    for strategy, estimand in standard.items():
        assert estimand.strategy_of("discontinuation") == strategy
        assert estimand.strategy_of("withdrawal") == "treatment_policy"
        assert estimand.strategy_of("death") == "hypothetical"

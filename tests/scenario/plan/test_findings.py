"""What was published of a study names what the study has, and changes nothing in it."""

from pathlib import Path
from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.findings import Finding
from trialsim.scenario.scenario import Scenario, validated
from trialsim.scenario.validation.paths import part_at
from trialsim.scenario.validation.sources import source_of

CARS1 = load("cars1")
AGE = {"kind": "covariate", "covariate": "age_years", "figure": "mean"}
ARAT = {"kind": "outcome", "outcome": "arat", "visit": "day_90", "figure": "mean"}
LEFT = {"kind": "patients", "what": "left", "figure": "count"}
THETA = {"kind": "analysis", "analysis": "primary", "figure": "estimate"}
OLD = {"label": "80 or more", "covariate": "age_years", "at_least": 80.0}


def with_finding(of: dict[str, Any], **more: Any) -> Scenario:
    finding = {"label": "A figure", "of": of, "value": 1.0, **more}
    return CARS1.replace({"findings": {"one": finding}, "calibrated": {}, "sources": {}})


@pytest.mark.parametrize("of", [AGE, ARAT, LEFT, THETA])
def test_every_kind_of_figure_can_be_a_finding(of: dict[str, Any]) -> None:
    subgroup = {} if of is THETA else {"subgroup": OLD}
    study = with_finding({**of, **subgroup})
    assert study.findings["one"].of.kind == of["kind"]
    assert study.digest == CARS1.digest


@pytest.mark.parametrize(
    ("of", "problem"),
    [
        ({**AGE, "covariate": "age"}, "covariate: must be a covariate that exists"),
        ({**AGE, "arm": "active"}, "arm: must be an arm that exists"),
        ({**AGE, "covariate": "sex"}, "figure: must be share, of a level or a flag (got mean)"),
        ({**AGE, "figure": "share"}, "figure: must say of whom"),
        ({**AGE, "at_least": 80.0}, "figure: must be share with at_least, at_most or equals"),
        (
            {**AGE, "covariate": "sex", "figure": "share", "equals": "man"},
            "equals: must be a level",
        ),
        ({**AGE, "subgroup": {**OLD, "covariate": "old"}}, "subgroup.covariate: must be"),
        ({**ARAT, "outcome": "arm"}, "outcome: must be an outcome that exists"),
        ({**ARAT, "visit": "day_91"}, "visit: must be a visit that exists; did you mean day_9"),
        ({**ARAT, "figure": "share"}, "figure: must say of whom"),
        ({**ARAT, "outcome": "mrs", "measure": "change"}, "measure: must be score: mrs is not"),
        ({**LEFT, "what": "cured"}, "what: must be"),
        ({**THETA, "analysis": "global"}, "analysis: must be an analysis that exists"),
        ({**THETA, "kind": "analyses"}, "kind: must be one of"),
        ({**THETA, "figure": "theta"}, "figure: must be"),
    ],
)
def test_a_finding_of_what_the_study_does_not_have_is_refused_with_its_path(
    of: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError) as refused:
        with_finding(of)
    assert [
        str(one).startswith(f"findings.one.of.{problem}") for one in refused.value.problems
    ] == [True]


def test_what_is_wrong_in_several_findings_is_told_at_once() -> None:
    content = CARS1.model_dump()
    content["findings"] = {
        "one": {"label": "A figure", "of": {**AGE, "arm": "active"}, "value": 1.0},
        "two": {"label": "Another", "of": {**ARAT, "visit": "day_1"}, "value": "many"},
    }
    content["calibrated"] = {
        "outcomes.arat.effect.worth": {"finding": "one"},
        "analysis.test": {"finding": "three"},
        "outcomes.arat.effect.value": {"quantity": "power"},
    }
    content["sources"] = {}
    with pytest.raises(InputError) as refused:
        validated(content)
    assert {one.path for one in refused.value.problems} == {
        "findings.one.of.arm",
        "findings.two.of.visit",
        "findings.two.value",
        "calibrated.outcomes.arat.effect.worth",
        "calibrated.analysis.test",
        "calibrated.analysis.test.finding",
        "calibrated.outcomes.arat.effect.value.value",
    }


def test_a_variant_takes_over_the_findings_that_it_names_with_their_sources(tmp_path: Path) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(
        "extends: cars1\n"
        "design: {patients: 240}\n"
        "findings:\n"
        "  theta_arat: {}\n"
        "  theta_arat_low:\n"
        "    label: Another\n"
        "    of: {kind: analysis, analysis: primary, figure: low}\n"
        "    value: 0.6\n"
        "calibrated: {outcomes.arat.effect.value: {}}\n",
        encoding="utf-8",
    )
    variant = load(path)
    assert list(variant.findings) == ["theta_arat", "theta_arat_low"]
    assert variant.findings["theta_arat"] == CARS1.findings["theta_arat"]
    assert source_of("findings.theta_arat", variant.sources).status == "published"
    assert source_of("findings.theta_arat_low.value", variant.sources).status == "assumed"
    assert variant.calibrated["outcomes.arat.effect.value"].finding == "theta_arat"


def test_a_variant_that_names_none_has_none() -> None:
    null = load("cars1_null")
    assert not null.findings
    assert not null.calibrated
    assert not [path for path in null.sources if path.startswith("findings.")]


def test_a_changed_study_has_no_findings_and_an_unchanged_one_keeps_them() -> None:
    changed = CARS1.replace({"design.patients": 300})
    assert not changed.findings
    assert not changed.calibrated
    assert not [path for path in changed.sources if path.startswith("findings.")]
    assert CARS1.replace({"title": "Another"}).findings == CARS1.findings


@pytest.mark.parametrize(
    ("value", "of", "decimals", "expected"),
    [
        (0.71, THETA, None, 2),
        (0.6, THETA, None, 2),
        (63.0, AGE, None, 1),
        (9.13, AGE, None, 2),
        (104.0, LEFT, None, 0),
        (0.038, {**LEFT, "figure": "share"}, None, 3),
        (120.0, AGE, 0, 0),
    ],
)
def test_a_figure_has_the_decimals_that_were_published(
    value: float, of: dict[str, Any], decimals: int | None, expected: int
) -> None:
    content = {"label": "A figure", "of": of, "value": value, "decimals": decimals}
    assert Finding.model_validate(content).published_decimals == expected


def test_a_calibrated_number_of_cars1_is_one_of_its_own() -> None:
    for path in CARS1.calibrated:
        assert isinstance(part_at(CARS1.model_dump(), path), float)

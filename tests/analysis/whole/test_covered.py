"""What whole trials in C cover: all of it named, and nothing that is not."""

from typing import Any

import pytest

from trialsim.analysis.whole import covered
from trialsim.analysis.whole.covered import is_covered, not_covered
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.protocol.operations import Operations

CARS1 = load("cars1")


@pytest.mark.parametrize("name", ["cars1", "cars1_null", "gharagozli2017", "stroke_nihss"])
def test_the_commonest_studies_are_covered(name: str) -> None:
    assert is_covered(load(name))


def test_several_outcomes_are_covered_with_those_that_bound_them() -> None:
    twelve = CARS1.with_analysis("global_status")
    assert is_covered(twelve)
    assert len(covered.measurements(twelve)) == 12
    grades = CARS1.replace({"analysis.endpoint": "mrs"})
    assert covered.outcomes_made(grades) == ("barthel", "mrs")
    assert "outcomes.mrs.site_sd" in not_covered(twelve.replace({"outcomes.mrs.site_sd": 2.0}))


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"operations.infusion_chairs_per_site": 3}, "operations.infusion_chairs_per_site"),
        ({"outcomes.arat.site_sd": 2.0}, "outcomes.arat.site_sd"),
        ({"outcomes.arat.effect.site_sd": 2.0}, "outcomes.arat.effect.site_sd"),
        ({"analysis.test": {"method": "welch"}, "analysis.death": "as_missing"}, "analysis.test"),
        ({"operations.rescue.probability": 0.1}, "operations.rescue"),
        (
            {"operations.discontinuation.drug_effect_half_life_days": 14.0},
            "operations.discontinuation.drug_effect_half_life_days",
        ),
        ({"analysis.missing": "multiple_imputation"}, "analysis.missing"),
        (
            {"analysis.intercurrent": {"discontinuation": "principal_stratum"}},
            "analysis.intercurrent",
        ),
        (
            {
                "analysis.intercurrent": {"discontinuation": "while_on_treatment"},
                "analysis.missing": "complete_case",
            },
            "analysis.intercurrent",
        ),
    ],
)
def test_what_is_not_covered_is_named_by_its_path(changed: dict[str, Any], path: str) -> None:
    assert path in not_covered(CARS1.replace(changed))


def test_a_field_that_is_not_known_is_covered_only_at_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if operations had got a field of which C has never heard."""
    known = dict(covered._KNOWN)
    known[Operations] = known[Operations].replace(" visit_missed_probability", "")
    monkeypatch.setattr(covered, "_KNOWN", known)
    assert "operations.visit_missed_probability" in not_covered(CARS1)
    never = CARS1.replace({"operations.visit_missed_probability": 0.0})
    assert list(not_covered(never)) == []


def test_every_field_that_is_said_to_be_known_exists() -> None:
    for model, names in covered._KNOWN.items():
        assert set(names.split()) <= set(model.model_fields), model.__name__

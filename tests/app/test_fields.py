"""The fields of the page: of every study, from its models, and read back as a file is."""

from typing import Any

import pytest

import trialsim as ts
from trialsim.app.fields import LOOKS, SITES, changes_of, groups_of
from trialsim.errors import InputError
from trialsim.scenario.programme import Study, value_at
from trialsim.scenario.scenario import Scenario


def fields_of(study: Study) -> dict[str, Any]:
    """Return the fields of a study by path."""
    return {field.path: field for group in groups_of(study) for field in group.fields}


@pytest.mark.parametrize("name", ["cars1", "cars_sequential", "dose_finding", "cars_pooled"])
def test_every_field_is_described_and_its_slider_holds_its_value(name: str) -> None:
    study = ts.load(name)
    fields = fields_of(study)
    assert changes_of(study, {path: field.value for path, field in fields.items()}) == {}
    for path, field in fields.items():
        assert field.label
        assert field.description.endswith(".") or "such as" in field.description, path
        assert field.ends[0] <= field.value <= field.ends[1], path
        assert field.low is None or field.low <= field.ends[0], path
        assert field.high is None or field.high >= field.ends[1], path
        assert field.step > 0
        if field.is_simple:
            assert field.value == value_at(study, path)


def test_bounds_are_those_of_the_models() -> None:
    fields = fields_of(ts.load("cars1"))
    assert (fields["design.patients"].low, fields["design.patients"].high) == (2, 1_000_000)
    assert fields["design.patients"].description.startswith("Patients to randomise")
    probability = fields["operations.withdrawal.probability"]
    assert (probability.low, probability.high, probability.is_whole) == (0, 1, False)
    assert fields["design.arms.placebo.ratio"].high == 20


def changed(name: str, **values: Any) -> Scenario:
    study = ts.load(name)
    assert isinstance(study, Scenario)
    return study.replace(changes_of(study, values))


def test_sites_are_left_out_from_the_end_or_open_behind_the_last() -> None:
    cars1 = ts.load("cars1").operations.sites
    fewer = changed("cars1", **{SITES: 3}).operations.sites
    assert list(fewer) == list(cars1)[:3]
    more = changed("cars1", **{SITES: 14}).operations.sites
    days = [site.activation_day for site in more.values()]
    assert list(more)[:12] == list(cars1)
    assert days[12:] == pytest.approx([112 + 112 / 11, 112 + 2 * 112 / 11])


def test_another_number_of_looks_is_a_plan_at_equal_shares() -> None:
    three = changed("cars_sequential", **{LOOKS: 3}).monitoring
    assert three is not None
    assert [look.when.known for look in three.looks.values()] == [0.25, 0.5, 0.75]
    assert (three.efficacy.rule, three.futility) == ("obrien_fleming", None)
    assert changed("cars_sequential", **{LOOKS: 0}).monitoring is None
    moved = changed("cars_sequential", **{"monitoring.looks.first.when.known": 0.4}).monitoring
    assert moved is not None
    assert moved.looks["first"].when.known == 0.4
    assert moved.futility is not None, "a plan that is only moved keeps its rules"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("design.patients", 1, "design.patients: must be greater than or equal to 2 (got 1)"),
        ("design.patients", 300.5, "design.patients: must be a whole number"),
        ("design.patients", None, "design.patients: must be"),
        ("design.patients", "/etc", "design.patients: must be"),
        (SITES, 201, "operations.sites: must be a whole number from 1 to 200 (got 201)"),
        (SITES, None, "operations.sites: must be a whole number from 1 to 200"),
        (LOOKS, 0.5, "monitoring: must be a whole number from 0 to 5 (got 0.5)"),
        ("design.arms.placebo.ratio", 2, "design.block_size: must be a multiple"),
        ("operations.withdrawal.probability", 1.5, "must be less than or equal to 1"),
    ],
)
def test_what_a_study_cannot_have_is_refused_as_in_a_file(path: str, value: Any, told: str) -> None:
    with pytest.raises(InputError) as raised:
        changed("cars1", **{path: value})
    assert told in str(raised.value)

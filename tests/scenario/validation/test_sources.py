"""A number has the status that was written for it, and none that was written for another."""

from pathlib import Path

import pytest

from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.sources import UNSOURCED, Source, source_of

CARS1 = load("cars1")


def status(scenario: Scenario, path: str) -> str:
    return source_of(path, scenario.sources).status


def test_a_source_covers_everything_below_it_unless_a_longer_path_says_otherwise() -> None:
    design, arms = (Source(status="assumed", note=note) for note in ("design", "arms"))
    sources = {"design": design, "design.arms": arms}
    assert source_of("design.arms.placebo.dose_ml", sources) is arms
    assert source_of("design.armsize", sources) is design
    assert source_of("operations", sources) is UNSOURCED


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("design.patients", "published"),
        ("design.block_size", "assumed"),
        ("design.visits.day_90.day", "published"),
        ("design.visits.day_90.window_days", "assumed"),
        ("operations.first_infusion_after_onset.latest_hours", "published"),
        ("operations.infusion_minutes", "assumed"),
        ("operations.withdrawal.probability", "derived"),
        ("operations.site_rate_coefficient_of_variation", "derived"),
        ("eligibility.exclusion.severe_hypertension_systolic.more_than", "assumed"),
        ("outcomes.arat.course.start_mean", "assumed"),
        ("outcomes.arat.effect.value", "derived"),
    ],
)
def test_cars1_gives_the_status_that_the_facts_allow(path: str, expected: str) -> None:
    assert status(CARS1, path) == expected


def test_a_what_if_does_not_lend_a_published_source_to_its_own_number() -> None:
    changed = CARS1.replace({"design.patients": 300})
    assert status(changed, "design.patients") == "assumed"
    assert status(changed, "design.arms.placebo.dose_ml") == "published"


def test_a_what_if_that_changes_nothing_keeps_every_source() -> None:
    assert CARS1.replace({"design.patients": 208}) == CARS1


def test_a_distribution_that_is_replaced_keeps_no_source_of_its_parts() -> None:
    path = "population.covariates.age_years.margin"
    uniform = {"distribution": "uniform", "low": 18.0, "high": 90.0}
    changed = CARS1.replace({path: uniform})
    assert [name for name in changed.sources if name.startswith(path)] == [path]
    assert status(changed, f"{path}.low") == "assumed"


def test_a_source_goes_with_the_rule_that_is_taken_away() -> None:
    rule = "eligibility.exclusion.severe_hypertension_systolic"
    assert f"{rule}.more_than" in CARS1.sources
    assert f"{rule}.more_than" not in CARS1.replace({rule: None}).sources


def test_a_variant_brings_its_own_source_or_is_assumed(tmp_path: Path) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(
        "extends: cars1\n"
        "design: {patients: 240, block_size: 8}\n"
        "operations: {infusion_minutes: 15}\n"
        "references: {label: The label}\n"
        "sources:\n"
        "  operations: {status: published, reference: label}\n",
        encoding="utf-8",
    )
    variant = load(path)
    assert source_of("operations.infusion_minutes", variant.sources).reference == "label"
    assert source_of("design.patients", variant.sources) == Source(
        status="assumed", note="set in variant, which gives no source"
    )
    assert status(variant, "design.arms") == "published"


def test_the_short_path_of_a_variant_overrules_the_long_path_below_for_what_it_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(
        "extends: cars1\n"
        "operations: {sites: {site_01: {activation_day: 7}}}\n"
        "sources: {operations: {status: assumed, note: a later start}}\n",
        encoding="utf-8",
    )
    sources = load(path).sources
    assert source_of("operations.sites.site_01.activation_day", sources).note == "a later start"
    unchanged = "operations.sites.site_02.activation_day"
    assert source_of(unchanged, sources) == source_of(unchanged, CARS1.sources)

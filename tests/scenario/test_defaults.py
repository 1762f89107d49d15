"""What a simple study does not say has a default, and each default is told as an assumption."""

from pathlib import Path
from typing import Final

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.sources import source_of
from trialsim.scenario.words.description import describe

BOLUS: Final = """\
title: A bolus after stroke
summary: One bolus or placebo.
population:
  covariates:
    onset_to_arrival_hours:
      label: Hours from onset to arrival
      margin: {distribution: lognormal, median: 1.5, log_sd: 0.5}
operations:
  sites: {count: 5, activation_day: 7, every_days: 14, countries: {RO: 2, PL: 3}}
  candidates_per_site_per_month: 4
  first_infusion_after_onset: {latest_hours: 4.5}
design:
  arms:
    drug: {label: Drug, dose_ml: 5}
    placebo: {label: Placebo, dose_ml: 0}
  patients: 100
  visits: {baseline: {day: 0}, day_90: {day: 90}}
outcomes:
  mrs:
    label: Modified Rankin Scale
    low: 0
    high: 6
    better: lower
    course: {model: proportions, end: [0.12, 0.18, 0.13, 0.16, 0.21, 0.12, 0.08], end_day: 90}
    effect: {anchor: odds_ratio, value: 1.25}
analysis:
  endpoint: mrs
  visit: day_90
  treated: drug
  control: placebo
  missing: complete_case
  test: mann_whitney
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "bolus.yaml"
    file.write_text(BOLUS)
    return file


@pytest.fixture
def bolus(file: Path) -> Scenario:
    return load(file)


def test_a_short_file_is_a_whole_study_named_after_its_file(bolus: Scenario) -> None:
    assert bolus.name == "bolus"
    assert bolus.treatment.infusions.count == 1
    assert bolus.operations.death.probability == 0


def test_every_default_is_told_as_an_assumption(bolus: Scenario) -> None:
    rows = {row.path: row for part in describe(bolus).sections for row in part.rows}
    for path in (
        "operations.infusion_chairs_per_site",
        "operations.clinic_opens_hour",
        "operations.refusal_probability",
        "analysis.continuity_correction",
        "analysis.alpha",
        "outcomes.mrs.effect.exposure",
        "outcomes.mrs.course.within_patient_correlation",
        "design.block_size",
        "treatment.infusions",
    ):
        note = source_of(path, bolus.sources).note
        assert note == "the default, where the file does not say it", path
        assert path not in rows or rows[path].note == note


def test_what_the_file_says_is_not_told_as_a_default(bolus: Scenario) -> None:
    for path in ("design.patients", "operations.sites", "analysis.test", "outcomes.mrs.low"):
        assert source_of(path, bolus.sources).note == "no source is given"


def test_a_default_stays_an_assumption_after_writing_and_changing(
    bolus: Scenario, tmp_path: Path
) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(to_yaml(bolus))
    assert load(again) == bolus
    changed = bolus.replace({"analysis.alpha": 0.01})
    assert changed.sources["analysis.alpha"].note == "set in place of what bolus gives"
    assert "the default" in (changed.sources["design.block_size"].note or "")


def test_sites_written_all_at_once_take_turns_over_countries(bolus: Scenario) -> None:
    days = {name: site.activation_day for name, site in bolus.operations.sites.items()}
    assert days == {"ro_1": 7, "pl_1": 21, "ro_2": 35, "pl_2": 49, "pl_3": 63}


@pytest.mark.parametrize(
    ("sites", "problem"),
    [
        ("{count: 6, countries: {RO: 2, PL: 3}}", "sites.countries: must add to the count, 6"),
        ("{count: 5, every_day: 3}", "sites.every_day: is not known; did you mean every_days?"),
        ("{count: 0}", "sites.count: must be greater than or equal to 1 (got 0)"),
        ("{count: 2, countries: {RO: 2, PL: 0}}", "sites.countries.PL: must be at least 1"),
    ],
)
def test_a_wrong_shorthand_of_sites_is_refused_at_its_place(
    file: Path, sites: str, problem: str
) -> None:
    told = "{count: 5, activation_day: 7, every_days: 14, countries: {RO: 2, PL: 3}}"
    file.write_text(BOLUS.replace(told, sites))
    with pytest.raises(InputError) as error:
        load(file)
    assert [str(one) for one in error.value.problems if problem in str(one) and ":9:" in str(one)]


def test_a_variant_changes_the_shorthand_that_it_extends(file: Path) -> None:
    variant = file.with_name("more.yaml")
    variant.write_text(
        "extends: ./bolus.yaml\noperations: {sites: {count: 7, countries: {PL: 5}}}\n"
    )
    assert len(load(variant).operations.sites) == 7


@pytest.mark.parametrize("section", ["eligibility", "treatment", "operations"])
def test_a_section_left_empty_in_a_variant_is_refused(section: str, tmp_path: Path) -> None:
    variant = tmp_path / "half_written.yaml"
    variant.write_text(f"extends: cars1\n{section}:\n")
    with pytest.raises(InputError, match=rf"2:1: {section}: must be a mapping of .*\(got null\)"):
        load(variant)

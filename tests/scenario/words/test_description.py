"""What `show` tells: every value of a study, in words, with its status."""

import json
import re
from itertools import product

import pytest

from trialsim.scenario.files.builtin import builtin_scenarios
from trialsim.scenario.files.templates import new_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.outcomes.effects import effect_sizes
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.scenario import ABOUT, Scenario, validated
from trialsim.scenario.validation.paths import and_above, part_at, paths_of
from trialsim.scenario.validation.sources import UNSOURCED, source_of
from trialsim.scenario.words.description import Section, as_text, describe, plan_in_words

BUILTIN = sorted(builtin_scenarios())
CARS1 = load("cars1")


def values_of(scenario: Scenario) -> set[str]:
    """Return the paths of all values."""
    content = scenario.model_dump(mode="json", exclude=set(ABOUT))
    return {path for path in paths_of(content) if not isinstance(part_at(content, path), dict)}


@pytest.mark.parametrize("name", BUILTIN)
def test_every_value_of_a_study_has_a_source_and_is_told_with_it(name: str) -> None:
    """Each has a source and stands in a row, in its own if the source is; all as plain data."""
    scenario = load(name)
    told = describe(scenario)
    rows = {row.path: row for section in told.sections for row in section.rows}
    values = values_of(scenario)
    assert [path for path in values if source_of(path, scenario.sources) is UNSOURCED] == []
    values = {path for path in values if path.rsplit(".", 1)[-1] not in ("label", "whole")}  # words
    assert [path for path in values if not rows.keys() & set(and_above(path))] == []
    assert values & scenario.sources.keys() <= rows.keys()
    for path, row in rows.items():
        if path is not None:
            source = source_of(path, scenario.sources)
            assert (row.status, row.reference) == (source.status, source.reference)
    plain = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert plain["digest"] == scenario.digest
    assert {"title", "words", "rows"} == set(plain["sections"][0])


def test_a_number_without_a_source_is_told_as_assumed() -> None:
    text = as_text(describe(CARS1.replace({"sources": {}})))
    assert "[published] " not in text
    assert "[assumed]     design.patients: 208 patients" in text
    assert "no source is given" in text


def test_the_text_has_the_status_the_value_its_unit_and_the_reference_side_by_side() -> None:
    lines = as_text(describe(CARS1)).splitlines()
    assert "[published]   design.patients: 208 patients  (trial_account)" in lines
    assert "[assumed]     operations.infusion_minutes: 60 minutes  (infusion_trial)" in lines


def test_no_line_of_the_text_is_wider_than_100_columns() -> None:
    assert max(len(line) for line in as_text(describe(CARS1)).splitlines()) <= 100


def section_of(outcome: str) -> Section:
    (section,) = (one for one in describe(CARS1).sections if one.title == f"Outcome: {outcome}")
    return section


def test_the_effect_is_told_on_all_four_scales() -> None:
    section = section_of("Action Research Arm Test")
    told = {row.label: row.value for row in section.rows if row.label.startswith("effect as")}
    sizes = effect_sizes(CARS1.outcomes["arat"])._asdict()
    scales = ("Mann-Whitney effect", "latent shift", "odds ratio", "mean difference")
    assert told == {
        f"effect as {scale}": sizes[name] for scale, name in zip(scales, sizes, strict=True)
    }


@pytest.mark.parametrize(
    ("label", "shift", "difference"),
    [
        ("Gait velocity", "0.1823 m/s", "0.1717 m/s"),
        ("Nine-hole peg test", "0.3674 on the log scale", "19.56 s"),
        ("Action Research Arm Test", "26.79 points", "16.25 points"),
    ],
)
def test_an_effect_has_the_unit_of_its_outcome(label: str, shift: str, difference: str) -> None:
    told = {row.label: row.text for row in section_of(label).rows}
    assert told["effect as latent shift"] == shift
    assert told["effect as mean difference"] == difference


def test_the_latent_shift_of_grades_is_in_standard_deviations() -> None:
    told = {row.label: row.text for row in section_of("Modified Rankin Scale").rows}
    assert told["effect as latent shift"].endswith(" SD")


def test_what_is_computed_from_an_assumption_is_an_assumption() -> None:
    section = section_of("Action Research Arm Test")
    assert {row.status for row in section.rows if row.path is None} == {"assumed"}


def test_the_eligibility_is_told_in_words() -> None:
    text = " ".join(as_text(describe(CARS1)).split())
    assert "45 to 85 years (Age: at least 45 years and at most 85 years)" in text
    assert "Territory of the internal carotid artery (Arterial territory: internal carotid)" in text


CHOICES = {
    "measure": ("score", "change"),
    "analysis_set": ("all_randomised", "full_analysis_set"),
    "missing": ("locf", "bocf", "worst_rank", "complete_case"),
    "death": ("worst_rank", "as_missing"),
    "alternative": ("two-sided", "greater", "less"),
    "interval": ("null_variance", "delong", "brunner-munzel", "logit", "newcombe"),
    "strata": ("none", "site", "design"),
}


def plan(**changes: object) -> AnalysisPlan:
    return AnalysisPlan.model_validate({**CARS1.analysis.model_dump(), **changes})


def test_two_plans_that_differ_are_told_differently() -> None:
    """The method of the interval is not used within sites, and told as not used."""
    told = {}
    for values in product(*CHOICES.values()):
        choice = dict(zip(CHOICES, values, strict=True))
        if choice["strata"] != "none" and choice["interval"] != "null_variance":
            continue
        told[values] = tuple(plan_in_words(plan(**choice)).values())
    assert len(set(told.values())) == len(told)


def test_every_plan_tells_the_same_conventions_each_in_a_sentence() -> None:
    names = set(plan_in_words(CARS1.analysis))
    assert {
        "alternative",
        "alpha",
        "ties",
        "continuity",
        "variance",
        "direction",
        "analysis_set",
        "missing_data",
        "death",
    } <= names
    for changes in ({"strata": "site"}, {"continuity_correction": True}, {"alpha": 0.01}):
        words = plan_in_words(plan(**changes))
        assert set(words) == names
        assert all(sentence.endswith(".") for sentence in words.values())


def test_a_per_protocol_plan_tells_whom_it_leaves_out() -> None:
    told = plan_in_words(plan(minimum_infusion_share=0.8))["analysis_set"]
    assert "less than 0.8 of the planned infusions are excluded" in told


def test_a_bolus_is_told_in_its_own_words() -> None:
    """Nothing of infusions given 1 times, of an exposure that does nothing, or of a start."""
    content = parsed_value(new_study("bolus", "two_arm_ordinal"))
    told = " ".join(as_text(describe(validated(content))).split())
    assert "Infusions are given once;" in told
    assert "1 times" not in told
    assert "from randomisation on, whatever is infused" in told
    assert "in proportion to the exposure" not in told
    assert "it has at any time the distribution of the end day" in told
    assert "moves from its values at onset" not in told


def test_a_dose_by_weight_has_the_units_of_its_names() -> None:
    content = parsed_value(new_study("bolus", "two_arm_ordinal"))
    content["treatment"] = {"strength_mg_per_ml": 5, "body_weight_kg": "weight_kg"}
    content["population"]["covariates"]["weight_kg"] = {
        "label": "Weight",
        "margin": {"distribution": "normal", "mean": 80, "sd": 15, "low": 40, "high": 160},
    }
    for arm, dose in (("drug", 0.25), ("placebo", 0)):
        del content["design"]["arms"][arm]["dose_ml"]
        content["design"]["arms"][arm]["dose_mg_per_kg"] = dose
    told = as_text(describe(validated(content)))
    assert re.search(r"treatment\.strength_mg_per_ml: 5 mg/mL", told)
    assert re.search(r"design\.arms\.drug\.dose_mg_per_kg: 0\.25 mg/kg", told)


def test_the_analysis_set_is_of_those_who_have_a_score() -> None:
    """Not everybody randomised is: some have none after baseline."""
    told = plan_in_words(CARS1.analysis, CARS1.outcomes)["analysis_set"]
    assert "with a score at any visit after baseline" in told
    assert "Everybody" not in told

"""No file ends in a traceback, a hang or gigabytes: what no study can hold is refused in words."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest

from trialsim.errors import InputError
from trialsim.scenario.coherence.study import COHERENCE
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import broken_rules

TWO_OUTCOMES: Final = "extends: cars1\nname: two\noutcome_correlation: "
HOSTILE: Final = {
    "pairs that are a list": (TWO_OUTCOMES + "{pairs: []}", "outcome_correlation.pairs: must be"),
    "a pair that is no mapping": (TWO_OUTCOMES + "{pairs: {arat: 3}}", "pairs.arat: must be"),
    "an infinite correlation": (TWO_OUTCOMES + "{pairs: {arat: {nihss: .inf}}}", "arat.nihss: "),
    "a huge correlation": (TWO_OUTCOMES + "{pairs: {arat: {nihss: 1e308}}}", "pairs.arat.nihss"),
    "a huge common correlation": (TWO_OUTCOMES + "{common: 1e308}", "common: must be less than 1"),
    "a number among the sources": ("extends: cars1\nsources: {5: {}}", "sources.5"),
    "a number among the calibrated": ("extends: cars1\ncalibrated: {1.5: {}}", "calibrated.1.5"),
    "a key that is none beside a near miss": (
        "extends: cars1\npopulation: {covariates: {null: {}}, correlation: {nihs: {arat: 0.1}}}",
        "population.correlation.nihs.arat: must be a covariate that exists",
    ),
    "a visit that is a number": (
        "extends: cars1\ndesign: {visits: {5: {day: 50}}}\nanalysis: {visit: day_9}",
        "design.visits.5",
    ),
    "no arm left": (
        "extends: cars1\ndesign: {arms: {cerebrolysin: null, placebo: null}}",
        "design.arms: must have at least 2",
    ),
    "a vanishing spread of sites": (
        "extends: cars1\noperations: {site_rate_coefficient_of_variation: 1e-300}",
        "must be 0, or at least 1e-06 (got 1e-300)",
    ),
    "more sites than their numbers can tell apart": (
        "extends: stroke_nihss\noperations: {sites: {count: 10001}}",
        "operations.sites.count: must be less than or equal to 10000",
    ),
    "a vanishing spread of a gamma": (
        "extends: cars1\noperations: {screening_hours: {distribution: gamma, mean: 1, "
        "coefficient_of_variation: 1e-200}}",
        "coefficient_of_variation: must be greater than or equal to 0.000001",
    ),
    "more whole numbers than memory holds": (
        "extends: cars1\npopulation: {covariates: {age_years: {whole: true, margin: "
        "{distribution: uniform, low: 0, high: 1000000000000}}}}",
        "whole numbers must lie within 100,000 of one another",
    ),
    "more infusions than memory holds": (
        "extends: cars1\ndesign: {patients: 1000000}\ntreatment: {infusions: {per_cycle: 84}}",
        "333,333: 30,000,000 infusions and visits of all together (got 1000000)",
    ),
    "more candidates than memory holds": (
        "extends: cars1\noperations: {candidates_per_site_per_month: 1e9}",
        "100,000 at all sites together (got 1000000000)",
    ),
    "a name of 5,000 letters": (f"extends: cars1\nname: {'a' * 5_000}", "name: must have at most"),
    "a base of 5,000 letters": (f"extends: {'a' * 5_000}", "extends: cannot be read: File name"),
    "doses of an arm that has none": (
        "extends: alvarez2011_mcp_mod\ndesign: {arms: {saline: {dose_ml: null}}}",
        "design.arms.saline.dose_ml: must be given in one unit",
    ),
    "a section of a trial renamed": (
        "trials: {one: {extends: cars1, 7: {}}, two: {extends: cars1}}",
        "trials.one.7",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words(name: str, tmp_path: Path) -> None:
    text, told = HOSTILE[name]
    path = tmp_path / "hostile.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert told in str(caught.value)
    assert all("\n" not in problem.rule for problem in caught.value.problems)


def test_a_spread_of_sites_that_is_allowed_is_simulated(tmp_path: Path) -> None:
    study = load("cars1_null").replace({"operations.site_rate_coefficient_of_variation": 1e-6})
    assert study.operations.site_rate_coefficient_of_variation == 1e-6


FUZZED: Final = (
    *("alvarez2011_mcp_mod", "cars1_estimands", "cars_sequential"),
    *("rat_cyclopamine", "stroke_nihss", "cars_varying"),
)
"""Of each kind of part a study: curves of the dose, estimands and imputation, looks, animals and a
mechanism, grades, a programme."""


def test_wrong_studies_are_right_or_refused(tmp_path: Path) -> None:
    """In a process of its own, whose memory is bounded."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.files", "60", "2016", str(tmp_path), *FUZZED],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert found.returncode == 0, found.stderr[-2_000:]
    assert '"unhandled": {}' in found.stdout, found.stdout


def test_rules_between_parts_bear_a_design_of_which_no_arm_is_left() -> None:
    """What asks for the unit of its doses found no arm to ask."""
    study = load("cars1")
    known = {"population": study.population, "treatment": study.treatment}
    left = {"design": Design.incomplete({"arms": {}})}
    assert list(broken_rules(COHERENCE, known | left)) == []

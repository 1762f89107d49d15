"""A programme is a file as a scenario's is: complete, sourced, all problems reported at once."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.builtin import builtin_programmes, builtin_scenarios, builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.programme import Programme, content_of, single_trial, trials_of
from trialsim.scenario.scenario import ABOUT
from trialsim.scenario.validation.paths import part_at, paths_of
from trialsim.scenario.validation.sources import UNSOURCED, source_of
from trialsim.scenario.words.description import as_text
from trialsim.scenario.words.programme import describe_study

PROGRAMMES = sorted(builtin_programmes())
PLAN = """
analysis:
  measure: mann_whitney
  variance: null_variance
  pooling: wei_lachin
  alternative: two-sided
  alpha: 0.05
  confidence: 0.95
"""
ABOUT_IT = "name: two\ntitle: Two trials\nsummary: Two trials of one design.\n"
TRIALS = "trials:\n  a: {extends: cars1}\n  b: {extends: cars1, design: {patients: 100}}\n"
WHOLE = f"""{ABOUT_IT}
size_percent: 90
trials:
  a: {{extends: vad_cognition, title: One}}
  b: {{extends: vad_cognition, design: {{patients: 60}}}}
analysis:
  measure: standardised_difference
  pooling: random
  heterogeneity: dersimonian-laird
  reference: normal
  alternative: two-sided
  alpha: 0.05
  confidence: 0.95
findings:
  smd:
    label: Pooled standardised mean difference
    of: {{kind: analysis, analysis: primary, figure: estimate}}
    value: 0.36
    explanation: 'as published: no more is known'
calibrated: {{trials.b.outcomes.mmse.effect.value: {{finding: smd}}}}
references: {{guide: A guide}}
sources: {{findings.smd: {{status: published, reference: guide}}}}
"""


@cache
def programme(name: str) -> Programme:
    found = load_study(name)
    assert isinstance(found, Programme)
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "two.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(InputError) as refused:
        load_study(path)
    return [str(one).replace(f"{path}:", "") for one in refused.value.problems]


def test_a_programme_is_the_same_when_written_and_read_again(tmp_path: Path) -> None:
    """With whatever a programme can say of itself."""
    found = load_study(written(tmp_path, WHOLE))
    assert all(vars(found).values())
    again = load_study(written(tmp_path, to_yaml(found)))
    assert again == found
    assert again.digest == found.digest


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_number_of_every_programme_has_a_source(name: str) -> None:
    found = programme(name)
    parts = [(found.sources, {"analysis": found.analysis.model_dump(mode="json")})]
    for trial in found.trials.values():
        parts.append((trial.sources, trial.model_dump(mode="json", exclude=set(ABOUT))))
    for sources, content in parts:
        leaves = {
            path for path in paths_of(content) if not isinstance(part_at(content, path), dict)
        }
        assert [path for path in leaves if source_of(path, sources) is UNSOURCED] == []
    for finding in found.findings:
        assert source_of(f"findings.{finding}", found.sources) is not UNSOURCED


@pytest.mark.parametrize(
    ("name", "patients"), [("cars_pooled", 448), ("bornstein2018", 1879), ("cochrane_vad", 597)]
)
def test_the_trials_have_the_published_patients_in_all(name: str, patients: int) -> None:
    trials = programme(name).trials.values()
    assert sum(trial.design.patients for trial in trials) == patients


@pytest.mark.parametrize("name", ["cars_pooled", "cochrane_vad"])
def test_a_programme_is_told_in_words_what_differs_trial_by_trial(name: str) -> None:
    found = programme(name)
    told = describe_study(found)
    assert found.digest in as_text(told)
    sections = {section.title: section for section in told.sections}
    content = found.model_dump(mode="json")
    for trial in found.trials:
        for row in sections[f"Trial: {trial}"].rows:
            if row.path is not None:
                assert part_at(content, row.path) is not None or row.value is None
    shared = {row.path for title, one in sections.items() if "In all" in title for row in one.rows}
    assert "design.block_size" in shared
    assert "design.patients" not in shared


def test_studies_are_scenarios_and_programmes() -> None:
    assert set(builtin_studies()) == {*builtin_scenarios(), *builtin_programmes()}
    assert not set(builtin_scenarios()) & set(builtin_programmes())


def test_a_trial_extends_a_scenario_and_takes_the_name_it_has_here(tmp_path: Path) -> None:
    found = load_study(written(tmp_path, ABOUT_IT + TRIALS + PLAN))
    assert isinstance(found, Programme)
    assert [trial.name for trial in found.trials.values()] == ["a", "b"]
    assert found.trials["a"].digest == load("cars1").digest
    assert found.trials["b"].digest == load("cars1").replace({"design.patients": 100}).digest


def test_a_programme_is_replaced_by_the_paths_of_its_trials() -> None:
    found = programme("cars_pooled")
    changed = found.replace({"trials.cars2.design.patients": 300, "analysis.alpha": 0.01})
    assert changed.trials["cars2"] == found.trials["cars2"].replace({"design.patients": 300})
    assert changed.trials["cars1"] == found.trials["cars1"]
    assert changed.analysis.alpha == 0.01
    assert changed.digest != found.digest
    assert source_of("analysis.alpha", changed.sources).status == "assumed"
    assert source_of("analysis.measure", changed.sources).status == "published"
    assert changed.findings == {}


def test_what_only_tells_of_a_programme_is_not_in_its_digest() -> None:
    found = programme("cars_pooled")
    renamed = found.replace({"title": "Another title"})
    assert renamed.digest == found.digest
    assert renamed.findings == found.findings
    assert content_of(renamed) == content_of(found)


def test_a_change_that_changes_nothing_keeps_everything() -> None:
    found = programme("cars_pooled")
    assert found.replace({"trials.cars1.design.patients": 208, "size_percent": 100}) == found


def test_a_trial_is_taken_away_by_none() -> None:
    found = programme("cochrane_vad")
    assert "zhang2003" not in found.replace({"trials.zhang2003": None}).trials
    with pytest.raises(InputError, match="at least 2"):
        programme("cars_pooled").replace({"trials.cars1": None})


def test_every_wrong_change_is_told_at_once() -> None:
    wrong: dict[str, Any] = {
        "trials.cars2.design.patient": 3,
        "trials.cars3.design.patients": 3,
        "trials.cars1.design.patients": 0,
        "analysis.alph": 0.01,
    }
    with pytest.raises(InputError) as refused:
        programme("cars_pooled").replace(wrong)
    assert {one.path for one in refused.value.problems} == set(wrong)


def test_a_study_of_one_trial_has_itself() -> None:
    cars1 = load("cars1")
    assert trials_of(cars1) == {"cars1": cars1}
    assert single_trial(cars1) is cars1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ABOUT_IT + TRIALS.replace("100", "0") + PLAN.replace("0.05", "7"),
            [
                "6:32: trials.b.design.patients: must be greater than or equal to 2 (got 0)",
                "13:3: analysis.alpha: must be less than 0.5 (got 7)",
            ],
        ),
        (
            ABOUT_IT + TRIALS + PLAN.replace("wei_lachin", "random"),
            [
                "8:1: analysis.heterogeneity: must be given with pooling: random, and only with it",
                "8:1: analysis.reference: must be given with pooling: random, and only with it",
            ],
        ),
        (
            ABOUT_IT + TRIALS + PLAN.replace("mann_whitney", "mean_difference"),
            [
                "trials.a.analysis.death: must be as_missing for a mean_difference: a rank",
                "trials.b.analysis.death: must be as_missing for a mean_difference: a rank",
                "10:3: analysis.variance: must be given for mann_whitney and win_odds, and only "
                "for them (got null_variance)",
            ],
        ),
        (
            "extends: cars_pooled\n" + ABOUT_IT + TRIALS + PLAN,
            ["1:1: extends: must stand in a trial, not in the programme"],
        ),
        (
            ABOUT_IT + TRIALS.replace("a: {extends: cars1}", "a: {extends: cars_pooled}") + PLAN,
            ["5:7: trials.a.extends: must be one trial, not a programme (got cars_pooled)"],
        ),
        (
            ABOUT_IT + TRIALS.replace("a: {extends: cars1}", "a: {extends: cars11}") + PLAN,
            [
                "5:7: trials.a.extends: must be a built-in scenario or the path of a YAML file; "
                "did you mean cars1? (got cars11)"
            ],
        ),
        (
            ABOUT_IT + "trials:\n  a: {extends: cars1}\n" + PLAN,
            ["4:1: trials: must have at least 2 entries (got a mapping)"],
        ),
        (
            ABOUT_IT + TRIALS + PLAN + "calibrated:\n  trials.c.design.patients: {finding: f}\n",
            [
                "calibrated.trials.c.design.patients: must be the path of a number of a trial",
                "calibrated.trials.c.design.patients.finding: must be a finding that exists",
            ],
        ),
        (
            ABOUT_IT + TRIALS + PLAN + "sources: {design: {status: assumed, note: x}}\n",
            ["sources.design: must be a path of the programme itself"],
        ),
        (
            ABOUT_IT
            + TRIALS
            + PLAN
            + "findings:\n  f:\n    label: x\n    value: 1\n"
            + "    of: {kind: patients, what: died, figure: share}\n",
            ["findings.f.of.figure: must be count, of all patients of all trials (got share)"],
        ),
    ],
)
def test_every_problem_of_a_file_is_told_with_its_place(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    told = problems(tmp_path, text)
    assert len(told) == len(expected), told
    for one, wanted in zip(told, expected, strict=True):
        assert wanted in one


def test_what_loads_one_trial_refuses_a_programme_with_its_place() -> None:
    with pytest.raises(InputError, match="trials: must be one trial: this is a programme"):
        load("cars_pooled")

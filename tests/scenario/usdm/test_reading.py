"""A study file from a USDM document: what it says is taken, what it does not say is asked for."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.files.chosen import trial_of
from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.errors import InputError
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.usdm.reading import study_from_usdm
from trialsim.scenario.usdm.writing import usdm_document


def bare(study: Scenario) -> Any:
    """Return the document of a study as other software would write it, without extensions."""
    document = usdm_document(study)
    del document["study"]["versions"][0]["studyDesigns"][0]["extensionAttributes"]
    return document


CARS1: dict[str, Any] = bare(trial_of("cars1"))
DESIGNS = (
    "cars1_estimands",  # most sections, doses in mL, infusions every day
    "alvarez2011",  # three arms, infusions on weekdays
    "rat_cyclopamine",  # doses by weight
    "cars_sequential",  # looks, visits after onset
    "gharagozli2017",  # doses in two phases
    "guekht2011",  # several cycles
)
"""Built-in studies that differ in what a document says, and in their sections beyond it."""


def begun(document: Any, folder: Path) -> str:
    """Return the file that a document begins."""
    file = folder / "protocol.json"
    file.write_text(json.dumps(document))
    return study_from_usdm("mine", file)


def section(text: str, name: str) -> Any:
    """Return a section of a file as plain values."""
    lines = text.splitlines()
    first = lines.index(f"{name}:")
    after = [place for place in range(first + 1, len(lines)) if not lines[place].startswith(" ")]
    return parsed_value("\n".join(lines[first : after[0]]))[name]


@pytest.mark.parametrize("name", DESIGNS)
def test_arms_visits_and_number_come_back_from_a_built_in_study(name: str, tmp_path: Path) -> None:
    """Oracle: the study itself, by way of a document in JSON, of anyone's."""
    study = trial_of(name)
    design = section(begun(bare(study), tmp_path), "design")
    assert design["patients"] == study.design.patients
    for name, arm in study.design.arms.items():
        found = design["arms"][name]
        dose = next(value for field, value in found.items() if field.startswith("dose_"))
        assert found["label"] == arm.label
        assert (tuple(dose) if isinstance(dose, list) else (dose,)) == arm.doses
    assert list(design["visits"]) == list(study.design.visits)
    for name, visit in study.design.visits.items():
        found = {"after": "randomisation", "window_days": 0, **design["visits"][name]}
        assert found == visit.model_dump()


def test_a_daily_course_comes_back_and_any_other_is_asked_for(tmp_path: Path) -> None:
    text = begun(CARS1, tmp_path)
    assert section(text, "treatment") == {"infusions": {"per_cycle": 21, "days": "every_day"}}
    assert "# ASK: the days of infusions" in begun(bare(trial_of("dose_finding")), tmp_path)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_study_comes_back_whole_from_its_own_document(name: str, tmp_path: Path) -> None:
    """Oracle: the study itself, field by field; weekdays of infusions among them."""
    study = trial_of(name)
    file = tmp_path / "mine.yaml"
    document = json.loads(json.dumps(usdm_document(study)))
    file.write_text(begun(document, tmp_path))
    assert "ASK" not in file.read_text().split("\nname: ")[1]
    again = load(file)
    assert again.model_dump(exclude={"name"}) == study.model_dump(exclude={"name"})


def test_what_a_document_says_counts_more_than_its_extensions(tmp_path: Path) -> None:
    document = usdm_document(trial_of("dose_finding"))
    design = document["study"]["versions"][0]["studyDesigns"][0]
    design["population"]["plannedEnrollmentNumber"]["value"] = 60
    design["extensionAttributes"] += [
        {"url": "urn:another:study-file:design", "valueString": "{}"},
        {"url": "urn:trialsim:study-file:title", "valueString": '{"a": 1}'},
        {"url": "urn:trialsim:study-file:mine", "valueString": "not YAML: {"},
    ]
    text = begun(document, tmp_path)
    assert section(text, "design")["patients"] == 60
    assert "mine" not in text.replace("name: mine", "")
    design["extensionAttributes"][0]["valueString"] = "not YAML: {"
    with pytest.raises(
        InputError, match=r"extensionAttributes\.0\.valueString: must be the section"
    ):
        begun(document, tmp_path)


def test_what_is_missing_is_asked_for_and_named_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cars1.json").write_text(json.dumps(CARS1))
    out = tmp_path / "mine.yaml"
    assert run(["new", "mine", "--from", str(tmp_path / "cars1.json"), "-o", str(out)]) == DONE
    text = out.read_text()
    for asked in ("population", "operations", "outcomes", "analysis", "eligibility"):
        assert f"\n# {asked}:" in text
    assert "#   Coma, Glasgow Coma Scale 6 or less" in text
    capsys.readouterr()
    assert run(["check", str(out)]) == INPUT_WRONG
    told = capsys.readouterr().err
    for missing in ("population", "operations", "outcomes", "analysis"):
        assert f"{missing}: must be given" in told or f"{missing}:" in told


def test_the_file_with_its_gaps_filled_is_the_study_again(tmp_path: Path) -> None:
    """Oracle: the sections of the study's own file, put in the place of what is asked for."""
    study = load("stroke_nihss")
    text = begun(bare(study), tmp_path)
    whole = (builtin_studies()["stroke_nihss"]).read_text()
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    taken, section_now = [], ""
    for line in whole.splitlines():
        section_now = line.partition(":")[0] if line[:1].isalpha() else section_now
        if section_now in ("population", "eligibility", "operations", "outcomes", "analysis"):
            taken.append(line)
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join([*kept, *taken]) + "\n")
    again = load(file)
    assert again.design.model_dump() == study.design.model_dump()
    assert again.digest == study.digest


def changed(path: list[str | int], value: Any) -> dict[str, Any]:
    """Return the document of cars1 with a value at a place."""
    document: dict[str, Any] = copy.deepcopy(CARS1)
    part: Any = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return document


VERSION: list[str | int] = ["study", "versions", 0]


def test_a_route_is_told_and_a_dose_in_another_unit_asked_for(tmp_path: Path) -> None:
    given = [*VERSION, "studyInterventions", 0, "administrations", 0]
    route = {"standardCode": {"decode": "INTRAVENOUS"}}
    assert "dose_ml: 30}  # route: INTRAVENOUS" in begun(
        changed([*given, "route"], route), tmp_path
    )
    grams = {"value": 2, "unit": {"standardCode": {"decode": "g"}}}
    text = begun(changed([*given, "dose"], grams), tmp_path)
    assert "# ASK: dose_ml; the document says 2 g" in text


def test_names_and_texts_of_a_document_stay_values_and_comments(tmp_path: Path) -> None:
    """Nothing in a document can add a line of its own to the file."""
    evil = 'x"\nanalysis:\n  endpoint: mine # \u202e'
    document = changed([*VERSION, "titles", 0, "text"], evil)
    version = document["study"]["versions"][0]
    version["eligibilityCriterionItems"][0]["text"] = evil
    version["studyDesigns"][0]["arms"][0]["name"] = evil
    version["studyDesigns"][0]["arms"][0]["label"] = evil
    version["studyDesigns"][0]["encounters"][1]["name"] = "6 weeks: {day: 3}"
    text = begun(document, tmp_path)
    assert not [line for line in text.splitlines() if line.startswith("analysis:")]
    assert "\u202e" not in text
    design = section(text, "design")
    assert list(design["arms"]) == ["x_analysis_endpoint_mine", "placebo"]
    assert list(design["visits"])[1] == "x_6_weeks_day_3"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("not JSON", "must be a USDM document in JSON"),
        ("[" * 100_000, "must be a USDM document in JSON"),
        ("[]", "valid dictionary"),
        ('{"study": {"name": "a", "versions": []}}', "study.versions: "),
        (
            '{"study": {"versions": [{"studyDesigns": [{}]}]}}',
            "study.versions.0.studyDesigns.0.arms",
        ),
    ],
)
def test_what_is_no_usdm_document_is_refused_with_the_place(
    content: str, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(content)
    with pytest.raises(InputError) as refused:
        study_from_usdm("mine", file)
    assert told in str(refused.value)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        study_from_usdm("mine", tmp_path / "absent.json")

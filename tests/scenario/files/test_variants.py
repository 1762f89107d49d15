"""A variant that says little means what its writer does, or is told what it says."""

from pathlib import Path

import pytest

from trialsim.cli import DONE, run
from trialsim.errors import InputError
from trialsim.scenario.files.yaml_file import load


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"extends: cars1\n{text}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("file", "name"),
    [("my study.yaml", "my_study"), ("Late-2.yaml", "late_2"), ("小.yaml", "study")],
)
def test_a_variant_without_a_name_takes_one_from_its_file(
    file: str, name: str, tmp_path: Path
) -> None:
    assert load(written(tmp_path, file, "")).name == name


def test_a_section_left_empty_is_told_and_removes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "e2.yaml", "eligibility:\n  exclusion:\n#    coma: null\n")
    with pytest.raises(InputError) as caught:
        load(file)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (3, "eligibility.exclusion")
    assert "must not be left empty: to remove one of haemorrhage, " in problem.rule


def test_an_entry_is_still_removed_by_its_name(tmp_path: Path) -> None:
    found = load(written(tmp_path, "v.yaml", "eligibility: {exclusion: {coma: null}}\n"))
    assert set(load("cars1").eligibility.exclusion) - set(found.eligibility.exclusion) == {"coma"}


def test_a_visit_among_others_stands_where_its_day_puts_it(tmp_path: Path) -> None:
    found = load(
        written(tmp_path, "e1.yaml", "design: {visits: {day_30: {day: 30, window_days: 1}}}\n")
    )
    days = [visit.day for visit in found.design.visits.values()]
    assert days == sorted(days)
    assert "day_30" in found.design.visits


@pytest.mark.parametrize("level", ["NA", "None", "null", " nan ", ""])
def test_a_level_that_tables_read_as_missing_is_refused(level: str, tmp_path: Path) -> None:
    margin = f'margin: {{distribution: categorical, levels: {{"{level}": 0.5, other: 0.5}}}}'
    text = f"population: {{covariates: {{smoking: {{label: Smoking, {margin}}}}}}}\n"
    with pytest.raises(InputError, match="tables read it as missing"):
        load(written(tmp_path, "levels.yaml", text))


def test_which_of_two_studies_of_one_name_is_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cars1").write_text("extends: cars1_null\n")
    assert run(["show", "cars1"]) == DONE
    assert "cars1 is the built-in study; the file here" in capsys.readouterr().err


def test_what_a_variant_makes_wrong_in_a_built_in_study_is_told_where_the_variant_does_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "low_peg.yaml"
    path.write_text("extends: cars1\noutcomes:\n  nine_hole_peg: {high: 170}\n", encoding="utf-8")
    with pytest.raises(InputError) as found:
        load(path)
    (problem,) = found.value.problems
    assert (problem.file, problem.line, problem.column) == (str(path), 3, 3)
    assert problem.path == "outcomes.nine_hole_peg.bounds.no_peg_placed.no_better_than"
    assert problem.rule.startswith("must lie within the scale, 10 and 170; it stands in cars1.yaml")

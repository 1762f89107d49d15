"""A table of former patients is read with the study, and what is wrong in it has its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.cli import DONE, INPUT_WRONG, run
from trialsim.errors import InputError
from trialsim.questions.obtained import obtained
from trialsim.questions.power import power
from trialsim.questions.what_if.what_if import what_if
from trialsim.scenario.files.builtin import builtin_folder
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.programme import Programme
from trialsim.simulated import simulate

ROWS = 120
COLUMNS = """\
    age_years: {label: Age, whole: true, margin: {distribution: table}}
    nihss: {label: NIHSS, whole: true, margin: {distribution: table, column: NIHSS}}
    sex: {label: Sex, margin: {distribution: table, levels: [female, male]}}
    fibrillation: {label: Atrial fibrillation, margin: {distribution: table, flag: true}}
"""


def former_patients() -> list[list[str]]:
    """Return 120 rows in which age and NIHSS rise together, and men are younger."""
    rows = []
    for row in range(ROWS):
        age = 45 + (row * 37) % 41
        severe = 4 + (age - 45) // 4 + (row * 7) % 9
        sex = "male" if (row * 11) % 41 > (age - 45) else "female"
        rows.append([str(age), str(severe), sex, "true" if row % 4 == 0 else "false"])
    return rows


def table_of(rows: list[list[str]]) -> str:
    return "\n".join(map(",".join, [["age_years", "NIHSS", "sex", "fibrillation"], *rows])) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a study whose patients come from a CSV of 120 rows beside it."""
    text = (builtin_folder() / "templates" / "two_arm_ordinal.yaml").read_text(encoding="utf-8")
    before, rest = text.split("    nihss:\n", 1)
    text = before + COLUMNS + rest[rest.index("\neligibility:") :]
    text = text.replace("population:\n", "population:\n  table: {file: old.csv, draw: rows}\n", 1)
    text = text.replace("patients: 1600", "patients: 100")
    (tmp_path / "study.yaml").write_text(text)
    (tmp_path / "old.csv").write_text(table_of(former_patients()))
    return tmp_path / "study.yaml"


def spoilt(file: Path, row: int, column: int, cell: str) -> None:
    rows = former_patients()
    rows[row][column] = cell
    (file.parent / "old.csv").write_text(table_of(rows))


def told(file: Path) -> str:
    with pytest.raises(InputError) as refused:
        load(file)
    return str(refused.value)


def test_drawn_rows_keep_what_stands_in_them_together(file: Path) -> None:
    """Every candidate is one of the rows, and each row comes about as often as any other."""
    screening = simulate(load(file), seed=1).tables()["screening"]
    drawn = screening[["age_years", "nihss", "sex", "fibrillation"]]
    known = {(int(a), int(b), c, d == "true") for a, b, c, d in former_patients()}
    assert {tuple(row) for row in drawn.itertuples(index=False)} <= known
    study = load(file)
    trial = simulate(study, seed=1).batch.cohort.covariates
    rows = np.array([int(one[0]) for one in former_patients()])
    values, counts = np.unique(rows, return_counts=True)
    seen = np.array([(trial["age_years"] == value).sum() for value in values])
    expected = seen.sum() * counts / ROWS
    assert (np.abs(seen - expected) < 4.5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("draw", ["rows", "fitted"])
def test_data_and_candidates_stand_side_by_side(file: Path, draw: str) -> None:
    study = load(file).replace({"population.table.draw": draw})
    found = {one.label: one for one in obtained(study)}
    severe = [float(row[1]) for row in former_patients()]
    sd = found["candidates, SD of NIHSS"].written
    assert sd == pytest.approx(np.std(severe)), "the rows are all there is to draw from"
    margin = study.population.covariates["nihss"].margin
    assert isinstance(margin, FromTable)
    assert f"sd {sd:.4g}, " in margin.in_words("points")
    age = found["candidates, mean of Age"]
    assert age.written == pytest.approx(np.mean([int(one[0]) for one in former_patients()]))
    for label, one in found.items():
        if label.startswith("candidates, "):
            # copulas between a flag or level and a number lose some of their correlation
            room = 0.04 if "rank correlation" in label else 0.02 * max(1.0, abs(one.written))
            assert abs(one.written - one.obtained.estimate) < room + 4 * one.obtained.mcse, label


def test_prognosis_by_a_drawn_row_is_that_of_a_fitted_one(file: Path) -> None:
    """The normal score of a covariate is even within tied values, however it is drawn."""
    study = load(file)
    scores = simulate(study, seed=3).batch.cohort.covariates.normal_score("nihss")
    assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
    assert abs(scores.var() - 1) < 4 * np.sqrt(2 / scores.size)


@pytest.mark.parametrize("draw", ["rows", "fitted"])
def test_every_question_gives_the_same_bits_for_any_workers_batch_and_engine(
    file: Path, draw: str
) -> None:
    study = load(file).replace({"population.table.draw": draw})
    first = power(study, replicates=40, seed=5, n_jobs=1, engine="vector").to_dict()
    again = power(study, replicates=40, seed=5, n_jobs=2, engine="events", batch=13).to_dict()
    assert {**first, "seconds": 0, "engine": ""} == {**again, "seconds": 0, "engine": ""}
    changes: dict[str, list[Any]] = {
        "design.patients": [60, 100],
        "population.table.draw": ["rows", "fitted"],
    }
    frames = [what_if(study, changes, replicates=16, seed=5, n_jobs=jobs).frame for jobs in (1, 2)]
    assert frames[0].equals(frames[1])


def test_the_study_holds_its_table_and_reads_back_the_same(file: Path, tmp_path: Path) -> None:
    study = load(file)
    kept = tmp_path / "elsewhere" / "kept.yaml"
    kept.parent.mkdir()
    kept.write_text(to_yaml(study))
    assert load(kept).digest == study.digest
    assert load(kept) == study


def test_a_changed_file_is_another_study_which_a_kept_run_refuses(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load(file).digest
    command = ["power", str(file), "--replicates", "64", "--jobs", "1", "--out"]
    assert run([*command, str(tmp_path / "run")]) == DONE
    spoilt(file, 3, 0, "84")
    assert load(file).digest != before
    assert run([*command, str(tmp_path / "run")]) == INPUT_WRONG
    assert load(tmp_path / "run" / "scenario.yaml").digest == before


def test_a_variant_reads_a_table_of_its_own_beside_itself(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "variants"
    folder.mkdir()
    rows = [
        [*row[:3], "true"] if place < 60 else row for place, row in enumerate(former_patients())
    ]
    (folder / "new.csv").write_text(table_of(rows))
    variant = folder / "variant.yaml"
    variant.write_text("extends: ../study.yaml\npopulation: {table: {file: new.csv}}\n")
    flags = load(variant).population.covariates["fibrillation"].margin
    assert flags.numbers.sum() == 75  # type: ignore[union-attr]
    variant.write_text("extends: ../study.yaml\ndesign: {patients: 60}\n")
    assert load(variant).population == load(file).population


def test_the_trials_of_a_programme_read_their_tables(file: Path, tmp_path: Path) -> None:
    programme = tmp_path / "programme.yaml"
    trials = "trials: {one: {extends: study.yaml}, two: {extends: study.yaml}}"
    chosen = "measure: mann_whitney, variance: placement, pooling: fixed, alternative: two-sided"
    analysis = f"analysis: {{{chosen}, alpha: 0.05, confidence: 0.95}}"
    programme.write_text(f"title: Two\nsummary: Two trials.\n{trials}\n{analysis}\n")
    pooled = load_study(programme)
    assert isinstance(pooled, Programme)
    assert [one.population for one in pooled.trials.values()] == 2 * [load(file).population]


def test_parquet_gives_the_same_study_as_csv(file: Path) -> None:
    import pandas as pd

    digest = load(file).digest
    pd.read_csv(file.parent / "old.csv").to_parquet(file.parent / "old.parquet")
    file.write_text(file.read_text().replace("old.csv", "old.parquet"))
    again = load(file)
    assert again.population == load(file).population
    ages = again.population.covariates["age_years"].margin
    assert ages.numbers.tolist() == [int(one[0]) for one in former_patients()]  # type: ignore[union-attr]
    assert again.digest == digest


@pytest.mark.parametrize(
    ("row", "column", "cell", "line"),
    [
        (
            7,
            0,
            "",
            "old.csv:9: population.covariates.age_years.margin: column age_years must not be",
        ),
        (
            0,
            1,
            "NA",
            "old.csv:2: population.covariates.nihss.margin: column NIHSS must not be miss",
        ),
        (
            119,
            1,
            "x",
            "old.csv:121: population.covariates.nihss.margin: column NIHSS must be a num",
        ),
        (4, 2, "Male", "column sex must be one of the levels female, male (got Male)"),
        (4, 3, "maybe", "column fibrillation must be true or false (got maybe)"),
        (4, 1, "inf", "old.csv:6: population.covariates.nihss.margin: column NIHSS must be a numb"),
        (4, 1, "1_000", "column NIHSS must be a number (got 1_000)"),
        (
            4,
            1,
            "9.5",
            "study.yaml:14:5: population.covariates.nihss: must have whole numbers in its column, "
            "or whole: false; the first that is not stands in row 5 of the table (got 9.5)",
        ),
        (
            4,
            0,
            "4,4",
            "old.csv:6: population.table.file: must have 4 cells, as the header has (got 5)",
        ),
    ],
)
def test_a_wrong_cell_is_told_with_its_line(
    file: Path, row: int, column: int, cell: str, line: str
) -> None:
    spoilt(file, row, column, cell)
    assert line in told(file)


def test_every_wrong_column_is_told_at_once(file: Path) -> None:
    rows = former_patients()
    rows[1][0], rows[2][2] = "", "unknown"
    (file.parent / "old.csv").write_text(table_of(rows).replace("NIHSS", "NIHS", 1))
    lines = told(file).splitlines()
    assert len(lines) == 3
    assert "old.csv; did you mean NIHS? (got NIHSS)" in lines[1]
    assert lines[1].startswith(f"{file}:14:")


def test_what_is_wrong_in_a_table_is_told_with_what_is_wrong_in_the_study(file: Path) -> None:
    """And not what is lacking only because the table is wrong."""
    rows = former_patients()
    rows[1][0] = ""
    (file.parent / "old.csv").write_text(table_of(rows))
    file.write_text(file.read_text().replace("patients: 100", "patients: -1") + "headline: x\n")
    lines = told(file).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{file.parent / 'old.csv'}:3: ")
    assert "design.patients: must be greater than or equal to 2" in lines[1]
    assert "headline: " in lines[2]
    (file.parent / "old.csv").unlink()
    lines = told(file).splitlines()
    assert len(lines) == 3
    assert "population.table.file: must be a file that exists" in lines[0]


def with_margin(file: Path, old: str, new: str) -> str:
    file.write_text(file.read_text().replace(old, new))
    return told(file)


def test_a_constant_column_and_too_few_rows_are_refused(file: Path) -> None:
    rows = [[*row[:3], "true"] for row in former_patients()]
    (file.parent / "old.csv").write_text(table_of(rows))
    assert "fibrillation.margin.values: must differ between rows" in told(file)
    (file.parent / "old.csv").write_text(table_of(rows[:9]))
    assert "old.csv:1: population.table.file: must have 10 to 10,000 rows (got 9)" in told(file)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must have 10 to 10,000 rows (got 0)"),
        (b"a,a\n1,2\n", "must name each column once (got a)"),
        (b"\xff\xfe", "must be UTF-8 text; it is UTF-16"),
        (b"\xe9", "must be UTF-8 text (got byte 0xe9)"),
        (b'a,b\n"1,2\n', "must be CSV: "),
    ],
)
def test_what_is_no_table_is_refused(file: Path, content: bytes, rule: str) -> None:
    (file.parent / "old.csv").write_bytes(content)
    assert rule in told(file)


@pytest.mark.parametrize(
    "name", ["old.parquet", "gone.csv", "study.yaml", "folder.csv", "link.csv"]
)
def test_only_a_table_is_opened(file: Path, name: str) -> None:
    """A link to what is no table is not followed, and what is no file is not opened."""
    (file.parent / "old.parquet").write_bytes(b"PAR1 and no more")
    (file.parent / "folder.csv").mkdir()
    (file.parent / "secret").write_text("password\n")
    (file.parent / "link.csv").symlink_to(file.parent / "secret")
    message = with_margin(file, "file: old.csv", f"file: {name}")
    place = file.parent / name if name == "old.parquet" else f"{file}:8"
    assert message.startswith(f"{place}:")
    assert "password" not in message


def test_a_baseline_outside_its_scale_is_refused(file: Path) -> None:
    text = file.read_text().replace("prognosis: nihss", "baseline: nihss")
    file.write_text(text)
    scores = [float(row[1]) for row in former_patients()]
    outside = [place for place, score in enumerate(scores) if not 0 <= score <= 6 or score % 1]
    row, more = outside[0] + 1, len(outside) - 1
    where = f"in row {row} of the table it is {scores[row - 1]:g}, and {more} more rows are outside"
    rule = f"outcomes.mrs.baseline: must be a whole-number covariate within 0 and 6; {where}"
    assert rule in told(file)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"population.table.file": "new.csv"}, "table.file: must stand in the study's file"),
        (
            {"population.correlation": {"age_years": {"nihss": 0.3}}},
            "correlation.age_years.nihss: must not be written: the rows of the table say it",
        ),
        (
            {"population.correlation": {"age_years": {"onset_to_arrival_hours": 0.3}}},
            "must not be written of a column whose rows are drawn: draw it fitted",
        ),
        ({"population.table": None}, "margin: must go with population.table"),
        ({"population.covariates.nihss.margin.values": "1,2"}, "values: must be 10 to 10,000 rows"),
    ],
)
def test_changes_that_do_not_go_with_a_table_are_refused(
    file: Path, changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InputError) as refused:
        load(file).replace(changes)
    assert rule in str(refused.value)


def test_a_fitted_column_may_be_correlated_with_what_is_not_in_the_table(file: Path) -> None:
    pairs = {"nihss": {"onset_to_arrival_hours": -0.5}}
    changes = {"population.table.draw": "fitted", "population.correlation": pairs}
    covariates = simulate(load(file).replace(changes), seed=2).batch.cohort.covariates
    scores = [covariates.normal_score(name)[0] for name in ("nihss", "onset_to_arrival_hours")]
    assert np.corrcoef(scores)[0, 1] == pytest.approx(-0.5, abs=4 / np.sqrt(len(scores[0])))

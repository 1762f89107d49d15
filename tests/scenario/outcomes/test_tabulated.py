"""Scores come as a table of arms, days and grades has them, and a wrong table has its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.analysis.primary import analyse_primary
from trialsim.errors import InputError
from trialsim.questions.power import power
from trialsim.scenario.files.builtin import builtin_folder
from trialsim.scenario.files.yaml_file import load, to_yaml
from trialsim.scenario.outcomes.tabulated import Tabulated
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

SHARES = {
    ("drug", 30): [0.06, 0.12, 0.14, 0.20, 0.28, 0.12, 0.08],
    ("drug", 90): [0.16, 0.20, 0.14, 0.16, 0.18, 0.08, 0.08],
    ("placebo", 30): [0.04, 0.10, 0.12, 0.20, 0.32, 0.14, 0.08],
    ("placebo", 90): [0.12, 0.18, 0.13, 0.16, 0.21, 0.12, 0.08],
}
COURSES = """\
    course: {model: tabulated, file: mrs.csv, arm: placebo, baseline_correlation: 0.5}
    course_by_arm:
      drug: {model: tabulated, file: mrs.csv, arm: drug, baseline_correlation: 0.5}
    effect: {anchor: latent_shift, value: 0}

"""


def table(rows: dict[tuple[str, int], list[float]]) -> str:
    lines = [f"{arm},{day},{','.join(map(str, cells))}" for (arm, day), cells in rows.items()]
    return "\n".join(["arm,day,0,1,2,3,4,5,6", *lines]) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a study with a table of scores beside it, and no window of visits."""
    text = (builtin_folder() / "templates" / "two_arm_ordinal.yaml").read_text(encoding="utf-8")
    before, rest = text.split("    course:\n", 1)
    text = before + COURSES + rest[rest.index("analysis:") :]
    text = text.replace(
        "day_90: {day: 90, window_days: 7}", "day_29: {day: 29}\n    day_90: {day: 90}"
    )
    (tmp_path / "study.yaml").write_text(text.replace("patients: 1600", "patients: 400"))
    (tmp_path / "mrs.csv").write_text(table(SHARES))
    return tmp_path / "study.yaml"


def told(file: Path) -> str:
    with pytest.raises(InputError) as refused:
        load(file)
    return str(refused.value)


def test_each_arm_has_the_grades_of_its_rows(file: Path) -> None:
    """Complete follow-up where eligibility selects by no prognosis, within four SE."""
    file.write_text(file.read_text().replace(", baseline_correlation: 0.5", ""))
    study = load(file)
    for (arm, day), expected in SHARES.items():
        course = study.outcomes["mrs"].course if arm == "placebo" else None
        course = course or study.outcomes["mrs"].course_by_arm[arm]
        assert isinstance(course, Tabulated)
        assert course.shares[course.days.index(day)] == pytest.approx(expected)
    trial = simulate_batch(study, Streams(1, range(40)))
    scores = trial.underlying["mrs"][:, :, 2]  # day 90 after randomisation, past the table's end
    for place, arm in enumerate(study.design.arms):
        found = scores[trial.arms == place]
        shares = np.bincount(found.astype(np.int64), minlength=7) / len(found)
        wanted = np.array(SHARES[arm, 90])
        errors = np.sqrt(wanted * (1 - wanted) / len(found))
        assert (np.abs(shares - wanted) < 4 * errors).all(), arm
    early = trial.underlying["mrs"][:, :, 1]
    assert np.corrcoef(early.ravel(), scores.ravel())[0, 1] > 0.7  # of the same patients


def test_counts_are_proportions(file: Path) -> None:
    before = load(file)
    counts = {key: [round(100 * share) for share in cells] for key, cells in SHARES.items()}
    (file.parent / "mrs.csv").write_text(table(counts))  # type: ignore[arg-type]
    after = load(file).outcomes["mrs"].course
    assert after.end_cells(before.outcomes["mrs"].grid, 0.0) == pytest.approx(
        before.outcomes["mrs"].course.end_cells(before.outcomes["mrs"].grid, 0.0)
    )


def test_the_study_holds_the_table_and_gives_the_same_bits_for_any_workers(
    file: Path, tmp_path: Path
) -> None:
    study = load(file)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.yaml").write_text(to_yaml(study))
    assert load(tmp_path / "elsewhere" / "kept.yaml").digest == study.digest
    runs = [
        power(study, replicates=64, seed=3, n_jobs=1, engine="vector").to_dict(),
        power(study, replicates=64, seed=3, n_jobs=2, engine="events").to_dict(),
    ]
    first, second = ({**one, "seconds": 0, "engine": ""} for one in runs)
    assert first == second
    found = analyse_primary(simulate_batch(study, Streams(3, range(64))), study.analysis)
    assert found.estimate.mean() > 0.52  # the drug is better in the table


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({("drug", 30): [0.5] * 7}, "mrs.csv:2: outcomes.mrs.course_by_arm.drug: must have propor"),
        ({("placebo", 30): [-1, 2, 0, 0, 0, 0, 0]}, "mrs.csv:4: outcomes.mrs.course: must have"),
        (
            {("placebo", 90): ["x", 1, 0, 0, 0, 0, 0]},
            "mrs.csv:5: outcomes.mrs.course: column 0 must",
        ),
        ({("drug", 90): [0.2, 0.8]}, "mrs.csv:3: outcomes.mrs.course.file: must have 9 cells"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(
    file: Path, changes: dict[Any, Any], message: str
) -> None:
    (file.parent / "mrs.csv").write_text(table({**SHARES, **changes}))
    assert message in told(file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("arm: placebo,", "arm: plcebo,", "course.arm: must be an arm of"),
        ("file: mrs.csv, arm: drug", "file: mr.csv, arm: drug", "must be a file that exists"),
        (
            "high: 6",
            "high: 5",
            "course.shares: must be one for each of the scale's 6 grades on day",
        ),
        ("file: mrs.csv, arm: drug,", "", "course_by_arm.drug.days: must be given"),
    ],
)
def test_a_course_that_does_not_go_with_its_table_is_refused(
    file: Path, old: str, new: str, message: str
) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    assert message in told(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": [90.0, 30.0]}, "course.days: must rise"),
        ({"days": [90.0]}, "course.shares: must be as many as days, 1"),
        ({"shares": [[0.5] * 7, [0.5] * 7]}, "course.shares: must sum to 1 on day 30"),
        ({"file": "other.csv"}, "course.file: must stand with days and shares left out"),
    ],
)
def test_days_and_shares_that_do_not_fit_are_refused(
    file: Path, changes: dict[str, Any], message: str
) -> None:
    paths = {f"outcomes.mrs.course.{name}": value for name, value in changes.items()}
    with pytest.raises(InputError) as refused:
        load(file).replace(paths)
    assert message in str(refused.value)


def test_grades_that_nobody_has_on_any_day_are_reached_by_no_shift() -> None:
    shares = [[0.0, 0.4, 0.6, 0.0], [0.0, 0.6, 0.4, 0.0]]
    course = Tabulated(model="tabulated", days=(30.0, 90.0), shares=tuple(map(tuple, shares)))
    grid: Any = None
    assert course.end_cells(grid, 9.0).tolist() == pytest.approx([0, 0, 1, 0], abs=1e-12)
    assert course.end_cells(grid, -9.0).tolist() == pytest.approx([0, 1, 0, 0], abs=1e-12)

"""Solved numbers are written into a file in which nothing else changes."""

from difflib import ndiff
from pathlib import Path

import pytest

from trialsim.errors import InputError
from trialsim.scenario.files.builtin import builtin_folder
from trialsim.scenario.files.calibrated import with_calibrated
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.plan.findings import Calibration

CARS1 = builtin_folder() / "cars1.yaml"
VALUE, LEAVE = "outcomes.arat.effect.value", "operations.withdrawal.probability"
SOLVED = {
    VALUE: Calibration(finding="theta_arat", error=0.001),
    LEAVE: Calibration(quantity="withdrawn", value=12.0, error=0.0009),
}


def changed_lines(before: str, after: str) -> list[str]:
    lines = ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_only_the_numbers_and_their_records_change(tmp_path: Path) -> None:
    text = with_calibrated(CARS1, {VALUE: 0.7251, LEAVE: 0.0591}, SOLVED)
    changed = changed_lines(CARS1.read_text(encoding="utf-8"), text)
    assert [line[2:].strip() for line in changed if line[0] == "+"] == [
        "probability: 0.0591",
        "value: 0.7251",
        f"{LEAVE}: {{quantity: withdrawn, value: 12.0, error: 0.0009}}",
        f"{VALUE}: {{finding: theta_arat, error: 0.001}}",
    ]
    assert len(changed) == 7
    path = tmp_path / "solved.yaml"
    path.write_text(text, encoding="utf-8")
    solved = load(path)
    assert solved.outcomes["arat"].effect.value == 0.7251
    assert solved.operations.withdrawal.probability == 0.0591
    assert solved.calibrated[VALUE] == SOLVED[VALUE]


@pytest.mark.parametrize(
    "rest", ["", "references: {a: b}\n", "sources: {}\nreferences: {a: b}\n", "# the end"]
)
def test_a_file_that_said_nothing_of_it_gains_a_part(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "variant.yaml"
    written = f"extends: cars1\noutcomes: {{arat: {{effect: {{'value': 0.62}}}}}} # modest\n{rest}"
    path.write_text(written, encoding="utf-8")
    solved = {VALUE: Calibration(quantity="estimate", value=0.6)}
    path.write_text(with_calibrated(path, {VALUE: 0.607}, solved), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    assert "{'value': 0.607}}} # modest" in text
    assert rest in text
    assert load(path).calibrated == solved
    assert load(path).outcomes["arat"].effect.value == 0.607


def test_a_number_of_the_file_that_is_extended_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text("extends: cars1\ndesign: {patients: 240}\n", encoding="utf-8")
    with pytest.raises(InputError, match="must stand in the file itself"):
        with_calibrated(path, {VALUE: 0.7}, SOLVED)
    assert path.read_text(encoding="utf-8") == "extends: cars1\ndesign: {patients: 240}\n"


def test_a_record_in_another_form_is_left_to_the_hand(tmp_path: Path) -> None:
    path = tmp_path / "variant.yaml"
    record = f"calibrated:\n  {VALUE}:\n    finding: theta_arat\n"
    findings = "findings: {theta_arat: {}}\n"
    effect = "outcomes: {arat: {effect: {value: 0.7}}}\n"
    path.write_text(f"extends: cars1\n{findings}{effect}{record}", encoding="utf-8")
    with pytest.raises(InputError, match="edited by hand"):
        with_calibrated(path, {VALUE: 0.71}, SOLVED)

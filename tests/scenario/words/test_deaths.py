"""Deaths that are a grade of the scale and events beside it are told."""

from pathlib import Path

import pytest

import trialsim as ts
from trialsim.cli import run
from trialsim.scenario.words.deaths import counted_twice

BOLUS = """extends: {base}
name: bolus
operations: {{death: {{probability: {death}}}}}
outcomes: {{mrs: {{course: {{end: [0.12, 0.18, 0.13, 0.16, 0.21, 0.2, 0.0]}}}}}}
"""


def bolus(folder: Path, death: float, sixth: float) -> Path:
    """Return a trial on mRS in which some die as an event and some as grade 6."""
    base, file = folder / "my_bolus.yaml", folder / "bolus.yaml"
    if not base.is_file():
        assert run(["new", "my_bolus", "--kind", "two_arm_ordinal", "--out", str(base)]) == 0
    end = f"0.21, {0.2 - sixth:g}, {sixth:g}]"
    text = BOLUS.format(base=base.name, death=death).replace("0.21, 0.2, 0.0]", end)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_worst_grade_with_a_share_and_deaths_beside_it_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bolus(tmp_path, death=0.05, sixth=0.08)
    (told,) = counted_twice(ts.load(file))
    assert "the worst grade, 6, a proportion of 0.08" in told
    assert run(["check", str(file)]) == 0
    assert f"WARNING: {told}" in capsys.readouterr().out


@pytest.mark.parametrize(("death", "sixth"), [(0.0, 0.08), (0.05, 0.0)])
def test_deaths_in_one_of_the_two_are_not_told(tmp_path: Path, death: float, sixth: float) -> None:
    assert counted_twice(ts.load(bolus(tmp_path, death, sixth))) == ()

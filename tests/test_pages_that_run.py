"""Every line of Python on these pages prints what it says."""

import doctest
from pathlib import Path
from typing import Final

import pytest

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGES: Final = (
    "analyse.md",
    "app.md",
    "dose_finding.md",
    "estimands.md",
    "hierarchical.md",
    "how_it_works.md",
    "intercurrent_events.md",
    "late_sites.md",
    "margins.md",
    "missing_data.md",
    "monitoring.md",
    "multiplicity.md",
    "own_analyses.md",
    "own_courses.md",
    "own_patients.md",
    "power_curve.md",
    "randomisation.md",
    "report.md",
    "start.md",
    "time_to_event.md",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_line_of_the_page_prints_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # in which figures are written
    page = DOCS / name
    text = page.read_text(encoding="utf-8")
    lines = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert len(lines.examples) > 4
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(lines, out=told.append)
    assert not told, "".join(told)

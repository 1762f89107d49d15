"""The page about several hypotheses does what it says."""

import doctest
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "multiplicity.md"


def test_every_line_of_the_page_about_several_hypotheses_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # in which the figure is written
    text = PAGE.read_text(encoding="utf-8")
    lines = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(lines.examples) > 12
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(lines, out=told.append)
    assert not told, "".join(told)

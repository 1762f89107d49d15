"""The page about looks does what it says, and its table is that of the command it names."""

import doctest
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "monitoring.md"


def test_every_line_of_the_page_about_looks_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # in which the figures are written
    text = PAGE.read_text(encoding="utf-8")
    lines = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(lines.examples) > 15
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(lines, out=told.append)
    assert not told, "".join(told)


def test_the_command_of_the_page_is_there() -> None:
    from benchmarks.type_one_error import PARTS

    assert "python -m benchmarks.type_one_error arat sizes mrs" in PAGE.read_text(encoding="utf-8")
    assert {"arat", "sizes", "mrs", "battery"} == PARTS.keys()

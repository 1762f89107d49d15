"""The page about CDISC does what it says."""

import doctest
from pathlib import Path
from typing import Final

import pytest

from trialsim.reporting.cdisc.package import NAMES

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "cdisc.md"


def test_every_line_of_the_page_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for needed in ("pyreadstat", "odmlib"):
        pytest.importorskip(needed, reason="the extra cdisc is not installed")
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    lines = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(lines.examples) > 15
    told: list[str] = []
    doctest.DocTestRunner().run(lines, out=told.append)
    assert not told, "".join(told)


def test_the_page_names_every_dataset() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for folder, names in NAMES.items():
        line = next(one for one in text.splitlines() if one.strip().startswith(f"{folder}/"))
        assert set(names) <= set(line.replace(",", "").split())

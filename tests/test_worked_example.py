"""The worked example does what it says, and its pictures are of what it does today."""

import doctest
import re
from pathlib import Path
from typing import Final

import pytest

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGE: Final = DOCS / "worked_example.md"
_DIGEST: Final = r"\([0-9a-f]{12}\)"


def words(svg: Path) -> str:
    """Return the title and the caption of a figure, but for the digest of its study."""
    told = re.search(r'aria-label="([^"]*)"', svg.read_text(encoding="utf-8"))
    assert told is not None
    return re.sub(_DIGEST, "", told[1])


def test_every_line_of_the_worked_example_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To draw its pictures anew, run it in their folder: its lines write them."""
    text = PAGE.read_text(encoding="utf-8")
    lines = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(lines.examples) > 10
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(lines, out=told.append)
    assert not told, "".join(told)
    shown = re.findall(r"\(figures/([a-z]+\.svg)\)", text)
    assert sorted(shown) == sorted(path.name for path in tmp_path.iterdir())
    for name in shown:
        assert words(DOCS / "figures" / name) == words(tmp_path / name), name

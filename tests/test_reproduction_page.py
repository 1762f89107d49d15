"""The page of findings has every study that has any, with the figures that the studies say."""

from pathlib import Path

import pytest

from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study

ROOT = Path(__file__).resolve().parents[1]
NAMES = builtin_studies().keys()


@pytest.fixture(scope="module")
def said() -> dict[str, list[tuple[str, str, str]]]:
    """Return what each study says of itself in the form of the rows."""
    return {
        name: [
            (name, one.label, f"{one.value:.{one.published_decimals}f}")
            for one in load_study(name).findings.values()
        ]
        for name in NAMES
    }


def rows(page: Path) -> list[tuple[str, str, str]]:
    """Return study, figure and published value of each row of a page's tables."""
    lines = page.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    return [(one[0].strip("`"), one[1], one[2]) for one in cells if one[0].strip("`") in NAMES]


def test_what_stands_on_the_page_is_what_a_study_says(
    said: dict[str, list[tuple[str, str, str]]],
) -> None:
    """To make it anew: the command that stands above the table."""
    found = rows(ROOT / "docs" / "reproduction.md")
    assert found
    assert set(found) <= {row for told in said.values() for row in told}


def test_every_study_with_findings_stands_on_the_page(
    said: dict[str, list[tuple[str, str, str]]],
) -> None:
    told = {name for name, _, _ in rows(ROOT / "docs" / "reproduction.md")}
    assert told == {name for name, findings in said.items() if findings}

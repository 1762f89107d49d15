"""A file that a check or a page of the documentation names is there."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
NAMING: Final = (
    *sorted((ROOT / ".ci").iterdir()),
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
PATH: Final = re.compile(
    r"(?<![\w/.-])(?:tests|trialsim|benchmarks|scenarios|docs)/[\w./-]+\.(?:py|yaml|md)\b"
)

TO_BE_WRITTEN: Final = frozenset(
    {"trialsim/scenario/plan/methods/mmrm.py", "trialsim/analysis/methods/mmrm.py"}
)
"""The files that the page for contributors takes as its example of a new method."""


def named_in(file: Path) -> set[str]:
    """Return the paths within the project that a file names."""
    return set(PATH.findall(file.read_text(encoding="utf-8")))


def test_the_checks_name_tests() -> None:
    assert any(path.startswith("tests/") for path in named_in(ROOT / ".ci" / "run"))


@pytest.mark.parametrize("file", NAMING, ids=lambda file: file.name)
def test_what_a_file_names_is_there(file: Path) -> None:
    assert [
        path for path in sorted(named_in(file) - TO_BE_WRITTEN) if not (ROOT / path).exists()
    ] == []

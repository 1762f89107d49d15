"""The command that the page about looks names is there; its Python is run with other pages."""

from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "monitoring.md"


def test_the_command_of_the_page_is_there() -> None:
    from benchmarks.type_one_error import PARTS

    assert "python -m benchmarks.type_one_error arat sizes mrs" in PAGE.read_text(encoding="utf-8")
    assert {"arat", "sizes", "mrs", "battery"} == PARTS.keys()

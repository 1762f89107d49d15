"""Every parameter of a study, section by section, with its status and its source."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, get_args

from trialsim.reporting.tables.page import Cell, Table, TableRow
from trialsim.scenario.validation.sources import Status
from trialsim.scenario.words.description import Description, Row, Section

STATUSES: Final[tuple[str, ...]] = get_args(Status)
_COLUMNS: Final = ("Parameter", "Value", "Status", "Source", "Note")


class Part(NamedTuple):
    """A section of a study: sentences, and a table of its values."""

    title: str
    sentences: tuple[str, ...]
    table: Table | None
    """None where a section has no values."""


def parts(description: Description) -> tuple[Part, ...]:
    """Return the sections of a study."""
    return tuple(_part(section, description.references) for section in description.sections)


def status_counts(description: Description) -> dict[str, int]:
    """Return how many of the study's values have each status."""
    counted = Counter[str](row.status for section in description.sections for row in section.rows)
    return {status: counted[status] for status in STATUSES}


def _part(section: Section, references: Mapping[str, str]) -> Part:
    name = f"values-{'-'.join(section.title.lower().replace(':', '').split())}"
    rows = [_row(row, references) for row in section.rows]
    caption = f"{section.title}: parameters and sources"
    return Part(
        section.title, section.words, Table(name, caption, _COLUMNS, rows) if rows else None
    )


def _row(row: Row, references: Mapping[str, str]) -> TableRow:
    source = row.reference or ""
    cells = [
        Cell(row.label, kind="path"),
        Cell(row.text),
        Cell(row.status, kind="status"),
        Cell(source, target=f"reference-{source}" if source in references else ""),
        Cell(row.note or "", kind="prose" if row.note else ""),
    ]
    return TableRow(cells, row.status)

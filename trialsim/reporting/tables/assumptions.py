"""Every parameter of a study, section by section, with its status and its source."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, get_args

from pandas import DataFrame

from trialsim.reporting.tables.page import Cell, Table, TableRow
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.sources import Status
from trialsim.scenario.words.description import Description, Row, Section
from trialsim.scenario.words.labels import label_of

STATUSES: Final[tuple[str, ...]] = get_args(Status)
_COLUMNS: Final = ("Assumption", "Value", "Status", "Source", "Note", "Path in the study file")


class Part(NamedTuple):
    """A section of a study: sentences, and a table of its values."""

    title: str
    sentences: tuple[str, ...]
    table: Table | None
    """None where a section has no values."""


def parts(description: Description, scenario: Scenario) -> tuple[Part, ...]:
    """Return the sections of a study."""
    return tuple(
        _part(section, description.references, scenario) for section in description.sections
    )


def status_counts(description: Description) -> dict[str, int]:
    """Return how many of the study's values have each status."""
    counted = Counter[str](row.status for section in description.sections for row in section.rows)
    return {status: counted[status] for status in STATUSES}


def as_frame(description: Description, scenario: Scenario) -> DataFrame:
    """Return every value of a study as a row: where it stands, and where it comes from."""
    rows = [
        (
            section.title,
            _label(row, scenario),
            row.path,
            row.text,
            row.status,
            row.reference,
            row.note,
        )
        for section in description.sections
        for row in section.rows
    ]
    columns = ["section", "label", "path", "value", "status", "source", "note"]
    return DataFrame(rows, columns=columns).fillna("")


def _part(section: Section, references: Mapping[str, str], scenario: Scenario) -> Part:
    name = f"values-{'-'.join(section.title.lower().replace(':', '').split())}"
    rows = [_row(row, references, scenario) for row in section.rows]
    caption = f"{section.title}: values and sources"
    return Part(
        section.title, section.words, Table(name, caption, _COLUMNS, rows) if rows else None
    )


def _row(row: Row, references: Mapping[str, str], scenario: Scenario) -> TableRow:
    source = row.reference or ""
    cells = [
        Cell(_label(row, scenario)),
        Cell(row.text),
        Cell(row.status, kind="status"),
        Cell(source, target=f"reference-{source}" if source in references else ""),
        Cell(row.note or "", kind="prose" if row.note else ""),
        Cell(row.path or "", kind="path"),
    ]
    return TableRow(cells, row.status)


def _label(row: Row, scenario: Scenario) -> str:
    """Return what a value is called; what is computed from others has no path."""
    return row.label if row.path is None else label_of(row.path, scenario)

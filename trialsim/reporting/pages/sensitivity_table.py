"""A what-if as a table: what differs, and the change in power, estimate and duration."""

from collections.abc import Mapping
from typing import Any, Final

from trialsim.questions.sensitivity import what_is_seen
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number
from trialsim.scenario.validation.problems import as_written

_COLUMNS: Final = (
    "Parameter",
    "Value",
    "Power",
    "change",
    "95% from",
    "to",
    "Estimate, change",
    "MCSE",
    "Days, change",
    "MCSE",
    "Failed",
)
_MEASURES: Final = (
    ("power", 4, ""),
    ("difference", 4, "+"),
    ("difference_ci.0", 4, "+"),
    ("difference_ci.1", 4, "+"),
    ("estimate_difference", 4, "+"),
    ("estimate_difference_mcse", 4, ""),
    ("duration_days_difference", 1, "+"),
    ("duration_days_difference_mcse", 1, ""),
    ("failed", 0, ""),
)
"""The numbers of each row by their names in the JSON, their decimals and their sign."""


def sensitivity_table(what_if: Mapping[str, Any]) -> Table:
    """Return the variants of a what-if, the one that moves the estimate most first.

    `what_if` is that of the JSON; its first row is the base and is left out.
    """
    rows = list(enumerate(what_if["rows"]))[1:]
    rows.sort(key=lambda row: -abs(row[1]["estimate_difference"] or 0.0))
    caption = (
        f"Each change alone, on the same {what_if['replicates']:,} simulated trials. "
        f"{what_is_seen(what_if['rows'])}"
    )
    return Table("sensitivity", caption, _COLUMNS, [_row(place, row) for place, row in rows])


def _row(place: int, row: Mapping[str, Any]) -> TableRow:
    numbers = [
        error(_known(_at(row, name)), digits, f"what_if.rows.{place}.{name}")
        if name.endswith("_mcse")
        else number(_known(_at(row, name)), digits, f"what_if.rows.{place}.{name}", sign)
        for name, digits, sign in _MEASURES
    ]
    return TableRow([*_what_differs(row), *numbers])


def _what_differs(row: Mapping[str, Any]) -> tuple[Cell, Cell]:
    """Return path and value of a change, or all of several in one."""
    changes = {path: as_written(value) for path, value in row["changes"].items()}
    if len(changes) == 1:
        ((path, value),) = changes.items()
        return Cell(path, kind="path"), Cell(value)
    said = "; ".join(f"{path} = {value}" for path, value in changes.items())
    return Cell(said or row["name"], kind="path"), Cell("")


def _at(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a row; a name with a point leads to an end of an interval."""
    whole, _, end = name.partition(".")
    found: float | None = row[whole][int(end)] if end else row[whole]
    return found


def _known(value: float | None) -> float:
    return float("nan") if value is None else value

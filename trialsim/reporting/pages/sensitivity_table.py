"""A what-if as tables: what differs, and the change in power, estimate and duration."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from trialsim.questions.sensitivity import is_seen, what_is_seen
from trialsim.reporting.tables.page import Cell, Table, TableRow, error, number
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.words.labels import label_of

_COLUMNS: Final = (
    "Assumption",
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


class Sensitivity(NamedTuple):
    """The changes of a what-if: those that move an answer, and those of which nothing is seen."""

    moving: Table
    still: Table | None


def sensitivity_tables(what_if: Mapping[str, Any], scenario: Scenario) -> Sensitivity:
    """Return the variants of a what-if, the one that moves the estimate most first.

    `what_if` is that of the JSON; its first row is the base and is left out. What is seen to move
    neither power nor estimate nor duration, by two Monte Carlo errors, stands apart.
    """
    rows = list(enumerate(what_if["rows"]))[1:]
    rows.sort(key=lambda row: -abs(row[1]["estimate_difference"] or 0.0))
    moving = [_row(*row, scenario) for row in rows if _moves(row[1])]
    still = [_row(*row, scenario) for row in rows if not _moves(row[1])]
    caption = (
        f"Each change alone, on the same {what_if['replicates']:,} simulated trials. "
        f"{what_is_seen(what_if['rows'])}"
    )
    apart = "Changes of which nothing is seen beyond two Monte Carlo errors"
    return Sensitivity(
        Table("sensitivity", caption, _COLUMNS, moving),
        Table("sensitivity-still", apart, _COLUMNS, still) if still else None,
    )


def _moves(row: Mapping[str, Any]) -> bool:
    """Return whether a change is seen in what it moves, or ends in failed trials."""
    measures = ("difference", "estimate_difference", "duration_days_difference")
    return bool(row["failed"]) or any(is_seen(row, name) for name in measures)


def _row(place: int, row: Mapping[str, Any], scenario: Scenario) -> TableRow:
    numbers = [
        error(_at(row, name), digits, f"what_if.rows.{place}.{name}")
        if name.endswith("_mcse")
        else number(_at(row, name), digits, f"what_if.rows.{place}.{name}", sign)
        for name, digits, sign in _MEASURES
    ]
    return TableRow([*_what_differs(row, scenario), *numbers])


def _what_differs(row: Mapping[str, Any], scenario: Scenario) -> tuple[Cell, Cell]:
    """Return label and value of a change, or all of several in one."""
    changes = {
        label_of(path, scenario): as_written(value) for path, value in row["changes"].items()
    }
    if len(changes) == 1:
        ((label, value),) = changes.items()
        return Cell(label), Cell(value)
    said = "; ".join(f"{label} = {value}" for label, value in changes.items())
    return Cell(said or row["name"], kind="prose"), Cell("")


def _at(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a row; a name with a point leads to an end of an interval."""
    whole, _, end = name.partition(".")
    found: float | None = row[whole][int(end)] if end else row[whole]
    return found

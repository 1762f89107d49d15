"""The validation of an installation as a page: every check, what was expected, and its source."""

from collections.abc import Sequence

from trialsim.reporting.tables.page import Cell, Table, TableRow, rendered
from trialsim.reporting.validation.text import HEADINGS, SCOPE, verdict
from trialsim.validation.checks import Check
from trialsim.validation.validate import Validation


def validation_page(found: Validation) -> str:
    """Return the page.

    Raises
    ------
    InputError
        If the extra `report` is not installed.
    """
    tables = [_table(part, found.of(part)) for part in HEADINGS]
    content = {
        "verdict": verdict(found),
        "headings": list(HEADINGS.values()),
        "tables": tables,
        "scope": SCOPE,
    }
    return rendered("validation.html", content)


def _table(part: str, checks: Sequence[Check]) -> Table:
    if part == "reference":
        columns = ["Case", "What", "Expected, nearest to its tolerance", "Found", "", "Source"]
    else:
        columns = ["", "What", "Expected", "Found", ""]
    counted = [check for check in checks if check.outcome != "not checked"]
    met = sum(check.outcome == "pass" for check in counted)
    caption = f"{met} of {len(counted)} passed"
    rows = [_row(check) for check in checks]
    return Table(part, caption, columns, [TableRow(row.cells[: len(columns)]) for row in rows])


def _row(check: Check) -> TableRow:
    cells = [check.name, check.what, check.expected, check.found]
    outcome = Cell(check.outcome, kind="status")
    return TableRow([*map(Cell, cells), outcome, Cell(check.source, kind="prose")])

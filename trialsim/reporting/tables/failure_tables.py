"""The replicates that failed: how many for which reason, and which."""

from collections import Counter
from typing import Final

from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.page import Cell, Table, TableRow, number

MOST_LISTED: Final = 100
"""Failed replicates that are listed one by one."""


def failure_tables(result: PowerResult) -> list[Table]:
    """Return the reasons, then the first replicates that failed; none where none did."""
    if not result.failures:
        return []
    return [_reasons(result), _addresses(result)]


def _reasons(result: PowerResult) -> Table:
    counted = Counter(failure.reason for failure in result.failures)
    rows = [
        TableRow(
            [
                Cell(reason, kind="prose"),
                number(count, 0),
                number(100 * count / result.replicates, 2),
            ]
        )
        for reason, count in counted.most_common()
    ]
    columns = ("Reason", "Trials", "% of all")
    return Table("failure-reasons", "Why trials failed", columns, rows)


def _addresses(result: PowerResult) -> Table:
    listed = result.failures[:MOST_LISTED]
    rows = [
        TableRow([number(one.replicate, 0), Cell(str(result.seed)), Cell(one.reason, kind="prose")])
        for one in listed
    ]
    first = f"the first {len(listed):,}" if len(result.failures) > len(listed) else "all"
    caption = f"Failed trials, {first} of {result.failed:,}"
    return Table("failures", caption, ("Replicate", "Seed", "Reason"), rows)

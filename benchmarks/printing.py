"""A table as text and as JSON, and the machine that it was measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, Table, Target


def machine() -> dict[str, str]:
    """Return what a reader has to know of where and when a run was made."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": load,
        "Python": platform.python_version(),
        **{name: version(name.lower()) for name in ("NumPy", "SciPy", "SimPy")},
    }


def as_text(part: str, table: Table) -> str:
    """Return a table in columns as wide as what stands in them."""
    heads = ("what", "unit", "ours", "theirs", table.figure, "spread", "target", "reached")
    lines = [heads, *(_cells(row) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    sides = "<<>>>><<"
    printed = [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    rule = "-" * max(len(line) for line in printed)
    return "\n".join([f"{part}: {table.title}", printed[0], rule, *printed[1:]])


def as_plain(table: Table) -> dict[str, Any]:
    """Return a table as plain values, for JSON."""
    rows = [
        {
            **row._asdict(),
            "target": row.target and row.target._asdict(),
            "reached": row.reached,
        }
        for row in table.rows
    ]
    return {"title": table.title, "figure": table.figure, "rows": rows}


def number(value: float | None) -> str:
    """Write a number with three figures at least, and thousands set apart.

    >>> number(12345.6), number(0.04567), number(1.5), number(None)
    ('12,346', '0.0457', '1.50', '')
    """
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.{1 if abs(value) >= 10 else 2}f}"


def _cells(row: Row) -> tuple[str, ...]:
    spread = "" if row.spread is None else " to ".join(map(number, row.spread))
    figures = (number(row.ours), number(row.theirs), number(row.figure), spread)
    return (row.what, row.unit, *figures, _wanted(row.target), _verdict(row))


def _wanted(target: Target | None) -> str:
    if target is None:
        return ""
    return f"{target.bound} {number(target.value)} {target.unit}".rstrip()


def _verdict(row: Row) -> str:
    said = {True: "yes", False: "NO", None: ""}[row.reached]
    if row.target is not None and not row.judged:
        said = "not judged: too little work"
    return f"{said}  ({row.note})".strip() if row.note else said


def _processor() -> str:
    """Return the processor's name where Linux tells it, else what Python knows."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

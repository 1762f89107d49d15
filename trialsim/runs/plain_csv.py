"""A table as CSV whose every cell is a value: a spreadsheet runs what looks like a formula."""

from typing import Any, Final

from pandas import DataFrame, Series
from pandas.api.types import is_bool_dtype, is_numeric_dtype

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: DataFrame) -> str:
    r"""Return a table as CSV; an apostrophe stands before a text that would be run as a formula.

    >>> as_csv(DataFrame({"level": ["=1+1", "-2", "mild"], "patients": [-1, 2, 3]}))
    "level,patients\n'=1+1,-1\n-2,2\nmild,3\n"
    """
    safe = {_inert(name): _inert_column(table[name]) for name in table.columns}
    return DataFrame(safe, index=table.index).to_csv(index=False, lineterminator="\n")


def _inert_column(column: "Series[Any]") -> "Series[Any]":
    if is_numeric_dtype(column) or is_bool_dtype(column):
        return column
    return column.map(_inert)


def _inert(cell: Any) -> Any:
    """Return a cell as no program runs it; what is a number is left."""
    if not isinstance(cell, str) or not cell.startswith(_BEGINS_A_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell

"""A column as a data dictionary has it, and the rows that columns make beside their table."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from pandas import DataFrame, Series
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

NAME: Final = "dictionary"
"""The name of the table that describes those beside it."""


class Column(NamedTuple):
    """What a column is."""

    label: str
    unit: str = ""
    codes: str = ""
    """What values mean, where they do not say it themselves."""


def described(table: str, content: DataFrame, column_of: Callable[[str], Column]) -> DataFrame:
    """Return a row for each column of a table: label, type, unit and codes.

    >>> found = described("ages", DataFrame({"age": [61, 70]}), lambda _: Column("Age", "years"))
    >>> found.loc[0].tolist()
    ['ages', 'age', 'Age', 'whole number', 'years', '']
    """
    rows = []
    for name in content.columns:
        column, values = column_of(str(name)), content[name]
        rows.append(
            {
                "table": table,
                "column": name,
                "label": column.label,
                "type": _type_of(values),
                "unit": column.unit,
                "codes": column.codes or _categories(values),
            }
        )
    return DataFrame(rows)


def _type_of(values: "Series[Any]") -> str:
    if is_bool_dtype(values):
        return "true or false"
    if is_integer_dtype(values):
        return "whole number"
    return "number" if is_numeric_dtype(values) else "text"


def _categories(values: "Series[Any]") -> str:
    """Return the categories of a column that has them, unless there are as many as sites."""
    names: Iterable[Any] = getattr(values.dtype, "categories", ())
    return ", ".join(map(str, names))

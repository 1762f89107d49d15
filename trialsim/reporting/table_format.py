"""The formats of tables, which the command line offers and `exports` writes."""

from typing import Literal, TypeAlias

TableFormat: TypeAlias = Literal["csv", "parquet"]

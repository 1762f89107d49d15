"""The formats of tables, which the command line offers and `exports` writes."""

from typing import Final, Literal, TypeAlias

TableFormat: TypeAlias = Literal["csv", "parquet", "cdisc"]
"""`cdisc` stands for SDTM and ADaM datasets in place of the tables."""
USUAL_START = "2026-01-05"
"""The first day of a trial in `cdisc`, unless another is given: a Monday."""
TABLES: Final = (".csv", ".xlsx")
"""Endings of the files that the table of an answer can become."""

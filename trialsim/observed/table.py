"""One table of a data set, its cells as text, and what is found wrong in them."""

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.distributions import READ_AS_MISSING
from trialsim.errors import Problem, nearest
from trialsim.scenario.files.tables import Columns
from trialsim.scenario.patients.columns import Column


class Table:
    """One table, cells as text, and what is found wrong in it."""

    def __init__(
        self, columns: Columns, problems: list[Problem], misspelt: frozenset[str] = frozenset()
    ) -> None:
        """Take the columns, where to note problems, and which columns are noted as misspelt."""
        self._columns, self._problems, self._misspelt = columns, problems, misspelt
        self.file = columns.file

    def __contains__(self, column: str) -> bool:
        return column in self._columns.cells

    def __len__(self) -> int:
        return len(next(iter(self._columns.cells.values()), ()))

    def text(self, column: str) -> list[str]:
        """Return the cells of a column; without it, one problem and cells that are empty."""
        if column in self._misspelt:
            return [""] * len(self)
        if column not in self:
            hint = nearest(column, self._columns.cells)
            rule = f"must have the column {column}{hint}"
            self._problems.append(self._columns.of_header(rule))
            return [""] * len(self)
        return [cell.strip() for cell in self._columns.cells[column]]

    def wrong(self, row: int, column: str, rule: str, value: str | None = None) -> None:
        """Note what is wrong in a row."""
        self._problems.append(self._columns.problem(column, rule, value, row))

    def numbers(self, column: str) -> Floats:
        """Return the numbers of a column, NaN where one is missing."""
        found = np.full(len(self), np.nan)
        kind = Column(None, False)
        for row, cell in enumerate(self.text(column)):
            if cell.lower() in READ_AS_MISSING:
                continue
            if any(kind.wrong([cell])):
                self.wrong(row, column, "must be a number", cell)
            else:
                found[row] = float(cell)
        return found

    def codes(self, column: str, names: list[str], kind: str) -> Integers:
        """Return the places of a column's names among those of the plan; -1 where it has none."""
        found = np.full(len(self), -1)
        for row, cell in enumerate(self.text(column) if column in self else []):
            if cell in names:
                found[row] = names.index(cell)
            else:
                self.wrong(row, column, f"must be {kind}{nearest(cell, names)}", cell)
        return found

"""Former patients: columns of a table whose rows, or whose margins, candidates are drawn from."""

import csv
import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer

from trialsim.arrays import Floats, Words
from trialsim.distributions import READ_AS_MISSING
from trialsim.quantiles import Steps
from trialsim.scenario.validation.refusal import CheckedModel, Violation
from trialsim.streams import WORDS, cells

LEAST_ROWS: Final = 10
MOST_ROWS: Final = 10_000
MOST_CHARACTERS: Final = 1_000_000
"""In all cells that a study takes of a table."""
MOST_TOLD: Final = 10
"""Wrong cells of a column that are reported one by one."""
_FLAGS: Final = {"false": 0.0, "0": 0.0, "true": 1.0, "1": 1.0}
_SMALLEST, _LARGEST = 1e-12, 1e12


def _cells_of(written: Any) -> Any:
    """Return the cells that stand in one record of CSV."""
    if not isinstance(written, str):
        return written
    return tuple(next(csv.reader([written]), ()))


def record_of(texts: Sequence[str]) -> str:
    """Return cells as one record of CSV, which reads back the same.

    >>> print(record_of(["63", "left, mostly"]))
    63,"left, mostly"
    """
    quoted = (
        '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text for text in texts
    )
    return ",".join(quoted)


Cells: TypeAlias = Annotated[
    tuple[str, ...],
    Field(strict=False),
    BeforeValidator(_cells_of, json_schema_input_type=str),
    PlainSerializer(record_of, return_type=str),
]
"""Cells of a table, as one record of CSV."""


class WrongCell(NamedTuple):
    """A cell that is not what its column holds."""

    row: int
    """Counted from 0."""
    rule: str
    value: str | None


class Column(NamedTuple):
    """What the cells of a column are: numbers, flags, or named levels."""

    levels: tuple[str, ...] | None
    flag: bool

    def wrong(self, texts: Sequence[str]) -> Iterator[WrongCell]:
        """Yield the cells that have no value, or not one of the column's kind."""
        for row, text in enumerate(texts):
            if text.strip().lower() in READ_AS_MISSING:
                yield WrongCell(row, "must not be missing", text or None)
            elif self._code(text) is None:
                yield WrongCell(row, f"must be {self._kind}", text)

    def numbers(self, texts: Sequence[str]) -> Floats:
        """Return right cells as numbers; a level as its place, a flag as 0 or 1."""
        return np.array([self._code(text) for text in texts], np.float64)

    @property
    def _kind(self) -> str:
        if self.levels is not None:
            return f"one of the levels {', '.join(self.levels)}"
        return "true or false" if self.flag else "a number"

    def _code(self, text: str) -> float | None:
        if self.levels is not None:
            return float(self.levels.index(text)) if text in self.levels else None
        if self.flag:
            return _FLAGS.get(text.strip().lower())
        try:
            number = float(text)
        except ValueError:
            return None
        sound = math.isfinite(number) and (not number or _SMALLEST <= abs(number) <= _LARGEST)
        return number if sound and "_" not in text else None


def _levels_differ(levels: tuple[str, ...] | None, flag: bool) -> Iterator[Violation]:
    if levels is not None and len(set(levels)) < len(levels):
        yield Violation("levels", "must differ from one another", list(levels))
    if levels is not None and flag:
        yield Violation("flag", "must be false where levels are given", flag)


def _cells_fit(
    values: tuple[str, ...] | None, levels: tuple[str, ...] | None, flag: bool
) -> Iterator[Violation]:
    if values is None:
        rule = "must be given: those of the file of population.table, or cells as one text"
        yield Violation("values", rule)
        return
    if not LEAST_ROWS <= len(values) <= MOST_ROWS:
        rule = f"must be {LEAST_ROWS} to {MOST_ROWS:,} rows"
        yield Violation("values", rule, len(values))
    wrong = list(Column(levels, flag).wrong(values))
    for cell in wrong[:MOST_TOLD]:
        yield Violation("values", f"row {cell.row + 1}: {cell.rule}", cell.value)
    if not wrong and len(set(values)) == 1:
        rule = "must differ between rows; one value for everybody is a margin {distribution: "
        yield Violation("values", f"{rule}constant}}", values[0])


class FromTable(CheckedModel):
    """What the rows of a table have, in `population.table`: in their order, with their ties.

    A row is drawn for each candidate, or the margin alone, as the table says.
    """

    rules = (_levels_differ, _cells_fit)
    omitted_defaults = ("column", "levels", "flag")

    distribution: Literal["table"]
    column: str | None = None
    """The name of the column in the table's file; null for that of the covariate."""
    levels: Annotated[tuple[str, ...], Field(strict=False, min_length=2)] | None = None
    """The names that stand in a column of names, in the order of their codes, such as [female,
    male]; null for a column of numbers or flags."""
    flag: bool = False
    """Whether the column holds true and false (or 1 and 0), usually false."""
    values: Cells | None = None
    """The cells in the order of the rows, as one record of CSV; filled in from the file as the
    study is loaded, and to be left out."""

    @cached_property
    def numbers(self) -> Floats:
        """The value of each row; a level as its place, a flag as 0 or 1."""
        return Column(self.levels, self.flag).numbers(self.values or ())

    @cached_property
    def quantiles(self) -> Steps:
        """What draws the margin: the values in rising order, each as often as in the rows."""
        values, counts = np.unique(self.numbers, return_counts=True)
        return Steps(values, np.cumsum(counts)[:-1] / len(self.numbers))

    def words_of_rows(self, words: Words) -> Words:
        """Return the words that stand for the values of the rows at words.

        Within a value they lie anywhere, so they are as even as the words of the rows.
        """
        row, rest = cells(words, len(self.numbers))
        ends = np.array([0, *self.quantiles.ends.tolist(), WORDS], np.uint64)
        place = np.searchsorted(np.unique(self.numbers), self.numbers)
        first, width = ends[place], np.diff(ends)[place]
        within = (width[row] * rest.astype(np.uint64)) >> np.uint64(32)
        return (first[row] + within).astype(np.uint32)

    def in_words(self, unit: str) -> str:
        """Return the margin as a phrase.

        >>> flags = FromTable(distribution="table", flag=True, values="1,0,0,0,1,0,0,0,0,0")
        >>> flags.in_words("")
        'table: 10 rows: true 20.0%'
        """
        head = f"table{f' ({unit})' if unit else ''}: {len(self.numbers)} rows"
        if self.levels is None and not self.flag:
            low, middle, high = np.quantile(self.numbers, (0.0, 0.5, 1.0)).tolist()
            mean, sd = self.numbers.mean(), self.numbers.std()
            return f"{head}: mean {mean:.4g}, sd {sd:.4g}, median {middle:g}, {low:g} to {high:g}"
        names = dict(enumerate(self.levels or ())) or {1: "true"}
        shares = [f"{name} {(self.numbers == code).mean():.1%}" for code, name in names.items()]
        return f"{head}: {', '.join(shares)}"


def is_read(file: str | None) -> Iterator[Violation]:
    """Yield the refusal of a table that was not read with the file of its study."""
    if file is not None:
        rule = (
            "must stand in the study's file, with which it is read (extend the study for another "
            "table)"
        )
        yield Violation("file", rule, file)


class Table(CheckedModel):
    """A table of former patients: a row for each, and columns that covariates name."""

    rules = (is_read,)
    omitted_defaults = ("file",)

    file: str | None = None
    """The path of the table, relative to the study file, ending in .csv or .parquet; it is read
    as the study is loaded, which then holds the values."""
    draw: Literal["rows", "fitted"]
    """Whether candidates are rows drawn again with replacement, with all that belongs together in
    them, or each column by its own margin, joined by a Gaussian copula of the rows' ranks."""


def rank_correlations(columns: Sequence[Floats]) -> Floats:
    """Return the correlations of normal scores that give rows their rank correlations.

    2 sin(pi rho / 6) of Spearman's rho (Kruskal 1958, JASA 53:814, equation 6.1), to six digits;
    where these do not make a positive definite matrix, the nearest by its eigenvalues.

    >>> up, down = np.arange(10.0), np.arange(10.0)[::-1]
    >>> rank_correlations([up, down]).round(3).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    from scipy.stats import rankdata

    ranks = np.array([rankdata(column) for column in columns])
    matrix: Floats = np.round(2 * np.sin(np.pi / 6 * np.corrcoef(ranks)), 6)
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < _LEAST_EIGENVALUE:
        matrix = (vectors * values.clip(2 * _LEAST_EIGENVALUE)) @ vectors.T
        sd = np.sqrt(np.diag(matrix))
        matrix = np.round(matrix / np.outer(sd, sd), 6)
    return matrix


_LEAST_EIGENVALUE: Final = 1e-4
"""Below, rows determine one column by others."""

"""Tables of former patients: read as a study is loaded, which then holds what it takes of them.

A table is read from the path that the study gives, relative to the folder of the file in which the
path stands, and from nowhere else. One that cannot be read is refused at that path; what is wrong
in its cells is returned.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.patients.columns import (
    LEAST_ROWS,
    MOST_CHARACTERS,
    MOST_ROWS,
    MOST_TOLD,
    Column,
    record_of,
)
from trialsim.scenario.validation.paths import below

_SUFFIXES: Final = (".csv", ".parquet")
_MOST_BYTES: Final = 20_000_000
_ROUNDED: Final = 1e-6
"""Within which proportions add to 1 as they are printed."""
COURSE_FILE: Final = re.compile(r"outcomes\.\w+\.course(?:_by_arm\.\w+)?\.file")
"""Where a course names its table."""
TABULATED: Final = "tabulated"
"""The model of such a course."""
FILE: Final = "population.table.file"
"""Where a study names its table."""
LISTS: Final = "design.randomisation.file"
"""Where a study names its lists of allocation."""


class Columns(NamedTuple):
    """The cells of a table by column, and where each row stands."""

    file: str
    cells: Mapping[str, list[str]]
    lines: list[int] | None
    """The line of each row, from 1; None of a file that has no lines."""

    def of_header(self, rule: str, value: str | None = None) -> Problem:
        """Return what is wrong with the names of the columns."""
        return Problem("", rule, value, self.file, None if self.lines is None else 1)

    def problem(self, path: str, rule: str, value: str | None, row: int) -> Problem:
        """Return what is wrong with a cell."""
        if self.lines is None:
            return Problem(path, f"row {row + 1}: {rule}", value, self.file)
        return Problem(path, rule, value, self.file, self.lines[row])


def filled(
    content: Mapping[str, Any], folder: Path, above: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Return content in which covariates have the values of the table that their study names.

    Problems of the table have its file and line; those of the study have none.

    Parameters
    ----------
    above
        The path of the study in the content, such as that of a trial of a programme.
    """
    study = _inside(content, above)
    population = study["population"]
    read = _read_at(below(above, FILE), folder / population["table"]["file"], LEAST_ROWS)
    problems: list[Problem] = []
    covariates = dict(population.get("covariates") or {})
    for name, covariate in covariates.items():
        margin = covariate.get("margin") if isinstance(covariate, Mapping) else None
        if not isinstance(margin, Mapping) or margin.get("distribution") != "table":
            continue
        path = below(above, f"population.covariates.{name}.margin")
        wrong = list(_wrong(read, path, name, margin))
        problems += wrong
        if not wrong:
            values = record_of(read.cells[margin.get("column") or name])
            covariates[name] = {**covariate, "margin": {**margin, "values": values}}
    table = {key: part for key, part in population["table"].items() if key != "file"}
    population = {**population, "table": table, "covariates": covariates}
    return _put(content, above, {**study, "population": population}), problems


def tabulated(
    content: Mapping[str, Any], folder: Path, path: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Return content whose course at a path has the days and shares of the table that it names.

    The table has columns arm and day, and one for each grade: proportions, or counts.
    """
    course = _inside(content, path)
    arm = course.get("arm")
    problems: list[Problem] = []
    read = _read_at(f"{path}.file", folder / course["file"])
    lacking = [name for name in ("arm", "day") if name not in read.cells]
    rule = f"must have the columns arm and day, and one for each grade: {', '.join(lacking)} "
    if lacking:
        raise InputError([Problem(f"{path}.file", f"{rule}is missing", None, read.file, 1)])
    arms = list(dict.fromkeys(read.cells["arm"]))
    if arm not in arms:
        rule = f"must be an arm of {read.file}{nearest(str(arm), arms)}; there are "
        problems.append(Problem(f"{path}.arm", f"{rule}{', '.join(arms[:20])}", str(arm)))
    days: list[float] = []
    shares: list[list[float]] = []
    for row, name in enumerate(read.cells["arm"]):
        if name == arm:
            found = _day_and_shares(read, row, path, problems)
            if found is not None:
                days.append(found[0])
                shares.append(found[1])
    rest = {key: part for key, part in course.items() if key not in ("file", "arm")}
    return _put(content, path, {**rest, "days": days, "shares": shares}), problems


def listed(content: Mapping[str, Any], folder: Path, path: str) -> dict[str, Any]:
    """Return content whose procedure at a path has the lists of the table that it names."""
    procedure = _inside(content, path)
    read = _read_at(f"{path}.file", folder / procedure["file"])
    columns = {name: record_of(cells) for name, cells in read.cells.items()}
    rest = {key: part for key, part in procedure.items() if key != "file"}
    return _put(content, path, {**rest, "columns": columns})


def _day_and_shares(
    read: Columns, row: int, path: str, problems: list[Problem]
) -> tuple[float, list[float]] | None:
    """Return the day of a row and its proportions of grades, or note what is wrong with them."""
    kind, cells = Column(None, False), {name: cells[row] for name, cells in read.cells.items()}
    del cells["arm"]
    wrong = list(kind.wrong(list(cells.values())))
    if wrong:
        names = list(cells)
        problems += [
            read.problem(path, f"column {names[one.row]} {one.rule}", one.value, row)
            for one in wrong
        ]
        return None
    numbers = dict(zip(cells, kind.numbers(list(cells.values())).tolist(), strict=True))
    day = numbers.pop("day")
    total = sum(numbers.values())
    counts = total > 1 and all(number % 1 == 0 for number in numbers.values())
    if min(numbers.values(), default=-1) < 0 or (not counts and abs(total - 1) > _ROUNDED):
        rule = "must have proportions that add to 1, or counts, in its grades"
        problems.append(read.problem(path, rule, f"{total:g}", row))
        return None
    return day, [number / total for number in numbers.values()]


def _read_at(path: str, file: Path, least: int = 1) -> Columns:
    """Return the columns of the table that a study names at a path, where it is refused."""
    try:
        return read_table(file, least)
    except InputError as error:
        raise InputError([replace(one, path=path) for one in error.problems]) from None


def read_table(path: Path, least: int = LEAST_ROWS, most: int = MOST_ROWS) -> Columns:
    """Return the columns of a CSV or Parquet file that has so many rows.

    Raises
    ------
    InputError
        If it is no such file, is too large, or has a wrong header or row.
    """
    file = str(path)
    real = path.resolve()
    if path.suffix not in _SUFFIXES or real.suffix not in _SUFFIXES:
        raise InputError([Problem("", "must be a file that ends in .csv or .parquet", file)])
    if not real.is_file():
        raise InputError([Problem("", "must be a file that exists", file)])
    try:
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError([Problem("", f"cannot be read: {error.strerror}", file)]) from None
    if len(content) > _MOST_BYTES:
        raise InputError([Problem("", f"must be a file of at most {_MOST_BYTES:,} bytes", file)])
    found = _of_csv(content, file) if real.suffix == ".csv" else _of_parquet(content, file, most)
    rows = len(next(iter(found.cells.values()), ()))
    if not least <= rows <= most:
        rule = f"must have {least} to {most:,} rows"
        raise InputError([Problem("", rule, str(rows), file, 1)])
    return found


def _of_csv(content: bytes, file: str) -> Columns:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError([Problem("", "must be UTF-8 text; it is UTF-16", None, file, 1)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        value = f"byte 0x{content[error.start]:02x}"
        raise InputError([Problem("", "must be UTF-8 text", value, file, line)]) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        rule = f"must be CSV: {error}"
        raise InputError([Problem("", rule, None, file, reader.line_num)]) from None
    if len(header) == 1 and ";" in header[0]:
        rule = "separated by semicolons; commas are expected"
        raise InputError([Problem("", rule, None, file, 1)])
    problems = [
        Problem("", "must name each column once", name, file, 1)
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    problems += [
        Problem("", f"must have {len(header)} cells, as the header has", str(len(row)), file, line)
        for row, line in zip(rows, lines, strict=True)
        if len(row) != len(header)
    ][:MOST_TOLD]
    if problems:
        raise InputError(problems)
    cells = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    return Columns(file, cells, lines)


def _of_parquet(content: bytes, file: str, most: int) -> Columns:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        about = parquet.ParquetFile(pa.BufferReader(content))
        if about.metadata.num_rows > most:  # not unpacked then
            rule = f"must have at most {most:,} rows"
            raise InputError([Problem("", rule, str(about.metadata.num_rows), file)])
        read = about.read().to_pydict()
    except pa.ArrowException as error:
        told = str(error).splitlines()[0]
        raise InputError([Problem("", f"must be Parquet: {told}", None, file)]) from None
    return Columns(file, {name: [*map(_text, column)] for name, column in read.items()}, None)


def _text(value: Any) -> str:
    """Return a value of a Parquet file as CSV would have it.

    >>> _text(63.0), _text(True), _text(None), _text("left")
    ('63', 'true', '', 'left')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _wrong(read: Columns, path: str, name: str, margin: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the column of a covariate."""
    column, levels = margin.get("column") or name, margin.get("levels")
    if column not in read.cells:
        known = list(read.cells)
        hint = nearest(str(column), known) or f"; there are {', '.join(known[:20])}"
        yield Problem(path, f"must be a column of {read.file}{hint}", str(column))
        return
    cells = read.cells[column]
    if sum(map(len, cells)) > MOST_CHARACTERS or any("\n" in cell for cell in cells):
        rule = f"must have cells of one line, and at most {MOST_CHARACTERS:,} characters in all"
        yield Problem(path, rule, column)
        return
    names: tuple[str, ...] | None = None
    if isinstance(levels, list) and all(isinstance(one, str) for one in levels):
        names = tuple(levels)
    elif levels is not None:
        return  # refused with the rest of the study
    kind = Column(names, margin.get("flag") is True)
    wrong = list(kind.wrong(cells))
    for cell in wrong[:MOST_TOLD]:
        yield read.problem(path, f"column {column} {cell.rule}", cell.value, cell.row)
    if len(wrong) > MOST_TOLD:
        rule = f"column {column} has {len(wrong) - MOST_TOLD:,} more wrong cells"
        yield read.problem(path, rule, None, wrong[MOST_TOLD].row)


def _inside(content: Any, path: str) -> Mapping[str, Any]:
    for name in path.split(".") if path else ():
        content = content.get(name) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}


def _put(content: Mapping[str, Any], path: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with another mapping at a path."""
    if not path:
        return dict(whole)
    first, _, rest = path.partition(".")
    return {**content, first: _put(content[first], rest, whole)}

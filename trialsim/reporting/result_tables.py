"""The table of a result as files: CSV with its dictionary beside it, or a workbook with both."""

import math
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trialsim.dictionary.answers import dictionary_of_answer
from trialsim.dictionary.trials import dictionary
from trialsim.errors import InputError, Problem
from trialsim.legible import legible
from trialsim.replicates.versions import versions_here
from trialsim.reporting.named_file import check_named, write_named
from trialsim.reporting.office_file import without_clock
from trialsim.reporting.table_format import TABLES
from trialsim.runs.plain_csv import as_csv
from trialsim.simulated import SimulatedTrial

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet
    from pandas import DataFrame

_KIND: Final[Mapping[str, str]] = {
    "Analysis": "effects",
    "Assurance": "assurance",
    "Board": "board",
    "BoundsResult": "boundaries",
    "CalibrationResult": "calibration",
    "Comparison": "comparison",
    "CountPower": "power",
    "Disagreement": "disagreement",
    "Estimands": "missingness",
    "FamilyWiseErrors": "level",
    "Missingness": "missingness",
    "Nuisance": "level",
    "PowerCurve": "curve",
    "PowerResult": "power",
    "Reproduction": "reproduction",
    "SampleSize": "size",
    "TippingPoint": "tipping",
    "TypeOneError": "level",
    "WhatIf": "what_if",
}
"""Under which kind the dictionary has the columns of a class of results."""
_TIMES: Final = ["seconds"]
"""Of the machine, not of the result."""
_EXACT: Final = 2**53
"""Below it a cell holds a whole number exactly."""
_MOST_LETTERS: Final = 60
_SHEET_LETTERS: Final = 31


def check_table(path: str | Path, option: str, overwrite: bool) -> None:
    """Refuse a file that a table cannot become, before what it holds is computed.

    Raises
    ------
    InputError
        If its name ends otherwise than in .csv or .xlsx, what stands there must not be replaced, or
        for .xlsx the extra `office` is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in TABLES:
        raise InputError([Problem(option, f"must end in {' or '.join(TABLES)}", str(path))])
    check_named(path, option, overwrite)
    if path.suffix.lower() == ".csv":
        check_named(beside(path), option, overwrite)
    else:
        _openpyxl()


def beside(table: Path) -> Path:
    """Return where the dictionary of a table stands: curve.dictionary.csv beside curve.csv."""
    return table.with_name(f"{table.stem}.dictionary{table.suffix}")


def write_result_table(
    result: Any, path: str | Path, option: str, overwrite: bool, command: str = ""
) -> None:
    """Write the table of a result; a workbook also says where it comes from.

    Raises
    ------
    InputError
        Where `check_table` refuses the file.
    RunError
        If it cannot be written.
    """
    table = result.to_frame().drop(columns=_TIMES, errors="ignore")
    path = Path(path)
    if isinstance(result, SimulatedTrial):
        told = dictionary(result.scenario, {"subjects": table})
    else:
        told = dictionary_of_answer(_KIND[type(result).__name__], table, path.stem)
    write_table(table, told, path, option, overwrite, _about(result, command))


def write_table(
    table: "DataFrame",
    told: "DataFrame",
    path: Path,
    option: str,
    overwrite: bool,
    about: Mapping[str, Any],
) -> None:
    """Write a table with its dictionary, in two files or in one workbook.

    Raises
    ------
    InputError
        Where `check_table` refuses the file.
    RunError
        If it cannot be written.
    """
    check_table(path, option, overwrite)
    if path.suffix.lower() == ".csv":
        write_named(path, as_csv(table).encode(), option, overwrite)
        write_named(beside(path), as_csv(told).encode(), option, overwrite)
        return
    write_named(path, _workbook(table, told, about, path.stem), option, overwrite)


def _about(result: Any, command: str) -> dict[str, Any]:
    """Return where a result comes from: what its JSON has in one value, conventions, versions."""
    content = result.to_dict() if hasattr(result, "to_dict") else {}
    study = getattr(result, "scenario", None)
    if study is not None and not isinstance(study, str):
        content = {"scenario": study.name, "digest": study.digest, "seed": result.seed, **content}
    single = {
        name: value
        for name, value in content.items()
        if isinstance(value, str | int | float) and name not in _TIMES
    }
    conventions = getattr(result, "conventions", {})
    told = {f"convention: {name}": sentence for name, sentence in conventions.items()}
    versions = {f"version: {name}": one for name, one in versions_here().items()}
    given = {"command": command} if command else {}
    return {"result": type(result).__name__, **single, **told, **given, **versions}


def _workbook(table: "DataFrame", told: "DataFrame", about: Mapping[str, Any], name: str) -> bytes:
    """Return a workbook of three sheets: the table, its dictionary, and where it comes from."""
    book = _openpyxl().Workbook()
    first = book.active
    first.title = "".join("_" if one in "[]:*?/\\'" else one for one in name)[:_SHEET_LETTERS]
    _fill(first, table.columns, table.itertuples(index=False))
    _fill(book.create_sheet("Dictionary"), told.columns, told.itertuples(index=False))
    _fill(book.create_sheet("About"), ("item", "value"), about.items())
    file = BytesIO()
    book.save(file)
    return without_clock(file.getvalue())


def _fill(sheet: "Worksheet", columns: Any, rows: Any) -> None:
    """Fill a sheet: its first row names the columns, stays in view, and filters them."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    widths = [len(str(name)) for name in columns]
    for number, row in enumerate((columns, *rows), start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(number, place)
            cell.value = shown = _plain(value)
            if isinstance(shown, str):
                cell.data_type = "s"  # a text that begins with = is no formula
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            widths[place - 1] = max(widths[place - 1], len(str(shown or "")))
    for place, width in enumerate(widths, start=1):
        sheet.cell(1, place).font = Font(bold=True)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = min(width, _MOST_LETTERS) + 3
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def _plain(value: Any) -> Any:
    """Return what a cell holds: a number, a text, or nothing where nothing is known.

    >>> import numpy as np
    >>> _plain(np.float64(0.5)), _plain(float("nan")), _plain(np.bool_(True)), _plain(("a", "b"))
    (0.5, None, True, 'a; b')
    >>> _plain(208), _plain(7526309030622197428)
    (208, '7526309030622197428')
    """
    value = value.item() if hasattr(value, "item") else value
    if value is None or (isinstance(value, bool | int) and abs(value) < _EXACT):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return legible(str(value))


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        needed = "Excel needs the extra office: pip install 'trialsim[office]'"
        raise InputError([Problem("", needed)]) from None
    return openpyxl

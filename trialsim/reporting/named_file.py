"""A file that a person names is written where nothing of theirs is lost by it.

A new name is taken, an empty file and a page or figure that trialsim made is replaced. A link, a
device, a pipe and any other file are refused; another file is replaced if that is said. A page, a
drawing and a picture say at their beginning what made them. A table cannot say it: it is replaced
only if that is said.
"""

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Final

from trialsim.errors import InputError, Problem, RunError
from trialsim.runs.atomic_file import write_whole

MAKER: Final = f"trialsim {version('trialsim')}"
"""What made a file, as the file says it."""
_MARKS: Final = (
    rb'<!DOCTYPE html>\n<html lang="en">\n<head>\n(?:<meta [^<>]*>\n)*'
    rb'<meta name="generator" content="trialsim [^<>"]*">\n',
    rb'(?:<\?xml version="1\.0" encoding="utf-8"\?>\n)?<!-- trialsim [^<>]* -->\n<svg ',
    rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR.{17}(?:\0\0\0\tpHYs.{13})?\0\0\0.tEXtSoftware\0trialsim ",
)
"""How HTML, SVG and PNG of trialsim begin."""
_MADE: Final = re.compile(b"|".join(_MARKS), re.DOTALL)
_BEGINNING: Final = 4096
"""Bytes of a file among which its mark stands."""


def check_named(path: str | Path, option: str, overwrite: bool = False) -> None:
    """Refuse a place where a file must not or cannot be written, before anything is made.

    Raises
    ------
    InputError
        If it is no file's, or another file's and may not be overwritten.
    """
    rule = _refused(Path(path), overwrite)
    if rule is not None:
        raise InputError([Problem(option, rule, str(path))])


def write_named(
    path: str | Path, content: bytes, option: str = "out", overwrite: bool = False
) -> None:
    """Write a file whole or not at all, where `check_named` refuses nothing.

    Raises
    ------
    InputError
        As `check_named` does.
    RunError
        If it cannot be written.
    """
    path = Path(path)
    rule = _refused(path, overwrite)
    if rule is not None:
        raise InputError([Problem(option, rule, str(path))])
    try:
        write_whole(path, content)
    except OSError as error:
        raise RunError(f"cannot write to {path}: {error.strerror or error}") from None


def _refused(path: Path, overwrite: bool) -> str | None:
    """Return the rule that forbids writing a file there."""
    try:
        if path.is_symlink():
            return "must not be a link: name the file that it leads to"
        if path.is_dir():
            return "must be a file, not a folder"
        if not path.exists():
            return _no_room(path.parent)
        if not path.is_file():
            return "must be a file, not a device or a pipe (- writes to standard output)"
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if overwrite or not beginning or _MADE.match(beginning):
        return _no_room(path.parent)
    unmarked = {".csv": "table", ".pdf": "PDF", ".docx": "Word file", ".xlsx": "workbook"}.get(
        path.suffix.lower()
    )
    if unmarked is not None:
        return f"must not be a {unmarked} that exists: --overwrite replaces it"
    return "must not be a file that trialsim has not made; --overwrite replaces it"


def _no_room(folder: Path) -> str | None:
    if not folder.is_dir():
        return "must be in a folder that exists"
    return None if os.access(folder, os.W_OK | os.X_OK) else "must be in a folder open to writing"

"""A study file out of a browser: read as every other, but it reaches nothing on this machine.

It may extend a study that comes with the package. It may name no file and no code.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Final

from trialsim.app.limits import MOST_BYTES
from trialsim.errors import InputError, Problem, nearest
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.schema import EXTENDS
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import draft_of
from trialsim.scenario.files.yaml_text import parts_in
from trialsim.scenario.programme import Study
from trialsim.scenario.validation.paths import below
from trialsim.scenario.validation.problems import as_written

_DOCUMENTS: Final = ("sources", "references")
"""Sections whose keys are names of the user's own."""
_UPLOADS: Final = "fileupload-"
"""How the folders begin in which Shiny keeps what each visitor uploads."""
_ALTERNATIVES: Final = ("method", "model")


def uploaded_study(name: str, content: bytes) -> Study:
    """Return the study in a file of some name.

    Raises
    ------
    InputError
        With every problem of the file and its line, or with what it may not name here.
    """
    with TemporaryDirectory(prefix="trialsim-app-") as folder:
        file = Path(folder) / _plain(name)
        if len(content) > MOST_BYTES:
            rule = f"must be a file of at most {MOST_BYTES:,} bytes"
            raise InputError([Problem("", rule, f"{len(content):,}", file.name)])
        file.write_bytes(content)
        try:
            draft = draft_of(file)
            refused = list(_reaching_out(draft.content))
            if refused:
                raise InputError(draft.sorted(refused))
            return load_study(file)
        except InputError as error:
            raise InputError(map(_without_folder, error.problems)) from None


def uploaded_file(path: str) -> Path:
    """Return where a file lies that was uploaded: a visitor's browser could name any other.

    Raises
    ------
    InputError
        If it is none.
    """
    file = Path(path).resolve()
    above = file.parent.parent
    if above.parent != Path(gettempdir()).resolve() or not above.name.startswith(_UPLOADS):
        raise InputError([Problem("file", "must be one that was uploaded")])
    return file


def _plain(name: str) -> str:
    """Return the last part of a name, as a file may be called anywhere.

    >>> _plain("../../etc/my study.yml"), _plain("..")
    ('my_study.yml', 'study.yaml')
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", last)[-80:]
    return plain if re.search(r"[A-Za-z0-9]", plain) else "study.yaml"


def _reaching_out(content: Any, above: str = "") -> Iterator[Problem]:
    """Yield each part of plain content that names a file or code."""
    for key, part in parts_in(content):
        path = below(above, key)
        if key == EXTENDS:
            if not (isinstance(part, str) and part in builtin_studies()):
                hint = nearest(str(part), builtin_studies()) if isinstance(part, str) else ""
                rule = f"must be a built-in study here: no other file can be reached{hint}"
                yield Problem(path, rule, as_written(part))
        elif key == "file":
            rule = "must be left out here: no other file can be reached; run the command line"
            yield Problem(path, rule, as_written(part))
        elif key in _ALTERNATIVES and part == "own":
            yield Problem(path, "must not be own here: no code is run for a file", "own")
        elif above or key not in _DOCUMENTS:
            yield from _reaching_out(part, path)


def _without_folder(problem: Problem) -> Problem:
    file = problem.file
    return problem if file is None else replace(problem, file=Path(file).name)

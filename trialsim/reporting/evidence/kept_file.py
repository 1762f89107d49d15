"""What a report computes beside its run, kept in a folder of its own with what it depends on.

The run itself is only read.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, Problem
from trialsim.replicates.versions import versions_here
from trialsim.runs.atomic_file import write_whole
from trialsim.runs.manifest_file import writing_to
from trialsim.runs.plain_json import as_json
from trialsim.runs.sealed import refuse_links, sealed, unsealed

_INPUTS: Final = "inputs"
_VERSIONS: Final = "versions"


def open_keep(folder: Path, run: Path) -> None:
    """Make a folder in which a report may keep what it computes.

    Raises
    ------
    InputError
        If it lies in the run, is a file, or holds a link.
    RunError
        If it cannot be made.
    """
    if folder.resolve().is_relative_to(run.resolve()):
        rule = "must lie outside the run, in which a report changes nothing"
        raise InputError([Problem("--keep", rule, str(folder))])
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem("--keep", "must be a folder, not a file", str(folder))])
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        refuse_links(folder)


def kept(
    file: Path | None, inputs: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return an answer from a file, if it is to the same question and of the same software.

    Otherwise it is computed, and kept in the file if there is one.

    Raises
    ------
    RunError
        If it cannot be kept, or what computes it fails.
    """
    held = None if file is None else _read(file, inputs)
    if held is not None:
        return held
    told = compute()
    if file is not None:
        with writing_to(file.parent):
            write_whole(file, sealed({**told, _INPUTS: inputs, _VERSIONS: versions_here()}))
    return _as_read(told)


def _read(file: Path, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        told = unsealed(file)
        same = told.pop(_INPUTS) == _as_read(inputs) and told.pop(_VERSIONS) == versions_here()
    except (OSError, ValueError, KeyError):
        return None
    return told if same else None


def _as_read(content: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(as_json(content))
    return read

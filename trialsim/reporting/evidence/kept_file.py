"""What a report computed, kept in the folder of its run with what it depends on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trialsim.errors import RunError
from trialsim.replicates.versions import versions_here
from trialsim.runs.atomic_file import write_whole
from trialsim.runs.plain_json import as_json

_ASKED: Final = "asked"
_VERSIONS: Final = "versions"


def read_kept(file: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a file holds if it answers what is asked, with the same software; else None."""
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        same = told.pop(_ASKED) == _as_read(asked) and told.pop(_VERSIONS) == versions_here()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return told if same else None


def write_kept(file: Path, asked: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep an answer beside what was asked, and return it as it will be read.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    content = as_json({**told, _ASKED: asked, _VERSIONS: versions_here()})
    try:
        write_whole(file, f"{content}\n".encode())
    except OSError as error:
        raise RunError(f"cannot write {file}: {error.strerror or error}") from None
    return _as_read(told)


def _as_read(content: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(as_json(content))
    return read

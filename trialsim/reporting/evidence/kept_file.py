"""What a report computed, kept in the folder of its run with what it depends on."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from trialsim.replicates.versions import versions_here
from trialsim.runs.atomic_file import write_whole
from trialsim.runs.plain_json import as_json
from trialsim.runs.sealed import sealed, unsealed

_ASKED: Final = "asked"
_VERSIONS: Final = "versions"


def read_kept(file: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the content of a file if it answers the same question with the same software."""
    try:
        told = unsealed(file)
        same = told.pop(_ASKED) == _as_read(asked) and told.pop(_VERSIONS) == versions_here()
    except (OSError, ValueError, KeyError):
        return None
    return told if same else None


def write_kept(file: Path, asked: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep an answer beside what was asked, if it can be written; return it as it will be read."""
    with suppress(OSError):  # as in a run that is read-only: the next report computes it again
        write_whole(file, sealed({**told, _ASKED: asked, _VERSIONS: versions_here()}))
    return _as_read(told)


def _as_read(content: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(as_json(content))
    return read

"""Solved numbers written into a scenario file, every other character of which stays as it is."""

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, NamedTuple

from trialsim.errors import InputError, Problem
from trialsim.scenario.files.yaml_file import Draft, draft_of
from trialsim.scenario.files.yaml_text import parsed_value
from trialsim.scenario.plan.findings import Calibration
from trialsim.scenario.validation.paths import below

_NUMBER: Final = re.compile(
    r"""["']?(?P<key>[^\s:"']+)["']?\s*:\s*(?P<value>[-+]?[.\d][-+.\deE]*)"""
)
_RECORD: Final = re.compile(r"""["']?(?P<key>[^\s:"']+)["']?\s*:\s*(?P<value>\{[^{}]*\})""")
_PART: Final = "calibrated"
_AFTER: Final = ("references", "sources")
"""The parts of a scenario before which a new one is written."""


class _Edit(NamedTuple):
    """What stands between two characters of a text, and what shall stand there."""

    start: int
    end: int
    new: str


def with_calibrated(
    path: Path, numbers: Mapping[str, float], calibrated: Mapping[str, Calibration]
) -> str:
    """Return the text of a scenario file with numbers, and what each was solved for.

    Raises
    ------
    InputError
        If a number does not stand in the file itself, or in a form that cannot be edited.
    """
    draft, text = draft_of(path), path.read_text(encoding="utf-8")
    edits, new = [], []
    for name, value in numbers.items():
        edits.append(_edit(draft, text, name, _NUMBER, repr(value)))
        record = _flow(calibrated[name])
        if below(_PART, name) in draft.places:
            edits.append(_edit(draft, text, below(_PART, name), _RECORD, record))
        else:
            new.append(f"  {name}: {record}\n")
    edits += [_added(draft, text, "".join(new))] if new else []
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    if parsed_value(text) != _expected(draft.content, numbers, calibrated):
        raise InputError([draft.placed(Problem(_PART, "must be edited by hand"))])
    return text


def _edit(draft: Draft, text: str, path: str, form: re.Pattern[str], new: str) -> _Edit:
    """Return the edit of the value at a path."""
    if path not in draft.places:
        rule = "must stand in the file itself, not in one that it extends, to be written"
        raise InputError([draft.placed(Problem(path, rule))])
    found = form.match(text, _offset(draft, text, path))
    if found is None:
        raise InputError([draft.placed(Problem(path, "must be edited by hand"))])
    return _Edit(*found.span("value"), new)


def _added(draft: Draft, text: str, lines: str) -> _Edit:
    """Return the edit that adds records, in their part of the file or in a new one."""
    if _PART in draft.places:
        start = text.find("\n", _offset(draft, text, _PART)) + 1
        return _Edit(start, start, lines)
    whole = f"{_PART}:\n{lines}\n"
    starts = [_offset(draft, text, part) for part in _AFTER if part in draft.places]
    if not starts:
        start = len(text)
        return _Edit(start, start, f"{'' if text.endswith(chr(10)) else chr(10)}\n{whole[:-1]}")
    return _Edit(min(starts), min(starts), whole)


def _offset(draft: Draft, text: str, path: str) -> int:
    """Return at which character a path stands."""
    place = draft.places[path]
    return sum(map(len, text.splitlines(keepends=True)[: place.line - 1])) + place.column - 1


def _flow(calibration: Calibration) -> str:
    said = ", ".join(f"{name}: {value}" for name, value in _plain(calibration).items())
    return f"{{{said}}}"


def _plain(calibration: Calibration) -> dict[str, Any]:
    return {name: value for name, value in calibration.model_dump().items() if value is not None}


def _expected(
    content: Mapping[str, Any],
    numbers: Mapping[str, float],
    calibrated: Mapping[str, Calibration],
) -> dict[str, Any]:
    """Return the content that the file is to have."""
    after = deepcopy(dict(content))
    for path, value in numbers.items():
        *above, last = path.split(".")
        part = after
        for name in above:
            part = part[name]
        part[last] = value
    records = {name: _plain(calibrated[name]) for name in numbers}
    after[_PART] = {**(after.get(_PART) or {}), **records}
    return after

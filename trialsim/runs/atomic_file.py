"""A file is there whole or not at all, whenever the machine stops.

It is written in full under another name, forced to disk, and only then takes its own. Writers of
the same content may race: the last rename wins and changes nothing. Where contents may differ, the
first takes the name and keeps it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import uuid4

HALF_WRITTEN: Final = ".part"
_ATTEMPTS: Final = 100


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave what was there; a half-written one that is swept is written again.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    _write_and_name(path, content, lambda part: part.replace(path))


def write_first(path: Path, content: bytes) -> bool:
    """Write a file unless there is one, and return whether there was none; one writer wins.

    Raises
    ------
    OSError
        If the file cannot be written, or the file system has no hard links.
    """
    try:
        _write_and_name(path, content, path.hardlink_to)
    except FileExistsError:
        return False
    return True


def _write_and_name(path: Path, content: bytes, name: Callable[[Path], object]) -> None:
    for attempt in range(_ATTEMPTS):
        part = path.with_name(f".{path.name}.{uuid4().hex}{HALF_WRITTEN}")
        try:
            _write_to_disk(part, content)
            name(part)
        except FileNotFoundError:  # swept by another process that has just started
            if attempt == _ATTEMPTS - 1 or not path.parent.is_dir():
                raise
            continue
        finally:
            part.unlink(missing_ok=True)
        break
    _force_names_to_disk(path.parent)


def sweep(folder: Path) -> None:
    """Remove what killed writers left half-written."""
    for part in folder.glob(f".*{HALF_WRITTEN}"):
        part.unlink(missing_ok=True)


def _write_to_disk(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _force_names_to_disk(folder: Path) -> None:
    """Force a rename to disk, where a folder can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

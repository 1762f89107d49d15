"""What is read back is what was written, or is refused.

A sealed file is JSON whose last value is the checksum of the others. Whatever is read is a regular
file at its own place: a link could lead anywhere, and a pipe would be waited for without end.
"""

import errno
import json
import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from trialsim.errors import InputError, Problem
from trialsim.runs.plain_json import as_json

_SEAL: Final = "checksum"
NEITHER_LINK_NOR_WAIT: Final = sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)


def checksum(content: bytes) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 digest.

    >>> checksum(b"")
    'e3b0c44298fc1c14'
    """
    return sha256(content).hexdigest()[:16]


def sealed(content: Mapping[str, Any]) -> bytes:
    """Return plain values as JSON with their checksum.

    >>> print(sealed({"power": 0.9}).decode(), end="")
    {
      "power": 0.9,
      "checksum": "68856600d781c131"
    }
    """
    return f"{as_json({**content, _SEAL: _seal(content)})}\n".encode()


def unsealed(path: Path) -> dict[str, Any]:
    """Return what a sealed file says.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file.
    ValueError
        If it is not as it was written.
    """
    try:
        told = json.loads(read_regular(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(told, dict) or told.pop(_SEAL, None) != _seal(told):
        raise ValueError("changed since it was written")
    return told


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    OSError
        If it cannot be read, or is a link, a pipe, a device or a folder.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | NEITHER_LINK_NOR_WAIT), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return file.read()


def refuse_links(folder: Path) -> None:
    """Refuse a folder in which a link leads out of it; one that is not there holds none.

    Raises
    ------
    InputError
        With every link.
    OSError
        If the folder cannot be read.
    """
    try:
        links = sorted(path.name for path in folder.iterdir() if path.is_symlink())
    except FileNotFoundError:
        return
    if links:
        rule = "must be no link: nothing outside a run's directory is read or written"
        raise InputError([Problem("run", rule, str(folder / name)) for name in links])


def _seal(content: Mapping[str, Any]) -> str:
    return checksum(as_json(content).encode())

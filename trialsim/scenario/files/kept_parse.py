"""What was parsed of a file, kept in `__pycache__` beside it as Python keeps its bytecode.

No result depends on it: what cannot be written is not kept, and what does not fit is not read.
"""

import hashlib
import os
import sys
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

_PARSER: Final = Path(__file__).with_name("yaml_text.py")
_SUFFIX: Final = ".parsed"
_LENGTH: Final = hashlib.sha256().digest_size
_NOT_KEPT: Final = (OSError, NotImplementedError)
"""What is raised where nothing can be read or written, or where Python keeps no bytecode."""


def kept(file: str, text: str) -> bytes | None:
    """Return what was kept of a file with this text; None if nothing was, or what is no longer it.

    It is unpickled: like bytecode, it is as trustworthy as the folder in which it stands.
    """
    try:
        whole = _place(file).read_bytes()
        mark = _mark(text, whole[_LENGTH:])
    except _NOT_KEPT:
        return None
    return whole[_LENGTH:] if whole[:_LENGTH] == mark else None


def keep(file: str, text: str, parsed: bytes) -> None:
    """Keep what was parsed of a file with this text, whole or not at all, unless nothing may be."""
    if sys.dont_write_bytecode:
        return
    with suppress(*_NOT_KEPT):
        place = _place(file)
        place.parent.mkdir(exist_ok=True)
        part = place.with_suffix(f"{_SUFFIX}.{os.getpid()}")
        try:
            part.write_bytes(_mark(text, parsed) + parsed)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)


def _place(file: str) -> Path:
    return Path(cache_from_source(file)).with_suffix(_SUFFIX)


def _mark(text: str, parsed: bytes) -> bytes:
    """Return the hash of a text, of what parses it and of what it means."""
    parts = (_reader(), text.encode(), parsed)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


@cache
def _reader() -> bytes:
    """Return what a parsed text depends on besides itself: versions, and this package's parser."""
    from importlib.metadata import version

    return f"{sys.version} {version('ruamel.yaml')}".encode() + _PARSER.read_bytes()

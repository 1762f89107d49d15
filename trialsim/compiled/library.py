"""Which build computes: the best library that is here and that this processor can run, or NumPy.

`TRIALSIM_BUILD` names another: "numpy", or a kind of processor. It changes no result.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_double, c_int64, c_uint64, c_void_p
from functools import cache
from typing import Any, Final

import numpy as np

from trialsim.compiled.build import edition, kinds_here, library_of
from trialsim.errors import InputError, Problem

NUMPY: Final = "numpy"
_VARIABLE: Final = "TRIALSIM_BUILD"
_ADDRESS = (c_uint64,) * 3
_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "words": (*_ADDRESS, c_uint64, c_int64, c_int64, c_void_p, c_void_p),
    "tail_curve": (c_void_p, c_void_p, c_int64, c_void_p),
    "curve": (c_void_p, c_double, c_double, c_double, c_void_p, c_int64, c_void_p),
    "steps": (c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_void_p),
}

_chosen: list[str] = []


def stages() -> Any:
    """Return the library of compiled stages, None where NumPy computes."""
    return _loaded(_chosen[-1]) if _chosen else _preferred()


def build_name() -> str:
    """Return the name of the build that computes: "numpy", or a kind of processor."""
    library = stages()
    return NUMPY if library is None else str(library.kind)


@cache
def builds_here() -> tuple[str, ...]:
    """Return the builds that can compute here, the best first and NumPy last."""
    kinds = [*kinds_here()]
    plainest = _library(kinds[-1])
    if plainest is None:
        return (NUMPY,)
    runs = kinds[-1 - plainest.processor() :]
    return (*(kind for kind in runs if _library(kind) is not None), NUMPY)


@contextmanager
def computed_by(build: str) -> Iterator[None]:
    """Let a build compute what this process computes in the meantime."""
    _chosen.append(build)
    try:
        yield
    finally:
        _chosen.pop()


def pointer(array: np.ndarray[Any, Any]) -> int:
    """Return where a contiguous array begins in memory."""
    begins: int = array.__array_interface__["data"][0]
    return begins


@cache
def _preferred() -> Any:
    return _loaded(os.environ.get(_VARIABLE) or builds_here()[0])


def _loaded(asked: str) -> Any:
    builds = builds_here()
    if asked not in builds:
        rule = f"must be one of {', '.join(builds)}, which can compute here"
        raise InputError([Problem(_VARIABLE, rule, asked)])
    return _library(asked)


@cache
def _library(kind: str) -> Any:
    """Return the library for a kind of processor; None where there is none of this source."""
    path = library_of(kind)
    if kind == NUMPY or not path.exists():
        return None
    try:
        library = CDLL(str(path))
        library.edition.restype = library.processor.restype = c_int64
        if library.edition() != edition():
            return None
    except (OSError, AttributeError):
        return None
    for name, arguments in _SIGNATURES.items():
        stage = getattr(library, name)
        stage.argtypes, stage.restype = arguments, None
    library.kind = kind  # type: ignore[attr-defined]
    return library

"""Which build computes: the best library that is here and that this processor can run, or NumPy.

`TRIALSIM_BUILD` names another: "numpy", or a kind of processor. It changes no result.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_int64
from functools import cache
from typing import Final

from trialsim.compiled.build import edition, kinds_here, library_of
from trialsim.compiled.stages import Stages
from trialsim.compiled.whole import SIZE_OF_STUDY
from trialsim.errors import InputError, Problem

NUMPY: Final = "numpy"
_VARIABLE: Final = "TRIALSIM_BUILD"
_chosen: list[str] = []


def stages() -> Stages | None:
    """Return the library of compiled stages, None where NumPy computes."""
    return _loaded(_chosen[-1]) if _chosen else _preferred()


def build_name() -> str:
    """Return the name of the build that computes: "numpy", or a kind of processor."""
    library = stages()
    return NUMPY if library is None else library.kind


@cache
def builds_here() -> tuple[str, ...]:
    """Return the builds that can compute here, the best first and NumPy last."""
    kinds = [*kinds_here()]
    plainest = _library(kinds[-1])
    runs = [] if plainest is None else kinds[-1 - plainest.processor() :]
    return (*(kind for kind in runs if _library(kind) is not None), NUMPY)


@contextmanager
def computed_by(build: str) -> Iterator[None]:
    """Let a build compute what this process computes in the meantime."""
    _chosen.append(build)
    try:
        yield
    finally:
        _chosen.pop()


@cache
def _preferred() -> Stages | None:
    return _loaded(os.environ.get(_VARIABLE) or builds_here()[0])


def _loaded(asked: str) -> Stages | None:
    builds = builds_here()
    if asked not in builds:
        rule = f"must be one of {', '.join(builds)}, which can compute here"
        raise InputError([Problem(_VARIABLE, rule, asked)])
    return _library(asked)


@cache
def _library(kind: str) -> Stages | None:
    """Return the library for a kind of processor; None where there is none of this source."""
    path = library_of(kind)
    if kind == NUMPY or not path.exists():
        return None
    try:
        library = CDLL(str(path))
        for number in (library.edition, library.processor, library.study_size):
            number.restype = c_int64
        if (library.edition(), library.study_size()) != (edition(), SIZE_OF_STUDY):
            return None
    except (OSError, AttributeError):
        return None
    return Stages(kind, library)

"""The versions of what computes, which decide the last bits of the numbers."""

import platform
from collections.abc import Mapping
from ctypes import CDLL, c_char_p
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Final

from trialsim.errors import InputError, Problem

PACKAGES: Final = ("trialsim", "numpy", "scipy", "simpy", "pyarrow")
"""Whose versions decide the numbers, or the bytes that hold them."""


def versions_here() -> dict[str, str]:
    """Return the versions of packages, of Python, and the machine's architecture."""
    return dict(_looked_up())


@cache
def processor_here() -> str:
    """Return for which processor NumPy and its linear algebra compute here.

    Each picks its routines by processor, and sums that are added in another order may differ in
    their last bit.
    """
    numpy_core = import_module("numpy._core._multiarray_umath")
    simd = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__.get(name)]
    try:  # OpenBLAS as the wheels of NumPy bring it
        core = CDLL(numpy_core.__file__).scipy_openblas_get_corename64_
        core.restype = c_char_p
        blas = f"OpenBLAS {core().decode()}"
    except (OSError, AttributeError):
        blas = "another BLAS"
    return " ".join([blas, *simd])


def check_versions(worker: str, found: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse a worker whose numbers may differ from those computed here.

    Raises
    ------
    InputError
        With every version that differs.
    """
    problems = differing(worker, found, here)
    if problems:
        raise InputError(problems)


def differing(worker: str, found: Mapping[str, str], here: Mapping[str, str]) -> list[Problem]:
    """Return every version on a worker that differs from those here."""
    return [
        Problem(f"worker {worker}: {name}", f"must be {here[name]}, as here", str(found.get(name)))
        for name in here
        if found.get(name) != here[name]
    ]


@cache
def _looked_up() -> tuple[tuple[str, str], ...]:
    python = ".".join(platform.python_version_tuple()[:2])
    machine = f"{platform.system()} {platform.machine()}"
    packages = tuple((package, version(package)) for package in PACKAGES)
    return (*packages, ("python", python), ("platform", machine))

"""The versions of what computes, which decide the last bits of the numbers."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Final

from trialsim.errors import InputError, Problem

PACKAGES: Final = ("trialsim", "numpy", "scipy", "simpy", "pyarrow")
"""Whose versions decide the numbers, or the bytes that hold them."""


def versions_here() -> dict[str, str]:
    """Return the versions of packages, of Python, and the machine's architecture."""
    return dict(_looked_up())


def check_versions(worker: str, found: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse a worker whose numbers may differ from those computed here.

    Raises
    ------
    InputError
        With every version that differs.
    """
    problems = [
        Problem(f"worker {worker}: {name}", f"must be {here[name]}, as here", str(found.get(name)))
        for name in here
        if found.get(name) != here[name]
    ]
    if problems:
        raise InputError(problems)


@cache
def _looked_up() -> tuple[tuple[str, str], ...]:
    python = ".".join(platform.python_version_tuple()[:2])
    machine = f"{platform.system()} {platform.machine()}"
    packages = tuple((package, version(package)) for package in PACKAGES)
    return (*packages, ("python", python), ("platform", machine))

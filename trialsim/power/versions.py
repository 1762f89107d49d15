"""The versions of what computes, which decide the last bits of the numbers."""

import platform
from importlib.metadata import version
from typing import Final

PACKAGES: Final = ("trialsim", "numpy", "scipy", "simpy", "pyarrow")
"""Whose versions decide the numbers, or the bytes that hold them."""


def versions_here() -> dict[str, str]:
    """Return the versions of packages, of Python, and the machine's architecture."""
    python = ".".join(platform.python_version_tuple()[:2])
    here = {package: version(package) for package in PACKAGES}
    return {**here, "python": python, "platform": f"{platform.system()} {platform.machine()}"}

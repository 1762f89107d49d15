"""Compile the stages as the package is installed, where there is a C compiler."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

_LINUXES = ("manylinux", "musllinux")
"""Platforms of which a library has to be checked to be one; what is built here is for here."""


class CompiledStages(BuildHookInterface[Any]):
    """Builds the libraries in place, and takes them into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before a wheel or an editable install is made; without a compiler go on."""
        root = Path(self.root)
        libraries = runpy.run_path(str(root / "trialsim" / "compiled" / "build.py"))["build"]()
        if not libraries:
            self.app.display_warning("no stages were compiled: NumPy will compute everything")
            return
        platform = next(tag.platform for tag in sys_tags() if not tag.platform.startswith(_LINUXES))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"  # the libraries know no Python
        for library in libraries:
            build_data["force_include"][str(library)] = str(library.relative_to(root))

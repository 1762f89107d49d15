"""Compile the stages as the package is installed, where there is a C compiler."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledStages(BuildHookInterface[Any]):
    """Builds the libraries in place, and takes them into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before a wheel or an editable install is made; without a compiler go on."""
        root = Path(self.root)
        libraries = runpy.run_path(str(root / "trialsim" / "compiled" / "build.py"))["build"]()
        if not libraries:
            self.app.display_warning("no stages were compiled: NumPy will compute everything")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for library in libraries:
            build_data["force_include"][str(library)] = str(library.relative_to(root))

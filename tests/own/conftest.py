"""Packages that offer functions of their own, made for the tests."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[[str, str, dict[str, str]], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return what makes a package with one module and entry points, found here and by workers.

    Workers that there are already do not find it.
    """
    folder = tmp_path / "site"
    folder.mkdir()
    made: list[str] = []

    def installed(module: str, text: str, offers: dict[str, str]) -> None:
        (folder / f"{module}.py").write_text(text)
        about = folder / f"{module}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        groups = [f"[{group}]\n{line}\n" for group, line in offers.items()]
        (about / "entry_points.txt").write_text("".join(groups))
        made.append(module)
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield installed
    for module in made:
        sys.modules.pop(module, None)

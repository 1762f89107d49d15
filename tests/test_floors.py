"""A module imports from floors below it alone, and the edges of the house stay thin."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).resolve().parents[1] / "trialsim"
HOUSE: Final = (
    {"clock", "errors", "arrays", "shown"},
    {"streams", "distributions", "stats"},
    {"scenario"},
    {"trial"},
    {"datasets"},
    {"simulated"},
    {"analysis"},
    {"power"},
    {"reporting"},
    {"cli", "app"},
)
"""The modules and packages of the first level, from the ground up."""
FLOORS: Final = {part: floor for floor, parts in enumerate(HOUSE) for part in parts}
PANDAS_FLOOR: Final = FLOORS["datasets"]
MODULES: Final = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's place below the package, as a path."""
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """Return the module or package of the first level that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports, also inside its functions."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def importers(package: str) -> set[str]:
    """Return the modules that import a package, anywhere in them."""
    return {
        name_of(path)
        for path in MODULES
        if any(f"{name}.".startswith(f"{package}.") for name in imports(path))
    }


def test_every_module_has_a_floor() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__"} <= FLOORS.keys()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_its_own_part_and_the_floors_below(path: Path) -> None:
    """`streams` and `distributions` stand beside `stats` and know nothing of it, nor it of them."""
    part = part_of(path)
    imported = imports(path)
    if part == "__init__":
        return
    assert "trialsim" not in imported, "take what is needed from where it is written"
    ours = {name.split(".")[1] for name in imported if name.startswith("trialsim.")}
    others = ours - {part, "__version__"}
    assert others <= FLOORS.keys()
    if FLOORS[part] == 0:
        assert others <= {"arrays"}
    else:
        assert not {other for other in others if FLOORS[other] >= FLOORS[part]}


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("simpy", "trial/event_engine.py"),
        ("ruamel", "scenario/files.py"),
    ],
)
def test_an_outside_package_enters_through_one_module(package: str, module: str) -> None:
    assert importers(package) == {module}


def test_typer_stays_in_the_command_line() -> None:
    assert {part_of(PACKAGE / module) for module in importers("typer")} == {"cli"}


def test_joblib_enters_through_one_module() -> None:
    assert len(importers("joblib")) == 1


def test_matplotlib_enters_through_the_figures() -> None:
    """A result names the type of its figure alone."""
    assert all(
        module.startswith("reporting/figures/") or module == "shown.py"
        for module in importers("matplotlib")
    )


def test_pandas_begins_at_the_datasets() -> None:
    for module in importers("pandas"):
        assert FLOORS[part_of(PACKAGE / module)] >= PANDAS_FLOOR, module


def test_only_the_streams_build_a_random_generator() -> None:
    """Others are handed numbers or, to simulate without patients, a generator."""
    called = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np.random.")
    }
    assert called == {"streams.py"}
    assert not importers("random") | importers("secrets") | importers("numpy.random")


def test_only_the_command_line_prints() -> None:
    printing = {
        part_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write"}
    }
    assert printing <= {"cli"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    """What is needed rarely or late is imported where it is used."""
    heavy = (
        "scipy.stats",
        "scipy.special",
        "scipy.optimize",
        "matplotlib",
        "statsmodels",
        "pandas",
        "pyarrow",
    )
    program = f"import sys, trialsim; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr

"""A module imports from floors below it alone, and the edges of the house stay thin."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).resolve().parents[1] / "trialsim"
HOUSE: Final = (
    {"clock", "described", "errors", "arrays", "legible"},
    {"compiled"},
    {"streams", "distributions", "stats", "own"},
    {"curves"},
    {"quantiles"},
    {"scenario"},
    {"trial"},
    {"datasets", "shown"},
    {"dictionary"},
    {"simulated", "observed"},
    {"analysis"},
    {"replicates"},
    {"runs"},
    {"questions"},
    {"validation"},
    {"reporting"},
    {"app"},
    {"cli", "public"},
    {"__main__"},
)
"""The modules and packages of the first level, from the ground up."""
FLOORS: Final = {part: floor for floor, parts in enumerate(HOUSE) for part in parts}
PANDAS_FLOOR: Final = FLOORS["datasets"]
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
FILES: Final = frozenset(MODULES)
MOST_FILES: Final = 14
"""In a folder, its first file not counted."""


LONGEST_BODY: Final = 45
"""Lines of a function without its docstring."""
TESTS: Final = Path(__file__).resolve().parent
CROSSING: Final = {
    "analysis": {"test_analysis_at_looks", "test_engines_agree", "test_levels"},
    "cli": {
        *("test_hostile_options", "test_hostile_output", "test_interruptions"),
        "test_reading_commands",
    },
    "compiled": {"test_processors"},
    "questions": {"test_names"},
    "questions/calibration": {"test_published_studies"},
    "reporting": {"test_rendered"},
    "reporting/cdisc": {"test_conformance", "test_derivations"},
    "reporting/figures": {"test_drawn_data"},
    "runs": {
        *("test_damage", "test_interruptions", "test_memory", "test_replay_of_every_study"),
    },
    "scenario": {"test_broken_files", "test_defaults", "test_hostile_files", "test_studies_stroke"},
    "stats": {"test_calibration", "test_package"},
    "trial/allocation": {"test_oracles"},
    "trial": {
        *("test_builtin_studies", "test_engines", "test_laws", "test_natural_history"),
        *("test_recruitment_limit", "test_risks", "test_several_outcomes", "test_supply"),
    },
}
"""Tests that no single module owns, by folder; those at the top cross the whole house."""


def name_of(path: Path) -> str:
    """Return a module's place below the package, as a path."""
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """Return the module or package of the first level that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return what a file is made of, read once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the dotted names that a file imports, also inside its functions."""
    names = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def files_imported(path: Path) -> set[Path]:
    """Return our files that a file imports, also in its functions, and those named in its strings.

    A name from a folder's `__init__` counts as that file.
    """
    named = {
        node.value
        for node in nodes_of(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"trialsim(\.\w+)+", node.value)
    }
    found: set[Path] = set()
    for name in imports(path) | named:
        parts = name.split(".")
        while parts and parts[0] == "trialsim":
            place = PACKAGE.joinpath(*parts[1:])
            here = [
                file for file in (place.with_suffix(".py"), place / "__init__.py") if file in FILES
            ]
            if here:
                found.update(here)
                break
            parts.pop()
    return found - {path}


def importers(package: str) -> set[str]:
    """Return the modules that import a package, anywhere in them."""
    return {
        name_of(path)
        for path in MODULES
        if any(f"{name}.".startswith(f"{package}.") for name in imports(path))
    }


def calls() -> Iterator[tuple[Path, str]]:
    """Yield each call in the package: its file, and what is called."""
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield path, ast.unparse(node.func)


def test_every_module_has_a_floor() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__"} <= FLOORS.keys()


def test_a_module_imports_only_from_its_own_part_and_the_floors_below() -> None:
    """`streams` and `distributions` stand beside `stats` and know nothing of it, nor it of them."""
    for path in MODULES:
        part, imported = part_of(path), imports(path)
        if part == "__init__":
            continue
        assert "trialsim" not in imported, f"{path}: take what is needed from where it is written"
        ours = {name.split(".")[1] for name in imported if name.startswith("trialsim.")}
        others = ours - {part, "__version__"}
        assert others <= FLOORS.keys(), path
        if FLOORS[part] == 0:
            assert others <= {"arrays"}, path
        else:
            assert not {other for other in others if FLOORS[other] >= FLOORS[part]}, path


def test_no_files_import_one_another_in_a_circle() -> None:
    """Neither at the top, nor inside a function, nor by a name in a string."""
    graph = {name_of(path): {name_of(file) for file in files_imported(path)} for path in MODULES}
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert not circle, " imports ".join(reversed(circle))


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for path in MODULES}
    crowded = {name_of(folder): len(list(folder.glob("*.py"))) - 1 for folder in folders}
    assert not {name: files for name, files in crowded.items() if files > MOST_FILES}


def test_no_function_is_long() -> None:
    long = {}
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                if lines > LONGEST_BODY:
                    long[f"{name_of(path)} {node.name}"] = lines
    assert not long


def test_tests_are_found_where_their_module_is() -> None:
    """A test file has the name and the place of a module or a folder, or crosses several."""
    strangers = []
    owned = {path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*")}
    for path in TESTS.rglob("test_*.py"):
        place = path.relative_to(TESTS)
        folder = place.parent.as_posix()
        crossing = folder == "." or path.stem in CROSSING.get(folder, ())
        if not (crossing or place.parent / path.stem.removeprefix("test_") in owned):
            strangers.append(place.as_posix())
    assert not strangers, "name these after what they test, or add them to CROSSING"
    for folder, names in CROSSING.items():
        assert {f"{name}.py" for name in names} <= {one.name for one in (TESTS / folder).iterdir()}


def test_every_folder_says_in_a_sentence_what_it_is_for() -> None:
    for folder in {path.parent for path in MODULES}:
        first = (folder / "__init__.py").read_text(encoding="utf-8")
        assert (ast.get_docstring(ast.parse(first)) or "").splitlines()[0].endswith("."), folder


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("simpy", "trial/event_engine.py"),
        ("ruamel", "scenario/files/yaml_text.py"),
    ],
)
def test_an_outside_package_enters_through_one_module(package: str, module: str) -> None:
    assert importers(package) == {module}


def test_typer_stays_in_the_command_line() -> None:
    assert {part_of(PACKAGE / module) for module in importers("typer")} == {"cli"}


def test_shiny_stays_in_the_page_to_plan_on() -> None:
    for package in ("shiny", "uvicorn"):
        assert {part_of(PACKAGE / module) for module in importers(package)} == {"app"}


def test_joblib_enters_through_one_module() -> None:
    assert len(importers("joblib")) == 1


def test_matplotlib_enters_through_the_figures() -> None:
    """A result names the type of its figure alone."""
    assert all(
        module.startswith("reporting/figures/") or module in ("legible.py", "shown.py")
        for module in importers("matplotlib")
    )


def test_pandas_begins_at_the_datasets() -> None:
    for module in importers("pandas"):
        assert FLOORS[part_of(PACKAGE / module)] >= PANDAS_FLOOR, module


def test_only_the_streams_build_a_random_generator() -> None:
    """Others are handed numbers or, to simulate without patients, a generator."""
    made = {name_of(path) for path, called in calls() if called.startswith("np.random.")}
    assert made == {"streams.py"}
    assert not importers("random") | importers("secrets") | importers("numpy.random")


def test_only_the_command_line_prints() -> None:
    writing = {part_of(path) for path, called in calls() if called in {"print", "sys.stdout.write"}}
    assert writing <= {"cli"}


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
        "shiny",
    )
    program = f"import sys, trialsim; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr

"""The one door of the package: its names are sorted, complete and importable."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, assert_type, get_args

import pytest

import trialsim
from trialsim import errors, public
from trialsim.scenario.files.builtin import (
    ProgrammeName,
    TrialName,
    builtin_programmes,
    builtin_scenarios,
)

NAMES = Path(public.__file__)


def imported() -> list[str]:
    """Return the names that the list of public names imports."""
    tree = ast.parse(NAMES.read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if str(node.module).startswith("trialsim.")]
    names = [alias.asname or alias.name for node in ours for alias in node.names]
    return [name for name in names if not name.startswith("_")]


def in_a_new_process(program: str) -> Any:
    """Return what a program prints as JSON in a fresh interpreter."""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_names_are_sorted_and_told_once() -> None:
    assert trialsim.__all__ == sorted(set(trialsim.__all__))


def test_the_names_are_complete() -> None:
    """Whatever the list imports is a public name, and nothing else is."""
    assert sorted(imported()) == trialsim.__all__


@pytest.mark.parametrize("name", trialsim.__all__)
def test_a_public_name_is_imported_and_says_what_it_is(name: str) -> None:
    public = getattr(trialsim, name)
    assert callable(public)
    assert not inspect.ismodule(public)
    first = (inspect.getdoc(public) or "").splitlines()[0]
    assert first.endswith("."), name
    assert not first.startswith(f"{name}("), "a class needs words, not the signature of its fields"


def test_the_names_have_their_types_for_users() -> None:
    """Which mypy sees here, though they are loaded late."""
    assert_type(trialsim.load("cars1"), trialsim.Scenario)
    assert_type(trialsim.load("cars_pooled"), trialsim.Programme)
    file = str(builtin_scenarios()["cars1"])
    assert_type(trialsim.load(file), trialsim.Scenario | trialsim.Programme)
    with pytest.raises(trialsim.InputError):
        assert_type(trialsim.power("cars1", replicates=0).power, float)


def test_the_names_that_have_types_are_those_of_the_built_in_studies() -> None:
    assert list(get_args(TrialName)) == list(builtin_scenarios())
    assert list(get_args(ProgrammeName)) == list(builtin_programmes())


def test_every_question_takes_the_name_of_a_study_and_has_one_default_seed() -> None:
    functions = [getattr(trialsim, name) for name in trialsim.__all__ if name.islower()]
    taken, seeds = 0, []
    for function in functions:
        parameters = inspect.signature(function).parameters
        for name in {"scenario", "study", "programme", "a", "b"} & parameters.keys():
            assert {"str", "Path"} <= {
                part.__name__ for part in get_args(parameters[name].annotation)
            }, f"{function.__name__}: {name}"
            taken += 1
        if "seed" in parameters and function is not trialsim.analyse:  # a trial has its own
            seeds.append(parameters["seed"].default)
    assert taken > 15
    assert len(seeds) > 12
    assert set(seeds) == {2016}


def test_the_doors_of_the_design_are_open() -> None:
    doors = {"load", "simulate", "analyse", "power"}
    assert doors <= set(trialsim.__all__)


def test_every_error_that_is_raised_on_purpose_can_be_caught_by_one_public_name() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    raised = [kind for kind in kinds if issubclass(kind, Exception)]
    assert {kind.__name__ for kind in raised} <= set(trialsim.__all__)
    assert all(issubclass(kind, trialsim.TrialsimError) for kind in raised)


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert trialsim.__version__ == version("trialsim")


def test_a_citation_names_the_version() -> None:
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {trialsim.__version__}\n" in citation


def test_importing_the_package_gives_its_names_and_does_nothing_else() -> None:
    """It prints, warns and draws nothing, and loads nothing that is needed later or never."""
    late = "pandas pyarrow scipy.stats scipy.optimize matplotlib statsmodels joblib rich typer"
    program = (
        "import json, sys, warnings; warnings.simplefilter('error'); import numpy as np; "
        "state = repr(np.random.get_state()); import trialsim; trialsim.load; "
        "before = {*globals(), 'before'}; from trialsim import *; names = {*globals()} - before; "
        f"late = [name for name in {late.split()} if name in sys.modules]; "
        "print(json.dumps([late, state == repr(np.random.get_state()), sorted(names)]))"
    )
    assert in_a_new_process(program) == [[], True, trialsim.__all__]


def test_importing_the_package_alone_loads_no_library() -> None:
    """So that a command which is interrupted as it starts can say so."""
    program = "import json, sys, trialsim.__main__; "
    program += "print(json.dumps([name for name in ('numpy', 'typer') if name in sys.modules]))"
    assert in_a_new_process(program) == []


@pytest.mark.parametrize("name", ["Final", "nothing"])
def test_a_name_that_is_not_public_is_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'trialsim' has no attribute '{name}'$"):
        getattr(trialsim, name)


def test_completion_knows_the_public_names() -> None:
    assert set(trialsim.__all__) <= set(dir(trialsim))

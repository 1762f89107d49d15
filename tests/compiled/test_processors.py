"""The same bytes by every build, and without the routines that NumPy has for this processor."""

import os
import subprocess
import sys
from importlib import import_module

import pytest

from trialsim.compiled.library import builds_here

PROGRAM = """
from hashlib import sha256
from trialsim.replicates.run import Simulation
from trialsim.scenario.files.yaml_file import load

for name in ("cars1", "stroke_nihss"):
    found = Simulation(load(name), 2016, batch=5).run(range(12)).columns
    print(name, sha256(b"".join(column.tobytes() for column in found.values())).hexdigest())
"""


def said(build: str, disabled: str) -> str:
    """Return what the program says in a process of its own."""
    chosen = {"TRIALSIM_BUILD": build, "NPY_DISABLE_CPU_FEATURES": disabled}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(
        command, env={**os.environ, **chosen}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_neither_the_build_nor_the_routines_of_numpy_change_a_byte() -> None:
    """Oracle: the plainest there is, NumPy with all that it can leave out left out."""
    core = import_module("numpy._core._multiarray_umath")
    chosen = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    if not chosen:
        pytest.skip("NumPy has no routines for this processor that could be left out")
    plainest = said("numpy", " ".join(chosen))
    assert plainest.count("\n") == 2
    assert {said(build, "") for build in builds_here()} == {plainest}

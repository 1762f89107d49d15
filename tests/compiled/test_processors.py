"""The same bytes by every build, and without the routines that there are for this processor."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import pytest

from trialsim.compiled.library import NUMPY, builds_here, computed_by
from trialsim.replicates.run import Simulation
from trialsim.scenario.files.yaml_file import load

STUDIES = ("cars1", "stroke_nihss")
HERE = Path(__file__).resolve().parents[2]


def digests() -> list[str]:
    """Return a digest of every column of some trials of each study, and of a battery's weights."""
    found = (Simulation(load(name), 2016, batch=5).run(range(12)).columns for name in STUDIES)
    columns = [
        sha256(b"".join(column.tobytes() for column in columns.values())).hexdigest()
        for columns in found
    ]
    battery = load(STUDIES[0])
    weights = battery.outcome_correlation.weights([*battery.outcomes])
    return [*columns, sha256(weights.tobytes()).hexdigest()]


def by_plain_numpy(disabled: str) -> list[str]:
    """Return the digests that NumPy gives in a process in which it leaves routines out."""
    chosen = {
        "TRIALSIM_BUILD": NUMPY,
        "NPY_DISABLE_CPU_FEATURES": disabled,
        "OPENBLAS_CORETYPE": "Nehalem",  # of its library of linear algebra
    }
    program = "import json; from tests.compiled.test_processors import digests; "
    command = [sys.executable, "-W", "ignore", "-c", f"{program}print(json.dumps(digests()))"]
    done = subprocess.run(
        command, cwd=HERE, env={**os.environ, **chosen}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_neither_the_build_nor_the_routines_of_numpy_change_a_byte() -> None:
    """Oracle: the plainest there is, NumPy with all that it can leave out left out."""
    core = import_module("numpy._core._multiarray_umath")
    chosen = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    if not chosen:
        pytest.skip("NumPy has no routines for this processor that could be left out")
    plainest = by_plain_numpy(" ".join(chosen))
    assert len({*plainest}) == len(STUDIES) + 1
    for build in builds_here():
        with computed_by(build):
            assert digests() == plainest, build

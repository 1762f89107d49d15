"""Which build computes, what is made of one that is missing or stale, and how it is told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trialsim.compiled import build as building
from trialsim.compiled import library
from trialsim.compiled.library import NUMPY, build_name, builds_here, computed_by
from trialsim.errors import InputError


def said(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Return what a command says in an environment that has more in it."""
    return subprocess.run(
        [sys.executable, "-c", "from trialsim.cli import main; main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_numpy_can_always_compute() -> None:
    assert builds_here()[-1] == NUMPY
    with computed_by(NUMPY):
        assert build_name() == NUMPY


def test_each_compiled_build_computes_where_it_is_chosen(compiled_builds: list[str]) -> None:
    for build in compiled_builds:
        with computed_by(build):
            assert build_name() == build


def test_the_version_says_which_build_computes() -> None:
    for build in builds_here():
        told = said("--version", TRIALSIM_BUILD=build).stdout
        assert re.fullmatch(rf"trialsim [\d.]+, computed by {build}\n", told)


def test_a_build_that_cannot_compute_here_is_wrong_input() -> None:
    told = said("power", "cars1", "--replicates", "2", TRIALSIM_BUILD="abacus")
    assert told.returncode == 2
    expected = f"TRIALSIM_BUILD: must be one of {', '.join(builds_here())}, which can compute here"
    assert f"{expected} (got abacus)" in told.stderr
    with pytest.raises(InputError), computed_by("abacus"):
        build_name()


def test_a_library_of_another_source_is_not_used(
    compiled_builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "edition", lambda: building.edition() + 1)
    assert library._library.__wrapped__(compiled_builds[-1]) is None
    monkeypatch.undo()
    assert library._library.__wrapped__(compiled_builds[-1]) is not None


def test_a_file_that_is_no_library_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "stages.so"
    broken.write_text("no library")
    monkeypatch.setattr(library, "library_of", lambda _: broken)
    assert library._library.__wrapped__("x86-64") is None


def test_without_a_compiler_nothing_is_built_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    assert building.build() == []
    assert "no C compiler" in capfd.readouterr().err


def test_the_source_compiles_without_a_warning(tmp_path: Path) -> None:
    found = building.compiler()
    if found is None:
        pytest.skip("no C compiler here")
    flags = [*building.FLAGS, "-Werror", "-DEDITION=1L", "-o", str(tmp_path / "stages.so")]
    done = subprocess.run([found, *flags, building.SOURCE], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0

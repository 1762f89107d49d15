"""Which build computes, what is made of one that is missing or stale, and how it is told."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trialsim.cli import INPUT_WRONG, run
from trialsim.compiled import build as building
from trialsim.compiled import library
from trialsim.compiled.library import NUMPY, build_name, builds_here, computed_by
from trialsim.errors import InputError


@pytest.fixture
def chosen_anew() -> Iterator[None]:
    """Let what the environment names be looked up by each command, as by a new process."""
    yield
    library._preferred.cache_clear()


def test_numpy_can_always_compute() -> None:
    assert builds_here()[-1] == NUMPY
    with computed_by(NUMPY):
        assert build_name() == NUMPY


def test_each_compiled_build_computes_where_it_is_chosen(compiled_builds: list[str]) -> None:
    for build in compiled_builds:
        with computed_by(build):
            assert build_name() == build


@pytest.mark.usefixtures("chosen_anew")
def test_the_version_says_which_build_computes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for build in builds_here():
        monkeypatch.setenv("TRIALSIM_BUILD", build)
        library._preferred.cache_clear()
        assert run(["--version"]) == 0
        told = capsys.readouterr().out
        assert re.fullmatch(rf"trialsim [\d.]+, computed by {build}\n", told)


@pytest.mark.usefixtures("chosen_anew")
def test_a_build_that_cannot_compute_here_is_wrong_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIALSIM_BUILD", "abacus")
    library._preferred.cache_clear()
    assert run(["power", "cars1", "--replicates", "2"]) == INPUT_WRONG
    expected = f"TRIALSIM_BUILD: must be one of {', '.join(builds_here())}, which can compute here"
    assert f"{expected} (got abacus)" in capsys.readouterr().err
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


@pytest.mark.parametrize("program", ["#!/bin/sh\n", "#!/bin/sh\nexit 1\n", "no program"])
def test_a_compiler_that_makes_nothing_leaves_nothing_and_it_is_said(
    program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text(program)
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setattr(building, "HERE", tmp_path)
    assert building.build() == []
    assert [*tmp_path.iterdir()] == [compiler]
    monkeypatch.setattr(building, "HERE", compiler)  # where nothing can be written
    assert building.build() == []
    assert capfd.readouterr().err.count("not compiled for") == 2 * len(building.kinds_here())


def test_the_source_compiles_without_a_warning(tmp_path: Path) -> None:
    found = building.compiler()
    if found is None:
        pytest.skip("no C compiler here")
    flags = [*building.FLAGS, "-Werror", "-DEDITION=1L", "-o", str(tmp_path / "stages.so")]
    done = subprocess.run([found, *flags, building.SOURCE], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0

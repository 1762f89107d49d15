"""Commands that read a run change nothing in it: no content, no time, no name, sound or damaged."""

import json
import shutil
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from trialsim.cli import DONE, run
from trialsim.runs.sealed import sealed

pytest.importorskip("matplotlib")

STUDY: Final = ["stroke_nihss", "--set", "design.patients=12", "--jobs", "1"]
PAGE: Final = [
    *("-o", "page.html", "--overwrite", "--jobs", "1"),
    *("--null-replicates", "8", "--published-replicates", "8", "--nuisance-replicates", "2"),
]
READING: Final = {
    "report": ["report", "run", *PAGE, "--sensitivity-replicates", "0", "--keep", "kept"],
    "report of two": ["report", "run", *PAGE, "--what-if", "worlds"],
    "replay": ["replay", "run", "--replicate", "3"],
    "replay of a patient": ["replay", "run", "--replicate", "3", "--patient", "2"],
    "replay on a page": [
        "replay",
        "run",
        "--replicate",
        "3",
        "--report",
        "page.html",
        "--overwrite",
    ],
    "plot estimate": ["plot", "estimate", "run", "-o", "figure.svg"],
    "plot scores": ["plot", "scores", "run", "-o", "figure.svg"],
    "plot consort": ["plot", "consort", "run", "--json"],
    "merge": ["merge", "whole", "one", "two"],
}


def listing(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return what a folder holds: content, kind, rights and time of change of each name."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        about = path.lstat()
        content = sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else None
        name = path.relative_to(folder).as_posix()
        found[name] = (content, about.st_mode, about.st_mtime_ns, about.st_ctime_ns)
    return found


def damage(folder: Path) -> None:
    """Do to a run what makes a command that writes set a part aside and sweep."""
    part = min((folder / "parts").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-9])
    (folder / "parts" / ".left.part").write_bytes(b"of a writer that was killed")


def tell_of_another_seed(folder: Path) -> None:
    """Let the manifest be that of another run than all parts."""
    told = json.loads((folder / "manifest.json").read_text())
    told.pop("checksum")
    (folder / "manifest.json").write_bytes(sealed({**told, "seed": 3}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run, the same as two shards, and a what-if of its study."""
    place = tmp_path_factory.mktemp("reading")
    power = ["power", *STUDY, "--replicates", "1100", "--out"]
    assert run([*power, str(place / "run")]) == DONE
    for number, name in enumerate(("one", "two"), 1):
        assert run([*power, str(place / name), "--shard", f"{number}/2"]) == DONE
    assert run(["what-if", *_asked(), "--out", str(place / "worlds")]) == DONE
    return place


def _asked() -> list[str]:
    base = ["stroke_nihss", "--base", "design.patients=12", "--jobs", "1"]
    return [*base, "--set", "design.block_size=2", "--replicates", "8"]


RUNS: Final = ("run", "one", "two", "worlds")


@pytest.mark.parametrize("name", READING)
def test_a_command_that_reads_changes_nothing(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    before = {one: listing(place / one) for one in RUNS}
    assert run(READING[name]) == DONE
    assert {one: listing(place / one) for one in RUNS} == before


@pytest.mark.parametrize("harm", [damage, tell_of_another_seed])
@pytest.mark.parametrize("name", [name for name in READING if "run" in READING[name]])
def test_a_command_that_reads_a_damaged_run_changes_nothing(
    name: str,
    harm: Callable[[Path], None],
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it can answer or not: what is wrong is reported, and the next run mends it."""
    for one in RUNS:
        shutil.copytree(place / one, tmp_path / one)
    harm(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    before = {one: listing(tmp_path / one) for one in RUNS}
    run(READING[name])
    assert {one: listing(tmp_path / one) for one in RUNS} == before

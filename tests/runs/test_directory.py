"""A run that is killed, damaged, extended or doubled ends with the bytes of an undisturbed one."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from tests.runs.nursery import Nursery
from trialsim.errors import InputError, RunError
from trialsim.questions.power import power, power_by
from trialsim.replicates.result import PowerResult
from trialsim.replicates.run import Failure, Replicates, Simulation
from trialsim.runs import manifest_file
from trialsim.runs.atomic_file import write_first
from trialsim.runs.directory import RunDirectory, find_run, open_run
from trialsim.runs.manifest import RunManifest, manifest_here
from trialsim.runs.runner import Runner
from trialsim.scenario.files.yaml_file import load

SEED: Final = 2016
BLOCK: Final = 32
COUNT: Final = 300
SMALL: Final = load("stroke_nihss").replace({"design.patients": 20})
"""A study with one outcome, whose file is read five times as fast as that of CARS-1."""
HURRIED: Final = SMALL.replace(
    {"operations.recruitment_limit_days": 60, "operations.at_limit": "fail"}
)
"""A study whose recruitment is not complete in time in some of the replicates."""
MANIFEST: Final = manifest_here(SMALL, SEED, block=BLOCK)
posix = pytest.mark.skipif(os.name != "posix", reason="forks and kills as POSIX does")


def kept_power(
    directory: RunDirectory, replicates: int = COUNT, n_jobs: int = 1, **how: Any
) -> PowerResult:
    """Return the power of a run in a directory, computed there as far as it is missing."""
    manifest = directory.manifest
    runner = Runner(manifest.seed, n_jobs, manifest.engine, directory=directory, **how)
    return power_by(runner, manifest.scenario, replicates)


def run_in(folder: Path, replicates: int = COUNT, n_jobs: int = 1) -> None:
    kept_power(open_run(folder, MANIFEST), replicates, n_jobs)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return every file that decides or is decided, by its path; the log tells of times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "log.jsonl" and path.suffix != ".damaged"
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the bytes of a run of which nothing was ever disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run_in(folder)
    return bytes_of(folder)


def test_a_run_tells_what_power_tells_without_a_directory(tmp_path: Path) -> None:
    kept = kept_power(open_run(tmp_path, MANIFEST))
    plain = power(SMALL, COUNT, SEED, n_jobs=1)
    told, expected = kept.to_dict(), plain.to_dict()
    assert {**told, "seconds": 0} == {**expected, "seconds": 0}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary.pop("checksum")
    assert summary == {name: told[name] for name in told if name != "seconds"}
    rows = pd.read_parquet(tmp_path / "parts").sort_values("replicate")[:COUNT]
    assert rows["estimate"].tolist() == plain.columns["estimate"].tolist()


def test_workers_change_no_byte(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    run_in(tmp_path, n_jobs=2)
    assert bytes_of(tmp_path) == undisturbed


LONG: Final = 12_000
LONG_BLOCK: Final = 32


def run_long(folder: str) -> None:
    """Run what takes long enough to be killed a few times over."""
    kept_power(open_run(folder, MANIFEST._replace(block=LONG_BLOCK)), LONG)


def run_in_two(folder: str) -> None:
    """Run in one directory in two processes at once."""
    other = os.fork()
    run_in(Path(folder))
    if other:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))


def finished_in(folder: Path) -> int:
    return len(list(folder.glob("parts/*.parquet")))


@posix
def test_twenty_kills_of_twelve_thousand_replicates_leave_the_bytes_of_an_undisturbed_run(
    tmp_path: Path, nursery: Nursery
) -> None:
    """Every process is killed at a random moment; the last one is left to finish."""
    killed, whole, moments = tmp_path / "killed", tmp_path / "whole", Random(SEED)
    reached: list[int] = []
    for _ in range(20):
        child = nursery.start("tests.runs.test_directory:run_long", tmp_path, None, str(killed))
        wanted, deadline = finished_in(killed) + moments.randint(0, 6), time.monotonic() + 60
        while finished_in(killed) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        assert nursery.wait(60) == -signal.SIGKILL
        reached.append(finished_in(killed))
    assert reached == sorted(reached)  # nothing that was finished is ever lost
    assert len(set(reached)) > 10  # the kills came in the middle
    for folder in (killed, whole):
        run_long(str(folder))
    assert bytes_of(killed) == bytes_of(whole)


def test_a_run_goes_on_where_it_was(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    run_in(tmp_path, 2 * BLOCK)
    directory = open_run(tmp_path, MANIFEST)
    computed: list[int] = []
    assert directory.missing(range(4)) == [2, 3]
    kept_power(directory, progress=lambda count, part: computed.append(count))
    assert computed == [BLOCK] * 10  # those that are held are told as well
    assert bytes_of(tmp_path) == undisturbed


@posix
def test_two_processes_in_one_directory_leave_the_bytes_of_one(
    tmp_path: Path, undisturbed: dict[str, bytes], nursery: Nursery
) -> None:
    both = tmp_path / "both"
    nursery.start("tests.runs.test_directory:run_in_two", tmp_path, None, str(both))
    assert nursery.wait(60) == 0
    assert bytes_of(both) == undisturbed


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed before its scenario"])
@pytest.mark.parametrize(
    ("winner", "told"),
    [
        (manifest_here(HURRIED, SEED, block=BLOCK), "operations.recruitment_limit_days|scenario"),
        (MANIFEST._replace(seed=3), "seed"),
        (MANIFEST, None),
    ],
    ids=["scenario", "seed", "nothing"],
)
def test_of_two_runs_begun_together_the_second_is_refused_if_it_differs_and_nothing_is_mixed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    winner: RunManifest,
    told: str | None,
    killed: bool,
) -> None:
    """One finds an empty folder; before it writes its manifest, the winner begins there."""
    open_run(tmp_path / "alone", winner)
    both = tmp_path / "both"

    def kill(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    def overtaken(path: Path, content: bytes) -> bool:
        monkeypatch.undo()
        with monkeypatch.context() as process, suppress(KeyboardInterrupt):
            if killed:
                process.setattr(manifest_file, "write_whole", kill)
            open_run(both, winner)
        return write_first(path, content)

    monkeypatch.setattr(manifest_file, "write_first", overtaken)
    if told is None:
        open_run(both, MANIFEST)
    else:
        with pytest.raises(InputError, match=f"^({told}): must .*, as in "):
            open_run(both, MANIFEST)
    open_run(both, winner)
    assert bytes_of(both) == bytes_of(tmp_path / "alone")


@pytest.mark.parametrize("harm", ["a bit", "its end", "everything"])
def test_a_damaged_part_is_set_aside_and_computed_again(
    tmp_path: Path, undisturbed: dict[str, bytes], harm: str
) -> None:
    run_in(tmp_path)
    part = next((tmp_path / "parts").glob("00000003-*"))
    content = part.read_bytes()
    flipped = content[:100] + bytes([content[100] ^ 1]) + content[101:]
    part.write_bytes({"a bit": flipped, "its end": content[:-1], "everything": b""}[harm])
    again = open_run(tmp_path, MANIFEST)
    assert again.damaged == (part.name,)
    assert again.missing(range(10)) == [3]
    kept_power(again)
    assert bytes_of(tmp_path) == undisturbed
    assert (tmp_path / f"{part.name}.damaged").exists()


def test_a_part_of_another_run_is_not_taken_for_its_own(tmp_path: Path) -> None:
    run_in(tmp_path / "mine", BLOCK)
    kept_power(open_run(tmp_path / "other", MANIFEST._replace(seed=3)), 2 * BLOCK)
    foreign = next((tmp_path / "other" / "parts").glob("00000001-*"))
    foreign.rename(tmp_path / "mine" / "parts" / foreign.name)
    assert find_run(tmp_path / "mine").damaged == (foreign.name,)


def test_what_differs_is_told_path_by_path_and_nothing_is_mixed(tmp_path: Path) -> None:
    run_in(tmp_path, BLOCK)
    before = bytes_of(tmp_path)
    other = RunManifest(
        SMALL.replace({"design.patients": 24, "operations.visit_missed_probability": 0.5}),
        3,
        "events",
        {**MANIFEST.versions, "numpy": "1.0"},
        BLOCK,
    )
    with pytest.raises(InputError) as told:
        open_run(tmp_path, other)
    assert {problem.path for problem in told.value.problems} == {
        "design.patients",
        "operations.visit_missed_probability",
        "seed",
        "engine",
        "versions.numpy",
    }
    assert f"design.patients: must be 20, as in {tmp_path} (got 24)" in str(told.value)
    assert bytes_of(tmp_path) == before


def test_a_scenario_that_was_edited_in_the_directory_is_told(tmp_path: Path) -> None:
    run_in(tmp_path, BLOCK)
    path = tmp_path / "scenario.yaml"
    path.write_text(path.read_text().replace("patients: 20", "patients: 24"))
    with pytest.raises(InputError, match=r"scenario\.yaml: must be as it was written"):
        find_run(tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="it holds other files"):
        open_run(tmp_path, MANIFEST)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("left", ["scenario.yaml", "parts/.00000000.parquet.ab.part"])
def test_what_a_run_killed_at_its_start_leaves_does_not_block_it(
    tmp_path: Path, undisturbed: dict[str, bytes], left: str
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / left).write_text("half of")
    run_in(tmp_path)
    assert bytes_of(tmp_path) == undisturbed


def test_a_disk_that_is_full_costs_what_is_not_written_and_nothing_else(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """Oracle: the operating system, allowing no file above 4 kB, as a part is."""
    resource = pytest.importorskip("resource")
    run = open_run(tmp_path, MANIFEST)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(RunError, match=r"^cannot write to [^\n]*$"):
            kept_power(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "parts").iterdir()) == []
    run_in(tmp_path)
    assert bytes_of(tmp_path) == undisturbed


def test_an_interruption_keeps_what_is_finished(tmp_path: Path) -> None:
    run = open_run(tmp_path, MANIFEST)

    def stop_after_three(_: int, __: Replicates) -> None:
        if len(run.held) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_power(run, progress=stop_after_three)
    assert find_run(tmp_path).held == {0, 1, 2}


def test_a_failed_replicate_is_kept_with_its_address_and_reason(tmp_path: Path) -> None:
    manifest = manifest_here(HURRIED, SEED, block=BLOCK)
    kept = kept_power(open_run(tmp_path, manifest), 100)
    plain = power(HURRIED, 100, SEED, n_jobs=1)
    assert 0 < kept.failed < 100
    assert kept.failures == plain.failures
    assert find_run(tmp_path).results(range(50)).failures == tuple(
        one for one in plain.failures if one.replicate < 50
    )
    assert json.loads((tmp_path / "summary.json").read_text())["failed"] == plain.failed


def test_an_error_is_kept_with_its_traceback(tmp_path: Path) -> None:
    run = open_run(tmp_path, MANIFEST)
    whole = Simulation(SMALL, SEED, "vector").run(range(BLOCK))
    broken = Replicates(
        {
            name: np.where(np.arange(BLOCK) == 5, np.nan, values)
            for name, values in whole.columns.items()
        },
        (Failure(5, "ZeroDivisionError('by chance')", "trialsim/a.py:1 in b: c"),),
    )
    run.add(0, broken)
    (failure,) = find_run(tmp_path).results(range(BLOCK)).failures
    assert (failure,) == broken.failures


def test_one_block_with_two_results_is_refused(tmp_path: Path) -> None:
    """Machines whose arithmetic differs must not be mixed."""
    run = open_run(tmp_path, MANIFEST)
    run.add(0, Simulation(SMALL, SEED, "vector").run(range(BLOCK)))
    other = RunDirectory(tmp_path, MANIFEST)
    other.add(0, Simulation(SMALL, SEED + 1, "vector").run(range(BLOCK)))
    with pytest.raises(RunError, match="two different results of block 0"):
        find_run(tmp_path)


def test_a_run_that_began_on_another_processor_goes_on_with_a_notice(tmp_path: Path) -> None:
    """Whose routines may add in another order, and so differ in a last bit."""
    open_run(tmp_path, MANIFEST._replace(processor="OpenBLAS Other"))
    told: list[str] = []
    assert open_run(tmp_path, MANIFEST, told.append).manifest.processor == "OpenBLAS Other"
    (line,) = told
    assert line.startswith(f"{tmp_path} was begun on another processor (OpenBLAS Other, here ")
    told.clear()
    open_run(tmp_path / "own", MANIFEST, told.append)
    open_run(tmp_path / "own", MANIFEST, told.append)
    assert not told

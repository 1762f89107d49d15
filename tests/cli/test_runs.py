"""Runs in a directory by command line: they go on, lie together from shards, and are replayed."""

import errno
import json
import os
from pathlib import Path
from typing import Final

import pytest

import trialsim as ts
from tests.runs.test_directory import bytes_of
from trialsim.cli import INPUT_WRONG, INTERRUPTED, RUN_FAILED, run
from trialsim.replicates.parallel import OVERSUBSCRIBE, workers_here
from trialsim.replicates.run import Replicates
from trialsim.reporting.progress import Progress
from trialsim.runs import atomic_file

STUDY: Final = ["cars1", "--set", "design.patients=20", "--jobs", "1"]
WHOLE: Final = ["power", *STUDY, "--replicates", "2000"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the bytes of the run by the function, undisturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    study = ts.load("cars1").replace({"design.patients": 20})
    ts.power(study, 2000, n_jobs=1, out=folder)
    return bytes_of(folder)


def test_an_interrupted_run_tells_what_is_kept_and_goes_on(
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: Progress, done: int, __: Replicates) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Progress, "__call__", interrupt)
        assert run([*WHOLE, "--out", str(tmp_path)]) == INTERRUPTED
    told = f"interrupted; 1 finished blocks are kept in {tmp_path}"
    assert capsys.readouterr().err == f"trialsim: {told}, and the same command continues\n"
    assert len(list((tmp_path / "parts").iterdir())) == 1
    assert run([*WHOLE, "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["replicates"] == 2000
    assert bytes_of(tmp_path) == undisturbed


def test_more_trials_extend_a_run(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    assert run([*WHOLE[:-1], "700", "--out", str(tmp_path)]) == 0
    assert run([*WHOLE, "--out", str(tmp_path)]) == 0
    assert bytes_of(tmp_path) == undisturbed


def test_two_shards_are_merged_into_the_bytes_of_one_run(
    tmp_path: Path, undisturbed: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    shards = [str(tmp_path / f"shard{number}") for number in (1, 2)]
    for number, shard in enumerate(shards, 1):
        assert run([*WHOLE, "--shard", f"{number}/2", "--out", shard]) == 0
        assert f"shard {number}/2 is finished in {shard}" in capsys.readouterr().out
    whole = str(tmp_path / "whole")
    assert run(["merge", whole, shards[0]]) == RUN_FAILED
    assert "1 of 2 blocks are missing: start shard 2/2 again" in capsys.readouterr().err
    assert run(["merge", whole, *shards, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["replicates"] == 2000
    assert bytes_of(tmp_path / "whole") == undisturbed


def test_another_run_and_another_precision_are_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)]
    assert run(["power", *STUDY, "--precision", "0.02", *out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mcse"] <= 0.02
    assert run(["power", *STUDY, "--seed", "3", "--set", "design.block_size=2", *out]) == 2
    told = capsys.readouterr().err
    assert f"design.block_size: must be 4, as in {tmp_path} (got 2)" in told
    assert f"seed: must be 2016, as in {tmp_path} (got 3)" in told
    assert run(["power", *STUDY, "--shard", "1/2"]) == INPUT_WRONG


def test_a_trial_of_a_run_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["power", *STUDY, "--replicates", "8", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run(["replay", str(tmp_path), "--replicate", "1023", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["replicate"], told["same_to_the_bit"]) == (1023, True)
    assert run(["replay", str(tmp_path), "--replicate", "1024"]) == INPUT_WRONG


def test_a_finished_run_that_is_read_only_prints_its_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write fails, as on a file system mounted read-only."""
    command = ["power", *STUDY, "--replicates", "8", "--json", "--out", str(tmp_path)]
    assert run(command) == 0
    first, kept = json.loads(capsys.readouterr().out), bytes_of(tmp_path)
    opened = os.open

    def only_read(path: str, flags: int, *how: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *how)

    def refuse(path: Path, _: bytes) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as read_only:
        read_only.setattr(os, "open", only_read)
        read_only.setattr(atomic_file, "_write_to_disk", refuse)
        assert run(command) == 0
    again = json.loads(capsys.readouterr().out)
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert bytes_of(tmp_path) == kept


def test_a_disk_that_is_full_in_the_middle_of_a_part_ends_in_a_line_and_heals(
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, parts = atomic_file._write_to_disk, 0

    def fill(path: Path, content: bytes) -> None:
        nonlocal parts
        parts += path.parent.name == "parts"
        if parts < 2:
            written(path, content)
        else:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(atomic_file, "_write_to_disk", fill)
        assert run([*WHOLE, "--out", str(tmp_path)]) == RUN_FAILED
    told = f"cannot write to {tmp_path}: {os.strerror(errno.ENOSPC)}"
    assert capsys.readouterr().err == f"trialsim: {told}\n"
    assert len(list((tmp_path / "parts").iterdir())) == 1
    assert run([*WHOLE, "--out", str(tmp_path)]) == 0
    assert bytes_of(tmp_path) == undisturbed


def test_more_jobs_than_cores_are_taken_as_one_a_core(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["power", *STUDY[:-1], "100000", "--replicates", "8"]) == 0
    told = capsys.readouterr().err
    assert "--jobs 100000 is taken as " in told
    assert "trialsim --oversubscribe insists" in told


def test_who_oversubscribes_has_more_workers_than_cores(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVERSUBSCRIBE, "0")
    jobs = 2 * (os.cpu_count() or 1)
    one_task = ["power", *STUDY[:-1], str(jobs), "--replicates", "8"]
    assert run(["--oversubscribe", *one_task]) == 0
    assert "--jobs" not in capsys.readouterr().err
    assert workers_here(jobs) == jobs

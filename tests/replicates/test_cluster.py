"""A Dask cluster computes the bytes of one machine, and a lost worker costs time alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.runs.test_directory import MANIFEST, SMALL, bytes_of, kept_power, run_in
from trialsim.errors import InputError, RunError
from trialsim.questions.power import power
from trialsim.replicates import cluster, parallel
from trialsim.runs.directory import open_run

distributed: Any = pytest.importorskip("distributed", reason="needs the extra `cluster`")

SEED: Final = 2016


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    """Return a cluster of two processes on this machine's loopback."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        yield cluster


def test_a_cluster_leaves_the_bytes_of_one_machine(tmp_path: Path, local: Any) -> None:
    kept = open_run(tmp_path / "cluster", MANIFEST)
    kept_power(kept, scheduler=local.scheduler_address)
    run_in(tmp_path / "alone")
    assert bytes_of(tmp_path / "cluster") == bytes_of(tmp_path / "alone")


def test_a_cluster_tells_what_this_process_tells_without_a_directory(local: Any) -> None:
    there = power(SMALL, 5000, SEED, scheduler=local.scheduler_address)
    here = power(SMALL, 5000, SEED, n_jobs=1)
    assert {**there.to_dict(), "seconds": 0} == {**here.to_dict(), "seconds": 0}


def test_a_lost_worker_costs_time_and_no_result(tmp_path: Path) -> None:
    """One of two workers is taken away after the first block."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    ) as two:
        workers = dict(two.workers)

        def lose_one(_: int, __: Any) -> None:
            if len(workers) == 2:
                workers.popitem()[1].process.process.kill()

        kept = open_run(tmp_path / "cluster", MANIFEST)
        kept_power(kept, scheduler=two.scheduler_address, progress=lose_one)
    run_in(tmp_path / "alone")
    assert len(workers) == 1
    assert bytes_of(tmp_path / "cluster") == bytes_of(tmp_path / "alone")


def test_workers_with_other_versions_are_refused(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: workers that are said to have no NumPy."""
    monkeypatch.setattr(cluster, "ask_workers", lambda client: {"tcp://there": {"numpy": "1.0"}})
    with pytest.raises(InputError, match=r"worker tcp://there: numpy: must be .* \(got 1\.0\)"):
        power(SMALL, 10, SEED, scheduler=local.scheduler_address)


def test_a_worker_with_other_versions_that_joins_late_is_refused(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: a process whose own versions differ from all workers', which it did not ask."""
    monkeypatch.setattr(cluster, "ask_workers", lambda client: {})
    monkeypatch.setattr(parallel, "versions_here", lambda: {"numpy": "1.0"})
    with pytest.raises(InputError, match=r"worker .*: numpy: must be 1\.0, as here \(got "):
        power(SMALL, 10, SEED, scheduler=local.scheduler_address)


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with pytest.raises(RunError, match=r"^no Dask scheduler answers at tcp://127\.0\.0\.1:1: "):
        power(SMALL, 10, SEED, scheduler="tcp://127.0.0.1:1")

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


def test_a_cluster_tells_what_this_process_tells_without_a_directory(local: Any) -> None:
    there = power(SMALL, 5000, SEED, scheduler=local.scheduler_address)
    here = power(SMALL, 5000, SEED, n_jobs=1)
    assert {**there.to_dict(), "seconds": 0} == {**here.to_dict(), "seconds": 0}


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


def test_a_lost_worker_costs_time_and_no_byte(tmp_path: Path, local: Any) -> None:
    """One of two workers is taken away after the first block: the last test of this cluster."""
    workers = dict(local.workers)

    def lose_one(_: int, __: Any) -> None:
        if len(workers) == 2:
            _, lost = workers.popitem()
            lost.close_gracefully()  # or another would be started in its place
            lost.process.process.kill()

    kept = open_run(tmp_path / "cluster", MANIFEST)
    kept_power(kept, scheduler=local.scheduler_address, progress=lose_one)
    run_in(tmp_path / "alone")
    assert len(workers) == 1
    assert bytes_of(tmp_path / "cluster") == bytes_of(tmp_path / "alone")

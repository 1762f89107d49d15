"""A run shows how far it is, and is stopped, by what is given as its progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import trialsim as ts
from trialsim.reporting import interactive

SMALL = ts.load("stroke_nihss").replace({"design.patients": 12})
VALUES = {"design.patients": [12, 16, 20]}


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Return what the bars that are shown hear: the total, each count, and that they are closed."""
    heard: list[list[Any]] = []

    @contextmanager
    def bar(replicates: int | None) -> Iterator[Callable[[int, Any], None]]:
        heard.append([replicates])
        yield lambda done, part: heard[-1].append(done)
        heard[-1].append("closed")

    monkeypatch.setattr(interactive, "bar", bar)
    return heard


def test_true_shows_one_bar_of_all_replicates(bars: list[list[Any]], tmp_path: Path) -> None:
    ts.power(SMALL, 300, n_jobs=1, progress=True)
    ts.what_if(SMALL, VALUES, replicates=100, n_jobs=1, progress=True)
    ts.what_if(SMALL, VALUES, replicates=1024, n_jobs=1, progress=True, out=tmp_path / "kept")
    ts.power(SMALL, precision=0.2, n_jobs=1, progress=True)
    assert [bar[0] for bar in bars] == [300, 300, 3072, None]
    for total, *counts, closed in bars:
        assert closed == "closed"
        assert sum(counts) == (total or sum(counts)) > 0


def test_false_and_nothing_show_none(bars: list[list[Any]]) -> None:
    ts.power(SMALL, 8, n_jobs=1)
    ts.power(SMALL, 8, n_jobs=1, progress=False)
    assert bars == []


def test_a_stopped_run_keeps_whole_blocks_and_goes_on(tmp_path: Path) -> None:
    """The same call, without the stop, gives what it would have given at once."""
    told: list[int] = []

    def progress(done: int, part: object) -> None:
        told.append(done)
        raise ts.StoppedError("the button was pressed")

    with pytest.raises(ts.StoppedError, match="the button was pressed"):
        ts.power(SMALL, 3072, n_jobs=2, progress=progress, out=tmp_path / "run")
    assert told == [1024]
    assert len(list((tmp_path / "run").rglob("*.parquet"))) == 1
    whole = ts.power(SMALL, 3072, n_jobs=1, out=tmp_path / "run")
    at_once = ts.power(SMALL, 3072, n_jobs=1)
    assert {**whole.to_dict(), "seconds": 0} == {**at_once.to_dict(), "seconds": 0}

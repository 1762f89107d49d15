"""How far a run is, where a notebook shows it."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import trialsim as ts


class Bar:
    """What marimo would show."""

    def __init__(self, **told: Any) -> None:
        self.told, self.open, self.done, self.words = told, False, 0, ""

    def __enter__(self) -> "Bar":
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def update(self, increment: int = 0, subtitle: str | None = None) -> None:
        """Count what is done."""
        assert self.open
        self.done += increment
        self.words = subtitle or ""


def test_marimo_shows_a_bar_with_the_power_so_far_which_ends_with_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Bar] = []

    def progress_bar(**told: Any) -> Bar:
        shown.append(Bar(**told))
        return shown[-1]

    status = SimpleNamespace(progress_bar=progress_bar)
    marimo = SimpleNamespace(running_in_notebook=lambda: True, status=status)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    found = ts.power("cars1", 300, progress=True, n_jobs=1)
    (bar,) = shown
    assert (bar.told["total"], bar.done, bar.open) == (300, 300, False)
    assert bar.words.startswith(f"power {found.power:.3f} (")


def test_outside_a_notebook_and_a_terminal_nothing_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    marimo = SimpleNamespace(running_in_notebook=lambda: False)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    ts.power("cars1", 64, progress=True, n_jobs=1)
    assert capsys.readouterr() == ("", "")

"""The progress of a long run, on standard error or in a notebook; silent elsewhere."""

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.replicates.run import Replicates


class Progress:
    """A bar on standard error, in a marimo notebook or in a Jupyter one with widgets; else silent.

    For one design it shows the running power and its MCSE. `replicates` is None if not known.
    With a precision the total is projected from the power so far.
    """

    def __init__(
        self, replicates: int | None, designs: int = 1, precision: float | None = None
    ) -> None:
        total = None if replicates is None else replicates * designs
        self._bar = _InMarimo(total) if _in_marimo() else _ByRich(total)
        self._one_design = designs == 1 and (total is not None or precision is not None)
        self._precision = precision
        self._favoured = self._known = 0.0

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, part: "Replicates") -> None:
        """Count a finished task."""
        import numpy as np

        from trialsim.stats.monte_carlo import wilson_interval

        favoured = part.columns.get("favoured", np.empty(0))
        self._favoured += float(np.nansum(favoured))
        self._known += float(np.isfinite(favoured).sum())
        running, total = "", None
        if self._known and self._one_design:
            now = wilson_interval(self._favoured, self._known)
            running = f"power {now.estimate:.3f} ({now.low:.3f} to {now.high:.3f})"
            if self._precision is not None:
                needed = float(now.estimate * (1 - now.estimate)) / self._precision**2
                total = max(needed, self._known)
        self._bar.advance(done, running, total)


class _ByRich:
    """A bar in a terminal, or of widgets in Jupyter."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("simulating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[running]}"),
            console=console,
            disable=not (console.file.isatty() or _has_widgets(console)),
            transient=True,
        )
        self._task = self._bar.add_task("simulating", total=total, rate="", running="")

    def start(self) -> None:
        """Begin to show the bar."""
        self._bar.start()

    def stop(self) -> None:
        """Take it away."""
        self._bar.stop()

    def advance(self, done: int, running: str, total: float | None) -> None:
        """Count what is done, tell the power so far, and set a total that became known."""
        if total is not None:
            self._bar.update(self._task, total=total)
        self._bar.update(self._task, advance=done, running=running)
        speed = self._bar.tasks[self._task].finished_speed or self._bar.tasks[self._task].speed
        self._bar.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")


class _InMarimo:
    """A bar below the cell that runs; of an unknown total, a sign that something is done."""

    def __init__(self, total: int | None) -> None:
        from marimo import status

        told: dict[str, Any] = {"title": "simulating", "remove_on_exit": True}
        self._counts = bool(total)
        self._shown: Any = (
            status.progress_bar(total=total, **told) if total else status.spinner(**told)
        )

    def start(self) -> None:
        """Begin to show the bar."""
        self._bar = self._shown.__enter__()

    def stop(self) -> None:
        """Take it away."""
        self._shown.__exit__(None, None, None)

    def advance(self, done: int, running: str, total: float | None) -> None:
        """Count what is done and tell the power so far."""
        counted = {"increment": done} if self._counts else {}
        self._bar.update(**counted, subtitle=running or None)


def _in_marimo() -> bool:
    """Return whether a cell of a marimo notebook runs this."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and marimo.running_in_notebook()


def _has_widgets(console: "Console") -> bool:
    """Return whether this is a notebook that can change what it shows."""
    return console.is_jupyter and find_spec("ipywidgets") is not None

"""The progress of a long run, on standard error or in a notebook; silent elsewhere."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.replicates.run import Replicates


class Progress:
    """A bar on standard error or in a notebook with widgets; silent elsewhere.

    For one design it shows the running power and its MCSE. `replicates` is None if not known.
    With a precision the total is projected from the power so far.
    """

    def __init__(
        self, replicates: int | None, designs: int = 1, precision: float | None = None
    ) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        total = None if replicates is None else replicates * designs
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
        running = ""
        if self._known and self._one_design:
            now = wilson_interval(self._favoured, self._known)
            running = f"power {now.estimate:.3f} ({now.low:.3f} to {now.high:.3f})"
            if self._precision is not None:
                needed = float(now.estimate * (1 - now.estimate)) / self._precision**2
                self._bar.update(self._task, total=max(needed, self._known))
        self._bar.update(self._task, advance=done, running=running)
        speed = self._bar.tasks[self._task].finished_speed or self._bar.tasks[self._task].speed
        self._bar.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")


def _has_widgets(console: "Console") -> bool:
    """Return whether this is a notebook that can change what it shows."""
    return console.is_jupyter and find_spec("ipywidgets") is not None

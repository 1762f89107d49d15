"""Works are timed in turns, A B A B, so that whatever the machine does meets all of them alike."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from trialsim.arrays import Floats


class Effort(NamedTuple):
    """How thoroughly to measure."""

    name: str
    repeats: int
    share: float
    """Of the work of a full run."""

    def of(self, full: int, least: int = 1) -> int:
        """Return this effort's share of the work of a full run, but at least so much.

        >>> SHORT.of(20_000), SMOKE.of(20_000, least=64)
        (1600, 64)
        """
        return max(least, round(full * self.share))


FULL: Final = Effort("full", 5, 1.0)
SHORT: Final = Effort("short", 3, 0.08)
SMOKE: Final = Effort("smoke", 1, 0.0)


class Work(NamedTuple):
    """Something to be timed."""

    seconds: Callable[[], float]
    """Does it once and returns the seconds that it took."""
    amount: float
    """What is done each time: trials, patients, numbers."""


class Target(NamedTuple):
    """What a figure has to reach; with a unit, our own value is held to it."""

    bound: Literal["at least", "at most", "within"]
    value: float
    unit: str = ""

    def reached_by(self, figure: float) -> bool:
        """Return whether a figure reaches the target; "within" is on either side of 0.

        >>> Target("at least", 60).reached_by(59.0), Target("within", 3).reached_by(-2.0)
        (False, True)
        """
        if self.bound == "at least":
            return figure >= self.value
        return (figure if self.bound == "at most" else abs(figure)) <= self.value


class Row(NamedTuple):
    """One comparison: ours, theirs, and the figure (most often a ratio) that says how they stand.

    `spread` is the least and the largest figure over repeats, or of our own value where nothing
    stands beside it. A row that is not `judged` was measured with less work than its target names.
    """

    what: str
    unit: str
    ours: float | None = None
    theirs: float | None = None
    figure: float | None = None
    spread: tuple[float, float] | None = None
    target: Target | None = None
    judged: bool = True
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without one, or where it was not measured."""
        if self.target is None or not self.judged:
            return None
        value = self.ours if self.target.unit else self.figure
        return None if value is None else self.target.reached_by(value)


class Table(NamedTuple):
    """The rows of one part."""

    title: str
    rows: list[Row]
    figure: str = "ratio"
    """What the figures are."""


def on_one_core(call: Callable[[], object], amount: float) -> Work:
    """Time a call by the processor time of this process, which other processes do not lengthen."""
    return Work(_timed(call, time.process_time), amount)


def by_the_clock(call: Callable[[], object], amount: float) -> Work:
    """Time a call that works in other processes too."""
    return Work(_timed(call, time.perf_counter), amount)


def in_turns(works: Mapping[str, Work], repeats: int) -> dict[str, Floats]:
    """Return the amount each work does in a second, for each round; a first round is not counted.

    >>> rates = in_turns({"a": Work(lambda: 0.5, 10), "b": Work(lambda: 2.0, 10)}, repeats=2)
    >>> rates["a"].tolist(), rates["b"].tolist()
    ([20.0, 20.0], [5.0, 5.0])
    """
    rounds = [[work.amount / work.seconds() for work in works.values()] for _ in range(repeats + 1)]
    return dict(zip(works, np.array(rounds[1:]).T, strict=True))


def compared(
    what: str,
    unit: str,
    ours: Floats,
    theirs: Floats,
    target: Target | None = None,
    judged: bool = True,
    note: str = "",
) -> Row:
    """Return the row of values measured in turns; its ratio is the median of ours over theirs.

    >>> compared("x", "s", np.array([1.0, 2, 4]), np.array([1.0, 1, 1])).spread
    (1.0, 4.0)
    """
    ratios = ours / theirs
    return Row(
        what=what,
        unit=unit,
        ours=float(np.median(ours)),
        theirs=float(np.median(theirs)),
        figure=float(np.median(ratios)),
        spread=(float(ratios.min()), float(ratios.max())),
        target=target,
        judged=judged,
        note=note,
    )


def _timed(call: Callable[[], object], clock: Callable[[], float]) -> Callable[[], float]:
    def seconds() -> float:
        began = clock()
        call()
        return clock() - began

    return seconds

"""Replicates until the Monte Carlo error is small enough, looked at after counts fixed in advance.

The counts are whole blocks and grow by a quarter: 1, 2, 3, 4, 5, 7, 9, 12 ... So the count at which
a run stops depends on its numbers alone, not on workers, and at most a quarter of it was not
needed. The power that a run stops with is nearly unbiased: only its error decides, not its size.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.replicates.checks import MOST_REPLICATES
from trialsim.replicates.run import Replicates, joined
from trialsim.stats.monte_carlo import mcse_of_proportion

LOOSEST: Final = 0.5
"""The error of one toss of a coin."""


def looks(block: int) -> Iterator[int]:
    """Yield the counts of replicates after which a run may stop.

    >>> counts = looks(1024)
    >>> [next(counts) // 1024 for _ in range(8)]
    [1, 2, 3, 4, 5, 7, 9, 12]
    """
    blocks = 1
    while True:
        yield blocks * block
        blocks = max(blocks + 1, math.ceil(blocks * 1.25))


def is_precise(done: Replicates, precision: float) -> bool:
    """Return whether the Monte Carlo standard error of the power is small enough to stop.

    It is judged with two rejections and two others added (Agresti and Coull 1998, The American
    Statistician 52:119), so that a power of 1 after few replicates, whose error would be 0, does
    not stop a run.
    """
    favoured = done.columns["favoured"]
    known = float(np.isfinite(favoured).sum()) + 4
    power = (float(np.nansum(favoured)) + 2) / known
    return bool(mcse_of_proportion(power, known) <= precision)


def until_precise(run: Callable[[range], Replicates], precision: float, block: int) -> Replicates:
    """Return the first replicates that are precise enough; `run` returns those of a range."""
    parts: list[Replicates] = []
    reached, done = 0, Replicates({}, ())
    for count in looks(block):
        parts.append(run(range(reached, count)))
        reached, done = count, joined(parts)
        if len(done.failures) == count or is_precise(done, precision):
            break  # if all failed, nothing will ever be known
    return done


FINEST: Final = 0.5 / math.sqrt(MOST_REPLICATES)
"""What the most replicates give a power of a half."""


def check_precision(precision: float) -> None:
    """Raise InputError for a precision that no run can have or need.

    >>> check_precision(0.003)
    """
    if not FINEST <= precision < LOOSEST:
        rule = f"must be at least {FINEST:g} and below {LOOSEST}"
        raise InputError([Problem("precision", rule, f"{precision:g}")])

"""Replicates until the Monte Carlo error is small enough, looked at after counts fixed in advance.

The counts are whole blocks and grow by a quarter: 1, 2, 3, 4, 5, 7, 9, 12 ... So the count at which
a run stops depends on its numbers alone, not on workers, and at most a quarter of it was not
needed. The power that a run stops with is nearly unbiased: only its error decides, not its size.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from trialsim.errors import InputError, Problem
from trialsim.replicates.checks import MOST_REPLICATES, check_recruitment, chosen_engine
from trialsim.replicates.parallel import Progress, run_in_parallel
from trialsim.replicates.result import PowerResult, summarised
from trialsim.replicates.run import BATCH, Replicates, joined
from trialsim.runs.manifest import BLOCK
from trialsim.scenario.programme import Study
from trialsim.stats.monte_carlo import mcse_of_proportion
from trialsim.trial.trial import Engine

Aim = Callable[[int], None]
"""Called with the number of replicates that a run now aims at."""

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
    rejected = done.columns["rejected"]
    known = float(np.isfinite(rejected).sum()) + 4
    power = (float(np.nansum(rejected)) + 2) / known
    return bool(mcse_of_proportion(power, known) <= precision)


def until_precise(run: Callable[[int], Replicates], precision: float, block: int) -> Replicates:
    """Return the first replicates that are precise enough; `run` returns the first so many."""
    counts = looks(block)
    done = run(next(counts))
    while not is_precise(done, precision):
        if len(done.failures) == len(done.columns["rejected"]):
            break  # nothing will ever be known
        done = run(next(counts))
    return done


def power_to(
    scenario: Study,
    precision: float,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | None = None,
    scheduler: str | None = None,
    aim: Aim | None = None,
) -> PowerResult:
    """Return what `power` returns, of as many replicates as the precision needs.

    Raises
    ------
    InputError
        If the precision is not between 0 and 0.5, or the engine cannot run the scenario.
    RunError
        If recruitment can never finish, or every replicate failed.
    """
    check_precision(precision)
    began = time.perf_counter()
    used = chosen_engine(scenario, engine)
    check_recruitment(scenario)  # refuses what can never recruit
    parts: list[Replicates] = []
    reached = 0

    def run(count: int) -> Replicates:
        nonlocal reached
        if aim is not None:
            aim(count)
        more = range(reached, count)
        parts.append(
            run_in_parallel(scenario, seed, more, used, n_jobs, batch, progress, scheduler)
        )
        reached = count
        return joined(parts)

    done = until_precise(run, precision, BLOCK)
    return summarised(scenario, seed, used, done, time.perf_counter() - began)


FINEST: Final = 0.5 / math.sqrt(MOST_REPLICATES)
"""What the most replicates give a power of a half."""


def check_precision(precision: float) -> None:
    """Raise InputError for a precision that no run can have or need.

    >>> check_precision(0.003)
    """
    if not FINEST <= precision < LOOSEST:
        rule = f"must be at least {FINEST:g} and below {LOOSEST}"
        raise InputError([Problem("precision", rule, f"{precision:g}")])

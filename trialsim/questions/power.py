"""The operating characteristics of a design, each with its Monte Carlo error."""

import time
from pathlib import Path
from typing import Final

from trialsim.errors import InputError, Problem
from trialsim.replicates.checks import check_recruitment, chosen_engine
from trialsim.replicates.parallel import Progress, run_in_parallel
from trialsim.replicates.result import PowerResult, summarised
from trialsim.replicates.run import BATCH
from trialsim.runs.long_run import resumable_power
from trialsim.runs.precision import power_to
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Engine

REPLICATES: Final = 10_000
"""Where neither a count nor a precision is asked for."""


def power(
    scenario: Study,
    replicates: int | None = None,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | None = None,
    scheduler: str | None = None,
    out: str | Path | None = None,
    precision: float | None = None,
) -> PowerResult:
    """Simulate and analyse replicates of a study, and say what the design does on average.

    The result is the same for any number of workers and any batch size.

    Parameters
    ----------
    replicates
        10,000 unless a precision is asked for instead.
    n_jobs
        Worker processes; -1 for one on each core, 1 to stay in this process.
    progress
        Called with the number of replicates that each finished task adds, and their results.
    scheduler
        The address of a Dask scheduler, on whose workers to run instead.
    out
        A directory that keeps what is run, from which the same call continues.
    precision
        The Monte Carlo standard error of the power at which to stop, instead of a count.

    Raises
    ------
    RunError
        If recruitment can never finish, or every replicate failed.
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients, if
        both a count and a precision are asked for, or the directory is that of another run.
    ValueError
        If replicates, seed, n_jobs or batch is out of range.
    """
    _check_asked(replicates, n_jobs, batch)
    if replicates is not None and precision is not None:
        rule = "must not be given with replicates"
        raise InputError([Problem("precision", rule, f"{precision:g}")])
    count = REPLICATES if replicates is None else replicates
    if out is not None:
        how = (seed, n_jobs, engine, batch, progress, scheduler)
        return resumable_power(out, scenario, count, precision, *how)
    if precision is not None:
        return power_to(scenario, precision, seed, n_jobs, engine, batch, progress, scheduler)
    began = time.perf_counter()
    used = chosen_engine(scenario, engine)
    check_recruitment(scenario)  # refuses at once, not in every replicate, what can never recruit
    done = run_in_parallel(scenario, seed, range(count), used, n_jobs, batch, progress, scheduler)
    return summarised(scenario, seed, used, done, time.perf_counter() - began)


def _check_asked(replicates: int | None, n_jobs: int, batch: int) -> None:
    if replicates is not None and replicates < 1:
        raise ValueError(f"replicates must be at least 1 (got {replicates})")
    if batch < 1:
        raise ValueError(f"batch must be at least 1 (got {batch})")
    if n_jobs == 0:
        raise ValueError("n_jobs must not be 0 (got 0)")

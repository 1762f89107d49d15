"""The operating characteristics of a design, each with its Monte Carlo error."""

import time
from pathlib import Path
from typing import Final

from trialsim.errors import InputError, Problem
from trialsim.replicates.checks import chosen_engine
from trialsim.replicates.parallel import Progress
from trialsim.replicates.result import PowerResult, summarised
from trialsim.replicates.run import BATCH, summary_of
from trialsim.replicates.secondary import problems_of_secondary
from trialsim.runs.manifest import SECONDARY
from trialsim.runs.precision import check_precision
from trialsim.runs.runner import Runner, not_enough
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Study
from trialsim.trial.trial import Engine

REPLICATES: Final = 10_000
"""Where neither a count nor a precision is given."""


def power(
    scenario: Study | str | Path,
    replicates: int | None = None,
    seed: int = 2016,
    n_jobs: int = -1,
    engine: Engine = "auto",
    batch: int = BATCH,
    progress: Progress | bool | None = None,
    scheduler: str | None = None,
    out: str | Path | None = None,
    precision: float | None = None,
    secondary: bool = False,
) -> PowerResult:
    """Simulate and analyse replicates of a study, and say what the design does on average.

    The result is the same for any number of workers and any batch size.

    Parameters
    ----------
    replicates
        10,000 unless a precision is given instead.
    n_jobs
        Worker processes; -1 for one on each core, 1 to stay in this process.
    progress
        True for a bar in the terminal or the notebook, or a function, called with the number of
        replicates that each finished task adds, and their results; `StoppedError` raised in it
        stops the run.
    scheduler
        The address of a Dask scheduler, on whose workers to run instead.
    out
        A directory that keeps what is run, from which the same call continues.
    precision
        The Monte Carlo standard error of the power at which to stop, instead of a count.
    secondary
        Whether every secondary analysis of the plan is made too; see `PowerResult.secondary`.

    Raises
    ------
    RunError
        If recruitment can never finish, or every replicate failed.
    InputError
        If the engine is unknown, or the vector engine is asked to run what couples patients, if
        both a count and a precision are given, if a number is out of range, or the directory
        is that of another run.
    """
    scenario = load_study(scenario)
    runner = Runner(seed, n_jobs, engine, batch, progress, scheduler)
    wrong = list(runner.problems())
    if replicates is not None:
        wrong += not_enough("replicates", replicates)
        if precision is not None:
            rule = "must not be given with replicates"
            wrong.append(Problem("precision", rule, f"{precision:g}"))
    if wrong:
        raise InputError(wrong)
    runner = keeping_power(runner, out, scenario, secondary)
    return power_by(runner, scenario, replicates, precision, secondary)


def keeping_power(
    runner: Runner, out: str | Path | None, study: Study, secondary: bool = False
) -> Runner:
    """Return a runner that keeps a study's run in a directory, unless there is none.

    Raises
    ------
    InputError
        If the study has no secondary analyses to keep, or the directory is that of another run.
    """
    wrong = list(problems_of_secondary(study)) if secondary else []
    if wrong:
        raise InputError(wrong)
    return runner.keeping(out, study, inputs={SECONDARY: True} if secondary else None)


def power_by(
    runner: Runner,
    study: Study,
    replicates: int | None = None,
    precision: float | None = None,
    secondary: bool = False,
) -> PowerResult:
    """Return the power of a study as a runner gives it, which keeps it if it has a directory."""
    began = time.perf_counter()
    if precision is not None:
        check_precision(precision)
    apart = secondary and runner.directory is None  # a directory knows what it keeps
    summarise = summary_of(study, secondary) if apart else None
    runner.check(study)  # refuses at once, not in every replicate, what can never recruit
    runner.note_if_slow(study)
    with runner.logged():
        if precision is None:
            count = REPLICATES if replicates is None else replicates
            done = runner.run(study, range(count), summarise)
        else:
            done = runner.until(study, precision, summarise)
        used, seconds = chosen_engine(study, runner.engine), time.perf_counter() - began
        result = summarised(study, runner.seed, used, done, seconds)
        runner.write_summary(result)
    return result

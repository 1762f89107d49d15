"""A few dozen numbers from each replicate, and nothing else kept of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.counts import cell_counts, mean_scores
from trialsim.analysis.endpoint import endpoint
from trialsim.analysis.primary import analyse_counted, complete_effect
from trialsim.arrays import Floats
from trialsim.clock import DAY, NEVER
from trialsim.errors import RecruitmentError
from trialsim.scenario.scenario import Scenario
from trialsim.streams import LANES, Streams
from trialsim.trial.trial import Engine, Trial, simulate_batch

BATCH: Final = LANES
"""Replicates simulated at once; it changes no result."""


class Failure(NamedTuple):
    """A replicate that could not be finished: its address, with the seed, and why."""

    replicate: int
    reason: str
    traceback: str | None = None
    """Where in the code an error arose; None where it is the trial that could not be recruited."""


class Replicates(NamedTuple):
    """Results of a contiguous range of replicates, in order."""

    columns: Mapping[str, Floats]
    """One number a replicate for each quantity; NaN in a replicate that failed."""
    failures: tuple[Failure, ...]


class Asked(NamedTuple):
    """What is kept of each replicate: names, and what gives a number of each name for a batch."""

    names: tuple[str, ...]
    of: Callable[[Trial], Mapping[str, Floats]]


def run_replicates(
    scenario: Scenario,
    seed: int,
    replicates: range,
    engine: Engine,
    batch: int = BATCH,
    asked: Asked | None = None,
) -> Replicates:
    """Simulate and analyse a range of replicates, batch by batch.

    Unless something else is asked of them, what is kept is `quantities`.

    A replicate that fails is reported with its reason and does not end the run.

    Raises
    ------
    ValueError
        If the seed or the batch is out of range.
    """
    asked = asked or Asked(QUANTITIES, quantities)
    starts = range(replicates.start, replicates.stop, batch)
    parts = [
        _run_batch(scenario, seed, range(start, min(start + batch, replicates.stop)), engine, asked)
        for start in starts
    ]
    return joined(parts)


def joined(parts: list[Replicates]) -> Replicates:
    """Return parts that follow one another as one."""
    names = next((part.columns for part in parts if part.columns), {})
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in names}
    return Replicates(columns, tuple(failure for part in parts for failure in part.failures))


def _run_batch(
    scenario: Scenario, seed: int, replicates: range, engine: Engine, asked: Asked
) -> Replicates:
    streams = Streams(seed, replicates)
    try:
        trial = simulate_batch(scenario, streams, engine)
        columns = dict(asked.of(trial))
        failures = trial.failures
    except Exception as error:
        if len(replicates) > 1:  # find the one that fails
            halves = replicates[: len(replicates) // 2], replicates[len(replicates) // 2 :]
            return joined([_run_batch(scenario, seed, half, engine, asked) for half in halves])
        failure = _failure(replicates[0], error)
        return Replicates({name: np.full(1, np.nan) for name in asked.names}, (failure,))
    if failures:
        place = trial.replicates - replicates.start
        whole = {name: np.full(len(replicates), np.nan) for name in columns}
        for name, values in columns.items():
            whole[name][place] = values
        columns = whole
    return Replicates(columns, tuple(Failure(*one) for one in sorted(failures.items())))


def _failure(replicate: int, error: Exception) -> Failure:
    """Return a failure that reads alike wherever the package is installed."""
    if isinstance(error, RecruitmentError):
        return Failure(replicate, str(error))
    frames = [
        f"{_in_its_package(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in extract_tb(error.__traceback__)
    ]
    return Failure(replicate, repr(error), "\n".join([*frames, repr(error)]))


def _in_its_package(filename: str) -> str:
    """Return a file's path without the folders in which packages are installed.

    >>> _in_its_package("/opt/venv/lib/site-packages/numpy/_core/numeric.py")
    'numpy/_core/numeric.py'
    """
    parts = Path(filename).parts
    for package in ("site-packages", Path(__file__).parents[2].name):
        if package in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(package) :])
    return Path(filename).name


QUANTITIES: Final = (
    "estimate",
    "low",
    "high",
    "p_value",
    "rejected",
    "complete_estimate",
    "treated_analysed",
    "control_analysed",
    "treated_mean",
    "control_mean",
    "screened",
    "recruitment_days",
    "duration_days",
    "infusions_given",
    "discontinued",
    "withdrawn",
    "died",
)
"""The numbers kept of each replicate."""


def quantities(trial: Trial) -> dict[str, Floats]:
    """Return the numbers that are kept of each replicate of a trial, as `QUANTITIES` names them."""
    plan = trial.scenario.analysis
    counts = cell_counts(trial, plan, endpoint(trial, plan))
    primary = analyse_counted(trial, plan, counts)
    means = mean_scores(counts, trial.scenario.outcomes[plan.endpoint], plan)
    conduct = trial.conduct
    ends = [
        (conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]).max(axis=1)
        for visit in range(len(trial.scenario.design.visits))
    ]
    numbers = {
        "estimate": primary.estimate,
        "low": primary.low,
        "high": primary.high,
        "p_value": primary.p_value,
        "rejected": primary.rejected,
        "complete_estimate": complete_effect(trial, plan),
        "treated_analysed": primary.treated,
        "control_analysed": primary.control,
        "treated_mean": means[:, 0],
        "control_mean": means[:, 1],
        "screened": conduct.screened,
        "recruitment_days": conduct.closed / DAY,
        "duration_days": np.max(ends, axis=0) / DAY,
        "infusions_given": np.count_nonzero(conduct.infusion_given, axis=(1, 2)),
        "discontinued": (conduct.discontinued < NEVER).sum(axis=1),
        "withdrawn": (conduct.withdrawn < NEVER).sum(axis=1),
        "died": (conduct.died < NEVER).sum(axis=1),
    }
    return {name: np.asarray(number, np.float64) for name, number in numbers.items()}

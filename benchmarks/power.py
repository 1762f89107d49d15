"""A power calculation by workers, batch size and replicates, and the memory it takes."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

import trialsim
from benchmarks.measure import (
    FULL,
    Effort,
    Row,
    Table,
    Target,
    by_the_clock,
    compared,
    in_turns,
    on_one_core,
)
from trialsim.replicates.run import BATCH, Simulation
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario

SEED: Final = 2016
WORKERS: Final = 2
REPLICATES: Final = 20_000
MANY: Final = 100_000
PATIENTS: Final = 208
MOST_PATIENTS: Final = 1_000_000
DESIGNS: Final = (15, 4)
"""Sizes and effects of a grid."""
OF_A_DESIGN: Final = 5_000
BATCHES: Final = (1, BATCH, 2 * BATCH, 4 * BATCH, 8 * BATCH)


def measure(effort: Effort) -> Table:
    """Time the power of cars1, whose vector engine simulates and analyses whole trials."""
    scenario = load("cars1")
    return Table(
        "power of cars1 by workers, batch size and replicates",
        [
            _workers(scenario, effort),
            *_batches(scenario, effort),
            _replicates(scenario, effort),
            _designs(scenario, effort),
            _memory(effort),
            _memory_of_patients(effort),
        ],
    )


def _workers(scenario: Scenario, effort: Effort) -> Row:
    """Compare workers with one; the first round, which starts the workers, is not counted."""
    count = effort.of(REPLICATES, least=BATCH)
    works = {
        str(jobs): by_the_clock(partial(trialsim.power, scenario, count, SEED, n_jobs=jobs), count)
        for jobs in (WORKERS, 1)
    }
    rates = in_turns(works, effort.repeats)
    return compared(
        f"{WORKERS} workers against one, {count:,} replicates",
        "trials/s",
        rates[str(WORKERS)],
        rates["1"],
        Target("at least", 1.7),
        judged=effort == FULL,
        note=f"{os.cpu_count()} cores",
    )


def _batches(scenario: Scenario, effort: Effort) -> list[Row]:
    works = {}
    for batch in BATCHES:
        count = effort.of(4096, least=512) if batch > 1 else effort.of(128)
        run = partial(Simulation(scenario, SEED, "vector", batch).run, range(count))
        works[str(batch)] = on_one_core(run, count)
    rates = in_turns(works, effort.repeats)
    usual = rates[str(BATCH)]
    return [
        compared(f"batches of {batch} against {BATCH}", "trials/s", rates[str(batch)], usual)
        for batch in BATCHES
        if batch != BATCH
    ]


def _replicates(scenario: Scenario, effort: Effort) -> Row:
    """Compare the time of a replicate among many with that among few."""
    many = effort.of(REPLICATES, least=8 * BATCH)
    few = many // 8
    works = {
        str(count): on_one_core(partial(trialsim.power, scenario, count, SEED, n_jobs=1), count)
        for count in (many, few)
    }
    times = {count: 1000 / rates for count, rates in in_turns(works, effort.repeats).items()}
    what = f"one worker, {many:,} replicates against {few:,}"
    return compared(what, "ms/trial", times[str(many)], times[str(few)], Target("at most", 1.1))


def _designs(scenario: Scenario, effort: Effort) -> Row:
    """Time a grid of designs, compared on the same patients; a small one starts the workers."""
    sizes, effects = DESIGNS if effort == FULL else (2, 1)
    count = effort.of(OF_A_DESIGN, least=BATCH)
    _grid(scenario, 2, 1, BATCH)
    grid = by_the_clock(partial(_grid, scenario, sizes, effects, count), 1)
    return Row(
        what=f"{sizes * effects} designs of {count:,} replicates, {WORKERS} workers",
        unit="s",
        ours=grid.seconds(),
        target=Target("at most", 14, "s"),
        judged=effort == FULL,
        note=f"by the clock, of {120 + 10 * (sizes - 1)} patients on average: cars1 has 208",
    )


def _grid(scenario: Scenario, sizes: int, effects: int, count: int) -> None:
    changes = {
        "design.patients": range(120, 120 + 20 * sizes, 20),
        "outcomes.arat.effect.value": [0.58 + 0.02 * step for step in range(effects)],
    }
    trialsim.what_if(scenario, changes, how="grid", replicates=count, seed=SEED, n_jobs=WORKERS)


def _memory(effort: Effort) -> Row:
    """Compare the peak of the largest process with that for a tenth of the replicates."""
    many = effort.of(MANY, least=10 * BATCH)
    peaks = [_peak(count, WORKERS, PATIENTS) for count in (many, many // 10)]
    return Row(
        what=f"peak of a process, {WORKERS} workers, {many:,} replicates against a tenth",
        unit="MB",
        ours=peaks[0],
        theirs=peaks[1],
        figure=peaks[0] / peaks[1],
        target=Target("at most", 600, "MB"),
        judged=effort == FULL,
    )


def _memory_of_patients(effort: Effort) -> Row:
    """Tell the peak of trials of as many patients as there may be."""
    patients = MOST_PATIENTS if effort == FULL else PATIENTS
    return Row(
        what=f"peak of a process, trials of {patients:,} patients",
        unit="MB",
        ours=_peak(2, 1, patients),
        target=Target("at most", 600, "MB"),
        judged=effort == FULL,
    )


def _peak(*asked: int) -> float:
    """Return MB for replicates, workers and patients, as a program of its own tells it."""
    program = [sys.executable, "-m", "benchmarks.peak_memory", *map(str, asked)]
    root = Path(__file__).parents[1]
    ran = subprocess.run(program, cwd=root, check=True, capture_output=True, text=True)
    return float(ran.stdout)

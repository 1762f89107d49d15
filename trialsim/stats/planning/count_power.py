"""A rank test sees only counts over the cells of a scale, so its power needs no patients.

An unadjusted, unstratified Mann-Whitney comparison of two arms, whose patients fall independently
into the cells, is a function of two multinomial counts: drawing these takes a few microseconds a
trial, and gives the p-values that the same patients would give.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    check_probability,
    mean_over_replicates,
    wilson_interval,
)
from trialsim.stats.p_values import Alternative
from trialsim.stats.planning.scale_effects import check_cells
from trialsim.stats.ranks.mann_whitney import RankTest, rank_test, summarise_counts

# Counts of this many trials stay in the cache of a core; it changes no result.
BATCH = 256


class CountPower(NamedTuple):
    """The replicates that reject and their share, and the Mann-Whitney effects of all."""

    rejected: Booleans  # shape (replicates,), to pair with another design on the same seed
    favoured: Booleans
    """Rejections in favour of the treated, shape (replicates,)."""
    power: Proportion
    """Of rejections in either direction."""
    effect: Mean


def count_power(
    treated: Floats,
    control: Floats,
    patients: tuple[int, int],
    replicates: int,
    generator: np.random.Generator,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    continuity: bool = False,
) -> CountPower:
    """Simulate the power of a Mann-Whitney test from the cell probabilities of its arms.

    `treated` and `control` have shape (cells,), worst to best; `patients` are the treated and the
    controls with a value. A trial rejects when p <= alpha; trials with all patients in one cell, or
    an empty arm, do not. Power has its Wilson interval, effects their mean, its error and their SD.

    >>> scale = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.35, 0.25])
    >>> found = count_power(*scale, (40, 40), 2000, np.random.default_rng(1))
    >>> found.rejected.sum().item(), found.power.estimate.item(), found.power.mcse.round(3).item()
    (1448, 0.724, 0.01)
    """
    check_probability("alpha", alpha)
    tests = count_tests(treated, control, patients, replicates, generator, alternative, continuity)
    rejected = tests.p_value <= alpha
    return CountPower(
        rejected,
        rejected & (tests.effect > 0.5),
        wilson_interval(rejected.sum(), replicates),
        mean_over_replicates(tests.effect),
    )


def count_tests(
    treated: Floats,
    control: Floats,
    patients: tuple[int, int],
    replicates: int,
    generator: np.random.Generator,
    alternative: Alternative = "two-sided",
    continuity: bool = False,
) -> RankTest:
    """Return the tests of simulated trials, arguments as in `count_power`, shape (replicates,).

    Each arm draws from a child of the generator, so that more replicates change no earlier one.

    >>> scale = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.35, 0.25])
    >>> tests = count_tests(*scale, (40, 40), 3, np.random.default_rng(1))
    >>> tests.effect.round(3).tolist()
    [0.646, 0.646, 0.699]
    """
    if min(patients) < 0:
        raise ValueError(f"patients must not be negative (got {patients})")
    if replicates < 0:
        raise ValueError(f"replicates must not be negative (got {replicates})")
    shares = [_normalised(arm) for arm in (treated, control)]
    streams = generator.spawn(2)
    tests = RankTest(*(np.empty(replicates) for _ in RankTest._fields))
    for start in range(0, replicates, BATCH):
        size = min(BATCH, replicates - start)
        counts = [
            stream.multinomial(number, arm, size)
            for stream, number, arm in zip(streams, patients, shares, strict=True)
        ]
        batch = rank_test(summarise_counts(counts[0], counts[1]), alternative, continuity)
        for kept, found in zip(tests, batch, strict=True):
            kept[start : start + size] = found
    return tests


def _normalised(cells: Floats) -> Floats:
    cells = np.asarray(cells, float)
    check_cells(cells)
    return np.asarray(cells / cells.sum())

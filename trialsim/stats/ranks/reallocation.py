"""Under the null hypothesis patients' values are fixed, and only their arms are permuted."""

from collections.abc import Iterator
from math import comb

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.mann_whitney import cell_counts, cells_of, count, pool

MOST_ALLOCATIONS = 1_000_000
_ROUNDING = 1e-9  # statistics nearer than this, relatively, are equal


def all_allocations(totals: Integers, treated: int) -> tuple[Integers, Floats]:
    """List every way to treat `treated` of the patients in cells of `totals`, with its probability.

    Patients in one cell are alike, so the ways are the tables of treated patients per cell, shape
    (ways, cells), and their probabilities are multivariate hypergeometric. Raises ValueError when
    there are more than MOST_ALLOCATIONS.

    >>> ways, chances = all_allocations(np.array([2, 1]), 1)
    >>> ways.tolist(), chances.round(3).tolist()
    ([[0, 1], [1, 0]], [0.333, 0.667])
    """
    _check_number_of_ways(totals, treated)
    ways = np.zeros((1, 0), dtype=np.int64)
    chances = np.full(1, 1 / comb(int(totals.sum()), treated))
    left, after = np.full(1, treated), int(totals.sum())
    for total in totals.tolist():
        after -= total
        fewest, most = np.maximum(left - after, 0), np.minimum(left, total)
        options = most - fewest + 1
        way = np.repeat(np.arange(len(left)), options)
        here = np.arange(len(way)) - np.repeat(np.cumsum(options) - options, options) + fewest[way]
        ways = np.column_stack([ways[way], here])
        chances = chances[way] * np.array([float(comb(total, n)) for n in range(total + 1)])[here]
        left = left[way] - here
    return ways, chances


def permuted_counts(
    treated: Floats, control: Floats, permutations: Integers
) -> tuple[Integers, Integers]:
    """Count each arm over the cells of the pooled sample after every permutation.

    Samples have shapes (..., m) and (..., n). A permutation orders the m + n pooled patients (the
    treated first, then the control), and as many of its first known values as there were treated
    ones are treated: `np.argsort` of uniforms gives random ones. `permutations` has shape
    (permutations, m + n), the same for all trials, or (..., permutations, m + n), as independent
    trials of a simulation should. The answers have shape (..., permutations, cells).

    >>> swapped = np.array([[2, 3, 0, 1]])
    >>> treated, control = permuted_counts(np.array([1.0, 1]), np.array([2.0, 3]), swapped)
    >>> treated.tolist(), control.tolist()
    ([[0, 1, 1, 0]], [[2, 0, 0, 0]])
    """
    cells = cells_of(pool(treated, control))
    size, m = cells.shape[-1], treated.shape[-1]
    patients = (cells[..., :m] < size).sum(axis=-1)
    shuffled = np.take_along_axis(cells[..., None, :], _with_batch(permutations, cells), axis=-1)
    known = shuffled < size
    chosen = known & (np.cumsum(known, axis=-1) <= patients[..., None, None])
    permuted = count(np.where(chosen, shuffled, size), size)
    return permuted, count(cells, size)[..., None, :] - permuted


def tail_share(
    observed: Floats,
    others: Floats,
    alternative: Alternative,
    chances: Floats | None = None,
) -> Floats:
    """Return the probability of a statistic at least as extreme as the observed one.

    With `chances`, `others` are all allocations and the answer is exact. Without, they are a random
    sample (last axis) and the observed allocation counts as one more. Two-sided extremes are those
    at least as far from 0.

    >>> tail_share(np.array(2.0), np.array([2.0, 1.0, -2.0]), "greater").item()
    0.5
    """
    extreme = _at_least(observed, others, alternative)
    if chances is None:
        return np.asarray((1.0 + extreme.sum(axis=-1)) / (1.0 + others.shape[-1]))
    return np.asarray(np.minimum(extreme @ chances, 1.0))


def each_trial(treated: Floats, control: Floats) -> Iterator[tuple[tuple[int, ...], Integers, int]]:
    """Give for each trial of a batch its index, pooled counts per cell and number of treated.

    >>> [(totals.tolist(), n) for _, totals, n in each_trial(np.array([[2.0, 5]]), np.array([2.0]))]
    [([2, 1], 2)]
    """
    treated_counts, control_counts = cell_counts(treated, control)
    totals = treated_counts + control_counts
    for trial in np.ndindex(totals.shape[:-1]):
        yield trial, totals[trial][totals[trial] > 0], int(treated_counts[trial].sum())


def _check_number_of_ways(totals: Integers, treated: int) -> None:
    ways = np.ones(1)
    for total in totals.tolist():
        ways = np.convolve(ways, np.ones(total + 1))[: treated + 1]
    if ways[treated] > MOST_ALLOCATIONS:
        raise ValueError(
            f"allocations to list must be at most {MOST_ALLOCATIONS:,} "
            f"(got {ways[treated]:.3g}): draw random permutations instead"
        )


def _at_least(observed: Floats, others: Floats, alternative: Alternative) -> Booleans:
    match alternative:
        case "greater":
            return others >= observed * (1 - _ROUNDING * np.sign(observed))
        case "less":
            return _at_least(-observed, -others, "greater")
        case _:
            return _at_least(np.abs(observed), np.abs(others), "greater")


def _with_batch(permutations: Integers, cells: Integers) -> Integers:
    batch = np.broadcast_shapes(permutations.shape[:-2], cells.shape[:-1])
    return np.broadcast_to(permutations, batch + permutations.shape[-2:])

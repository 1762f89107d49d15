"""Under the null hypothesis patients' values are fixed, and only their arms are permuted."""

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.p_values import Alternative
from trialsim.stats.ranks.mann_whitney import cells_of, count, pool

_ROUNDING = 1e-9  # statistics nearer than this, relatively, are equal


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


def tail_share(observed: Floats, others: Floats, alternative: Alternative) -> Floats:
    """Return the share of statistics at least as extreme as the observed one.

    `others` are of random allocations (last axis), to which the observed one is added. Two-sided
    extremes are those at least as far from 0.

    >>> tail_share(np.array(2.0), np.array([2.0, 1.0, -2.0]), "greater").item()
    0.5
    """
    extreme = _at_least(observed, others, alternative)
    return np.asarray((1.0 + extreme.sum(axis=-1)) / (1.0 + others.shape[-1]))


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

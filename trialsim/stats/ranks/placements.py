"""A patient's placement is the share of the other arm below them; its mean over an arm is theta.

Ties count half. NaN is a missing value: it has no rank and no placement.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.ranks.mann_whitney import cells_of, count, look_up, pool


class Placements(NamedTuple):
    """The placements of the patients of each arm among those of the other."""

    treated: Floats
    control: Floats


def placements(treated: Floats, control: Floats) -> Placements:
    """Place each patient among the other arm, shapes (..., m) and (..., n), batch axes broadcast.

    The mean placement of the treated is theta, that of the controls 1 - theta. NaN for a missing
    value, and for all patients when the other arm is empty.

    >>> found = placements(np.array([3.0, 4]), np.array([1.0, 4]))
    >>> found.treated.tolist(), found.control.tolist()
    ([0.5, 0.75], [0.0, 0.75])
    """
    return placements_of_cells(cells_of(pool(treated, control)), treated.shape[-1])


def placements_of_cells(cells: Integers, treated: int) -> Placements:
    """Place each patient among the other arm, the cells of so many treated first; see `cells_of`.

    >>> placements_of_cells(np.array([1, 2, 0, 2]), 2).treated.tolist()
    [0.5, 0.75]
    """
    cells, size = _taken(cells)
    t, c = cells[..., :treated], cells[..., treated:]
    return Placements(_shares_below(t, count(c, size)), _shares_below(c, count(t, size)))


def midranks(values: Floats) -> Floats:
    """Rank the patients of the last axis from 1; tied patients share the mean of their ranks.

    >>> midranks(np.array([7.0, np.nan, 3, 7])).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    return midranks_of_cells(cells_of(values))


def midranks_of_cells(cells: Integers) -> Floats:
    """Rank the patients whose cells are given; see `cells_of`.

    >>> midranks_of_cells(np.array([1, 4, 0, 1])).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    cells, size = _taken(cells)
    patients = count(cells, size)
    return _at(np.cumsum(patients, axis=-1) - (patients - 1) / 2, cells)


def _taken(cells: Integers) -> tuple[Integers, int]:
    """Return the cells and how many have a patient anywhere, those in none moved next to them."""
    nowhere = cells.shape[-1]
    size = int(np.max(cells, where=cells < nowhere, initial=-1)) + 1
    return np.minimum(cells, size), size


def _shares_below(cells: Integers, others: Integers) -> Floats:
    """Return the share of the others below each patient, from the others' counts in the cells."""
    below = np.cumsum(others, axis=-1) - others / 2
    return _at(divide(below, others.sum(axis=-1, keepdims=True), np.nan), cells)


def _at(cell_values: Floats, cells: Integers) -> Floats:
    """Give each patient the value of their cell; a missing one is in none."""
    return look_up(cell_values, cells, np.nan)

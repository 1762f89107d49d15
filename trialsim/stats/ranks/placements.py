"""A patient's placement is the share of the other arm below them; its mean over an arm is theta.

Ties count half. NaN is a missing value: it has no rank and no placement.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers, divide
from trialsim.stats.ranks.mann_whitney import cells_of, count, pool


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
    cells, m = cells_of(pool(treated, control)), treated.shape[-1]
    t, c = cells[..., :m], cells[..., m:]
    size = cells.shape[-1]
    return Placements(_shares_below(t, count(c, size)), _shares_below(c, count(t, size)))


def midranks(values: Floats) -> Floats:
    """Rank the patients of the last axis from 1; tied patients share the mean of their ranks.

    >>> midranks(np.array([7.0, np.nan, 3, 7])).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    cells = cells_of(values)
    patients = count(cells, values.shape[-1])
    return _at(np.cumsum(patients, axis=-1) - (patients - 1) / 2, cells)


def _shares_below(cells: Integers, others: Integers) -> Floats:
    """Return the share of the others below each patient, from the others' counts in the cells."""
    below = np.cumsum(others, axis=-1) - others / 2
    return _at(divide(below, others.sum(axis=-1, keepdims=True), np.nan), cells)


def _at(cell_values: Floats, cells: Integers) -> Floats:
    """Give each patient the value of their cell; a missing one is in none."""
    missing = np.full((*cell_values.shape[:-1], 1), np.nan)
    return np.take_along_axis(np.concatenate([cell_values, missing], axis=-1), cells, axis=-1)

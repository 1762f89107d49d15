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
    cells, size = _taken(cells_of(pool(treated, control)))
    m = treated.shape[-1]
    t, c = cells[..., :m], cells[..., m:]
    return Placements(_shares_below(t, count(c, size)), _shares_below(c, count(t, size)))


def midranks(values: Floats) -> Floats:
    """Rank the patients of the last axis from 1; tied patients share the mean of their ranks.

    >>> midranks(np.array([7.0, np.nan, 3, 7])).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    cells, size = _taken(cells_of(values))
    patients = count(cells, size)
    return look_up(np.cumsum(patients, axis=-1) - (patients - 1) / 2, cells, np.nan)


def _taken(cells: Integers) -> tuple[Integers, int]:
    """Return the cells and how many have a patient anywhere, those in none moved next to them."""
    nowhere = cells.shape[-1]
    size = int(np.max(cells, where=cells < nowhere, initial=-1)) + 1
    return np.minimum(cells, size), size


def _shares_below(cells: Integers, others: Integers) -> Floats:
    """Return the share of the others below each patient, from the others' counts in the cells."""
    below = np.cumsum(others, axis=-1) - others / 2
    return look_up(divide(below, others.sum(axis=-1, keepdims=True), np.nan), cells, np.nan)

"""A patient's placement is the share of the other arm below them; its mean over an arm is theta.

Ties count half. NaN is a missing value: it has no rank and no placement.
"""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.stats.mann_whitney import divide, pool


class Placements(NamedTuple):
    """The placements of the patients of each arm among those of the other."""

    treated: Floats
    control: Floats


def placements(treated: Floats, control: Floats) -> Placements:
    """Place each patient among the other arm, shapes (..., m) and (..., n), batch axes broadcast.

    The mean placement of the treated is theta, that of the controls 1 - theta. NaN for a missing
    value, and for all patients when the other arm is empty. A placement is the difference of a
    midrank in the pooled sample and one in the patient's own arm, over the size of the other arm
    (Brunner and Munzel 2000).

    >>> found = placements(np.array([3.0, 4]), np.array([1.0, 4]))
    >>> found.treated.tolist(), found.control.tolist()
    ([0.5, 0.75], [0.0, 0.75])
    """
    size = treated.shape[-1]
    pooled = pool(treated, control)
    ranks = midranks(pooled)
    own = midranks(pooled[..., :size]), midranks(pooled[..., size:])
    m, n = (np.sum(~np.isnan(ranked), axis=-1, keepdims=True) for ranked in own)
    return Placements(
        divide(ranks[..., :size] - own[0], n, np.nan), divide(ranks[..., size:] - own[1], m, np.nan)
    )


def midranks(values: Floats) -> Floats:
    """Rank the patients of the last axis from 1; tied patients share the mean of their ranks.

    >>> midranks(np.array([7.0, np.nan, 3, 7])).tolist()
    [2.5, nan, 1.0, 2.5]
    """
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    position = np.arange(values.shape[-1])
    rises = np.ones((*values.shape[:-1], values.shape[-1] + 1), dtype=np.bool_)
    rises[..., 1:-1] = ordered[..., 1:] != ordered[..., :-1]
    first = np.maximum.accumulate(np.where(rises[..., :-1], position, 0), axis=-1)
    last = np.where(rises[..., 1:], position, values.shape[-1])[..., ::-1]
    last = np.minimum.accumulate(last, axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=-1)
    return np.where(np.isnan(values), np.nan, ranks)

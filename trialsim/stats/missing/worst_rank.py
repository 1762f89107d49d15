"""Whoever has died ranks below every survivor."""

import numpy as np

from trialsim.arrays import Booleans, Floats

# Farther below any scale than a death can be late: whole times stay whole down there.
BELOW_EVERY_SURVIVOR = -(2.0**40)


def worst_rank(scores: Floats, dead: Booleans, death_times: Floats | None = None) -> Floats:
    """Rank the dead below every survivor, Lachin (1999), Controlled Clinical Trials 20:408.

    Shapes broadcast: scores of any shape, and who was dead at each. Without times of death the dead
    tie, at -inf; with them a later death ranks above an earlier one, and a death whose time is NaN
    below all. The answer is for rank methods alone: the numbers below the scale mean only order.

    >>> scores, dead = np.array([12.0, np.nan, 40.0]), np.array([False, True, True])
    >>> worst_rank(scores, dead).tolist()
    [12.0, -inf, -inf]
    >>> (worst_rank(scores, dead, np.array([np.nan, 30.0, 12.0])).argsort()).tolist()
    [2, 1, 0]
    """
    if death_times is None:
        return np.where(dead, -np.inf, scores)
    order = np.where(np.isnan(death_times), -np.inf, BELOW_EVERY_SURVIVOR + death_times)
    return np.where(dead, order, scores)

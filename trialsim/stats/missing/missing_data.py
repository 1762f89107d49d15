"""A rule for missing scores is an assumption about patients who left, made one value at a time.

Scores have shape (..., patients, visits), the first visit the baseline; NaN is missing. The answers
have the shape of the scores, and what stays NaN is left out of an analysis.
"""

import numpy as np

from trialsim.arrays import Booleans, Floats

# Farther below any scale than a death can be late: whole times stay whole down there.
BELOW_EVERY_SURVIVOR = -(2.0**40)


def last_observation_carried_forward(scores: Floats) -> Floats:
    """Give a missing visit the last score known before it; with none, it stays missing.

    >>> last_observation_carried_forward(np.array([[20.0, 25, np.nan], [np.nan, 9, 8]])).tolist()
    [[20.0, 25.0, 25.0], [nan, 9.0, 8.0]]
    """
    visits = np.arange(scores.shape[-1])
    last = np.maximum.accumulate(np.where(np.isnan(scores), 0, visits), axis=-1)
    return np.take_along_axis(scores, last, axis=-1)


def baseline_observation_carried_forward(scores: Floats) -> Floats:
    """Give a missing visit the score of the first visit; where that is missing, it stays so.

    >>> baseline_observation_carried_forward(np.array([[20.0, 25, np.nan]])).tolist()
    [[20.0, 25.0, 20.0]]
    """
    return np.where(np.isnan(scores), scores[..., :1], scores)


def complete_cases(scores: Floats) -> Floats:
    """Leave out all visits of a patient who misses any.

    >>> complete_cases(np.array([[20.0, 25, np.nan], [7, 9, 8]])).tolist()
    [[nan, nan, nan], [7.0, 9.0, 8.0]]
    """
    return np.where(np.isnan(scores).any(axis=-1, keepdims=True), np.nan, scores)


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

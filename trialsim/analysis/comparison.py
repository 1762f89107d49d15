"""What every method answers of a batch of replicates, on the scale that the plan reports."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.scenario.plan.choices import Effect
from trialsim.stats.ranks.wins import odds


class Comparison(NamedTuple):
    """Treated against control in each replicate, shape (replicate,)."""

    estimate: Floats
    low: Floats
    high: Floats
    statistic: Floats
    """z, or Student's t; NaN where the test has none."""
    p_value: Floats
    treated: Integers
    """Treated patients analysed."""
    control: Integers


def on_scale(found: Comparison, effect: Effect) -> Comparison:
    """Return a comparison by the Mann-Whitney effect as win odds or as net benefit.

    Both rise with the effect, so the ends of the interval are carried over; the test stays.
    """
    return found._replace(
        estimate=scaled_effect(found.estimate, effect),
        low=scaled_effect(found.low, effect),
        high=scaled_effect(found.high, effect),
    )


def scaled_effect(theta: Floats, effect: Effect) -> Floats:
    """Return Mann-Whitney effects as win odds or as net benefit, or as they are.

    >>> scaled_effect(np.array([0.75]), "win_odds"), scaled_effect(np.array([0.75]), "net_benefit")
    (array([3.]), array([0.5]))
    """
    match effect:
        case "win_odds":
            return odds(theta)
        case "net_benefit":
            return 2 * theta - 1
        case _:
            return theta


def without_statistic(like: Floats) -> Floats:
    """Return the statistic of tests that have none.

    >>> without_statistic(np.array([0.2, 0.3])).tolist()
    [nan, nan]
    """
    return np.full(like.shape, np.nan)

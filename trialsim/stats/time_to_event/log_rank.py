"""The log-rank test of two arms, stratified or not."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, divide
from trialsim.stats.time_to_event.at_risk import AtRisk


class LogRank(NamedTuple):
    """The test of each replicate; above 0 the first arm has more events than without a difference.

    Shape (...).
    """

    z: Floats
    """0 where no event can tell the arms apart."""
    excess: Floats
    """Events of the first arm less those expected."""
    variance: Floats


def log_rank(counts: AtRisk) -> LogRank:
    """Return the log-rank test (Mantel 1966, Cancer Chemotherapy Reports 50:163).

    On each day the events fall to the first arm by the hypergeometric distribution, given how many
    there are and who is at risk: its mean and variance are summed over days and strata, so that
    events on one day need no rule for ties.

    Parameters
    ----------
    counts
        Shape (..., stratum, 2, day); without strata (..., 1, 2, day).

    >>> counts = AtRisk(np.array([[[1.0, 0], [0, 1]]]), np.array([[[2.0, 1], [2, 2]]]))
    >>> round(log_rank(counts).z.item(), 4)
    0.2425
    """
    first, at_risk = counts.at_risk[..., 0, :], counts.at_risk.sum(axis=-2)
    events = counts.events.sum(axis=-2)
    share = divide(first, at_risk, 0.0)
    excess = counts.events[..., 0, :] - events * share
    without_return = divide(at_risk - events, at_risk - 1, 0.0)
    variance = events * share * (1 - share) * without_return
    excess, variance = (one.sum(axis=(-2, -1)) for one in (excess, variance))
    return LogRank(divide(excess, np.sqrt(variance), 0.0), excess, variance)

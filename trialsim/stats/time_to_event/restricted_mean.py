"""The mean time without the event up to a horizon: the area below the Kaplan-Meier curve."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, divide
from trialsim.stats.time_to_event.at_risk import AtRisk, kaplan_meier


class RestrictedMean(NamedTuple):
    """Mean days without the event up to the horizon, shape (..., group)."""

    days: Floats
    """NaN of a group without patients."""
    variance: Floats


def restricted_mean(counts: AtRisk, horizon: int) -> RestrictedMean:
    """Return the restricted mean time, with the variance that follows from Greenwood's.

    Irwin (1949, Journal of Hygiene 47:188); Klein and Moeschberger (2003), Survival Analysis,
    equations 4.5.1 and 4.5.2. Without censoring it is the mean of the times cut at the horizon, and
    the variance theirs, with n, over n. Where nobody is at risk before the horizon the curve stays
    as it is.

    Parameters
    ----------
    horizon
        Days, at most those of the counts.

    >>> counts = AtRisk(np.array([[0.0, 1, 0, 1]]), np.array([[4.0, 4, 3, 2]]))
    >>> restricted_mean(counts, 4).days.tolist()
    [2.875]
    """
    within = AtRisk(*(one[..., :horizon] for one in counts))
    survival = kaplan_meier(within)
    still_to_come = np.cumsum(survival[..., ::-1], axis=-1)[..., ::-1]
    at_risk, events = within.at_risk, within.events
    hazard_variance = divide(events, at_risk * (at_risk - events), 0.0)
    variance = (still_to_come**2 * hazard_variance).sum(axis=-1)
    return RestrictedMean(survival.sum(axis=-1), variance)

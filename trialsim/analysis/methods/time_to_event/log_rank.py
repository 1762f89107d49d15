"""The log-rank test, with Cox's hazard ratio."""

from functools import partial

import numpy as np
from scipy.special import ndtri

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import distance_of_ratio
from trialsim.analysis.methods.time_to_event.times import by_arm
from trialsim.analysis.truth import TruthParts, whole
from trialsim.scenario.plan.methods.time_to_event.log_rank import LogRank
from trialsim.stats.p_values import normal_p_value
from trialsim.stats.time_to_event.hazard_ratio import hazard_ratio
from trialsim.stats.time_to_event.log_rank import log_rank


def compare(data: Data, method: LogRank) -> Comparison:
    """Return the comparison of each replicate."""
    plan, found = data.plan, by_arm(data, method)
    z = log_rank(found.counts).z
    log_ratio, error = hazard_ratio(found.counts, method.ties)
    known = np.isfinite(error)
    half = np.where(known, ndtri((1 + plan.confidence) / 2) * np.where(known, error, 1.0), np.inf)
    centre = np.where(known, log_ratio, 0.0)
    ratio = np.exp(log_ratio)
    return Comparison(
        estimate=ratio,
        low=np.exp(centre - half),
        high=np.exp(centre + half),
        statistic=z,
        p_value=normal_p_value(z, plan.alternative),
        treated=found.treated,
        control=found.control,
        against=partial(distance_of_ratio, ratio, error),
        means=found.with_event,
    )


def truth(data: Data, method: LogRank) -> TruthParts:
    """Return the parts of the logarithm of the ratio: of trials with complete follow-up its mean.

    Trials in which it is infinite have none.
    """
    log_ratio = hazard_ratio(by_arm(data, method).counts, method.ties).log_ratio
    return whole(np.where(np.isfinite(log_ratio), log_ratio, np.nan))

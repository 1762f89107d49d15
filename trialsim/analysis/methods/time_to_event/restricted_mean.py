"""The difference of restricted mean times."""

from functools import partial

import numpy as np
from scipy.special import ndtri

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.time_to_event.times import ByArm, by_arm
from trialsim.analysis.truth import TruthParts, whole
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.time_to_event.restricted_mean import RestrictedMean
from trialsim.stats.p_values import Standardised
from trialsim.stats.time_to_event.at_risk import AtRisk
from trialsim.stats.time_to_event.restricted_mean import restricted_mean


def compare(data: Data, method: RestrictedMean) -> Comparison:
    """Return the comparison of each replicate."""
    plan, found = data.plan, by_arm(data, method)
    difference, error = _difference(data, method, found)
    half = ndtri((1 + plan.confidence) / 2) * error
    known, most = ~np.isnan(difference), float(horizon_of(data, method))
    test = _distance(difference, error, 0.0)
    return Comparison(
        estimate=difference,
        low=np.where(known, np.maximum(difference - half, -most), -most),
        high=np.where(known, np.minimum(difference + half, most), most),
        statistic=np.nan_to_num(test.statistic),
        p_value=test.p_value(plan.alternative),
        treated=found.treated,
        control=found.control,
        against=partial(_distance, difference, error),
        means=found.with_event,
    )


def truth(data: Data, method: RestrictedMean) -> TruthParts:
    """Return the parts of the true difference, that of trials with complete follow-up."""
    return whole(_difference(data, method, by_arm(data, method))[0])


def horizon_of(data: Data, method: RestrictedMean) -> int:
    """Return the last day that counts: the horizon, or the planned day of the visit."""
    day = data.trial.scenario.design.visits[data.plan.visit].day
    return day if method.horizon_days is None else min(method.horizon_days, day)


def _difference(data: Data, method: RestrictedMean, found: ByArm) -> tuple[Floats, Floats]:
    """Return by how many days the treated are better, and the standard error of that.

    The first arm is that whose sooner events are better: days before them count against it.
    """
    alone = AtRisk(*(one[:, 0] for one in found.counts))
    days, variance = restricted_mean(alone, horizon_of(data, method))
    return days[:, 1] - days[:, 0], np.sqrt(variance.sum(axis=-1))


def _distance(difference: Floats, error: Floats, value: float) -> Standardised:
    """Return how far differences lie above a value; without any spread it is beyond all doubt."""
    above = difference - value
    far = np.where(above == 0, np.nan, np.copysign(np.inf, above))
    far = np.where(np.isnan(above), np.nan, far)
    return Standardised(np.where(error > 0, above / np.where(error > 0, error, 1.0), far))

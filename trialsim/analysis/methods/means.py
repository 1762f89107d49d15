"""The comparisons of means: Student's and Welch's t tests, and analysis of covariance."""

from collections.abc import Callable

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.imputed import completed
from trialsim.scenario.plan.methods.means import Ancova, MeanMethod, TTest, Welch
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference, mean_difference


def compare(data: Data, method: MeanMethod) -> Comparison:
    """Return the comparison of each replicate."""
    difference = _DIFFERENCES[type(method)]
    if data.to_impute:
        return _pooled(data, difference)
    return of_means(difference(data, _in_points(data)), data.samples)


def of_means(found: MeanDifference, samples: Samples) -> Comparison:
    """Return a difference of means as a comparison."""
    ends = found.estimate, found.low, found.high
    return Comparison(*ends, found.t, found.p_value, *samples.sizes)


def _in_points(data: Data) -> Samples:
    return Samples(*(arm * data.outcome.step for arm in data.samples))  # cells are steps


def _t_test(data: Data, samples: Samples) -> MeanDifference:
    from trialsim.stats.means_and_proportions.t_tests import student_t_test

    return student_t_test(*samples, data.plan.confidence, data.plan.alternative)


def _welch(data: Data, samples: Samples) -> MeanDifference:
    from trialsim.stats.means_and_proportions.t_tests import welch_t_test

    return welch_t_test(*samples, data.plan.confidence, data.plan.alternative)


def _ancova(data: Data, samples: Samples) -> MeanDifference:
    from trialsim.stats.means_and_proportions.ancova import ancova

    treated, control = (arm[..., np.newaxis] for arm in data.divided(data.baseline))
    return ancova(*samples, treated, control, data.plan.confidence, data.plan.alternative)


_DIFFERENCES: dict[type[MeanMethod], Callable[[Data, Samples], MeanDifference]] = {
    TTest: _t_test,
    Welch: _welch,
    Ancova: _ancova,
}


def _pooled(data: Data, difference: Callable[[Data, Samples], MeanDifference]) -> Comparison:
    """Pool differences of means; the freedom if nothing were missing is the least of any."""
    from trialsim.stats.missing.rubins_rules import pool_estimates

    trials = list(completed(data))
    each = [difference(one, _in_points(one)) for one in trials]
    estimates = np.stack([one.estimate for one in each])
    variances = np.nan_to_num(np.stack([one.standard_error for one in each])) ** 2
    freedom = np.nan_to_num(np.stack([one.degrees_of_freedom for one in each]), nan=1.0)
    pooled = pool_estimates(estimates, variances, freedom.min(axis=0))
    found = mean_difference(
        pooled.estimate,
        pooled.variance,
        pooled.degrees_of_freedom,
        data.plan.confidence,
        data.plan.alternative,
    )
    return of_means(found, trials[0].samples)

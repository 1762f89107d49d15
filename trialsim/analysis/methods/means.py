"""The comparisons of means: Student's and Welch's t tests, and analysis of covariance."""

import numpy as np

from trialsim.analysis.comparison import Comparison, of_mean_difference
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.endpoint import WORST
from trialsim.analysis.imputed import Part, part_of, pooled
from trialsim.analysis.truth import Populations
from trialsim.scenario.plan.methods.base import AnalysisMethod
from trialsim.scenario.plan.methods.means import Ancova, MeanMethod, TTest, Welch
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import difference_of_means, with_influence


def compare(data: Data, method: MeanMethod) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        return pooled(data, part)
    return of_mean_difference(_difference(data), data.samples.sizes)


def difference_of(populations: Populations, method: AnalysisMethod) -> RatioOfMeans:
    """Return the difference of two populations' means; none where some are below every score."""
    _, outcome, treated, control = populations
    if np.nansum(treated[:, WORST]) + np.nansum(control[:, WORST]) > 0:
        return with_influence(np.asarray(np.nan), np.full(len(treated), np.nan))
    return difference_of_means(treated, control, np.arange(treated.shape[1]) * outcome.step)


def _difference(data: Data) -> MeanDifference:
    method, how = data.plan.test, (data.plan.confidence, data.plan.alternative)
    samples = Samples(*(arm * data.outcome.step for arm in data.samples))  # cells are steps
    match method:
        case TTest():
            from trialsim.stats.means_and_proportions.t_tests import student_t_test

            return student_t_test(*samples, *how)
        case Welch():
            from trialsim.stats.means_and_proportions.t_tests import welch_t_test

            return welch_t_test(*samples, *how)
    from trialsim.stats.means_and_proportions.ancova import ancova, ancova_by_arm

    assert isinstance(method, Ancova)
    known = data.baseline[..., np.newaxis]
    if method.covariates:
        known = np.concatenate([known, np.moveaxis(data.covariates(method.covariates), 1, -1)], -1)
    adjust = ancova if method.slopes == "common" else ancova_by_arm
    return adjust(*samples, known, known, *how)


def part(data: Data) -> Part:
    """Return what is pooled of an imputed trial."""
    return part_of(_difference(data))

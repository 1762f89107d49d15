"""The mixed model for repeated measures: all visits together, and no score filled in."""

from collections.abc import Sequence

import numpy as np

from trialsim.analysis.comparison import Comparison, of_mean_difference
from trialsim.analysis.data import Data
from trialsim.analysis.truth import TruthParts, whole
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.mmrm import Mmrm


def compare(data: Data, method: Mmrm) -> Comparison:
    """Return the comparison of each replicate; all with a score at any visit are analysed."""
    return _modelled(data, method, range(1, data.scores.shape[-1]))


def truth(data: Data, method: Mmrm) -> TruthParts:
    """Return the parts of the true difference: at the visit alone, as no score is missing."""
    return whole(_modelled(data, method, (data.visit,)).estimate)


def _modelled(data: Data, method: Mmrm, visits: Sequence[int]) -> Comparison:
    """Return the comparison at the plan's visit in a model of some visits."""
    from trialsim.stats.missing.repeated_measures import repeated_measures

    plan, (treated, control) = data.plan, data.arms
    included = data.included & (treated | control)
    scores = np.where(included[..., np.newaxis], _upwards(data)[:, :, list(visits)], np.nan)
    by_visit, common = _covariates(data, method)
    found = repeated_measures(
        scores,
        treated,
        by_visit,
        common,
        visits.index(data.visit),
        method.degrees_of_freedom,
        plan.confidence,
        plan.alternative,
    )
    seen = ~np.isnan(scores).all(axis=-1)
    sizes = (seen & treated).sum(axis=1), (seen & control).sum(axis=1)
    return of_mean_difference(found, sizes)


def _upwards(data: Data) -> Floats:
    """Return the scores at every visit, or their changes from baseline, more being better."""
    scores = data.outcome.sign * data.scores
    if data.plan.measure == "change":
        scores = scores - data.outcome.sign * data.baseline[..., np.newaxis]
    return scores


def _covariates(data: Data, method: Mmrm) -> tuple[Floats, Floats]:
    """Return what has a slope at each visit and what has one, (replicate, patient, covariate)."""
    none = np.empty((*data.trial.arms.shape, 0))
    baseline = none if method.baseline == "none" else data.baseline[..., np.newaxis]
    rest = none
    if method.covariates:
        rest = np.moveaxis(data.covariates(method.covariates), 1, -1)
    if method.baseline == "by_visit":
        return baseline, rest
    return none, np.concatenate([baseline, rest], axis=-1)

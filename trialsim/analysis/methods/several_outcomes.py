"""The tests of several outcomes together: Wei and Lachin's, and O'Brien's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.imputed import Part, completed, pooled_parts
from trialsim.analysis.methods.means import of_means
from trialsim.analysis.methods.ranks import pooled_effects
from trialsim.analysis.truth import TruthParts, of_theta
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin

if TYPE_CHECKING:
    from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
    from trialsim.stats.ranks.estimated_effect import EstimatedEffect


def compare_effects(data: Data, method: WeiLachin) -> Comparison:
    """Return Wei and Lachin's comparison of each replicate."""
    plan, visits = data.plan, method.visits_of(data.plan)
    if data.to_impute:
        trials = list(_imputed(data, method.outcomes, visits))
        each = (_effect(one, plan, method) for one in trials)
        found = ((one.effect, one.standard_error**2) for one in each)
        return pooled_effects(plan, found, _anything(trials[0]))
    samples = _together(data, method.outcomes, visits)
    one = _effect(samples, plan, method)
    ends = one.effect, one.low, one.high
    return on_scale(Comparison(*ends, one.z, one.p_value, *_anything(samples).sizes), plan.effect)


def _effect(samples: Samples, plan: AnalysisPlan, method: WeiLachin) -> "EstimatedEffect":
    """Return the mean effect over measurements."""
    from trialsim.stats.several_outcomes.multivariate import joint_effects, wei_lachin

    joint = joint_effects(*samples, _upwards(samples.treated.shape[-2]))
    weighting, variance = method.weighting, method.variance
    return wei_lachin(joint, weighting, variance, "plain", plan.confidence, plan.alternative)


def truth(data: Data, method: WeiLachin) -> TruthParts:
    """Return the parts of the true mean of the effects."""
    as_theta = data.plan.model_copy(update={"effect": "mann_whitney"})
    found = compare_effects(replace(data, plan=as_theta), method)
    return of_theta(found.estimate, data.plan.effect)


def compare_rank_sums(data: Data, method: OBrien) -> Comparison:
    """Return O'Brien's comparison of each replicate."""
    plan, visits = data.plan, (data.plan.visit,)
    if data.to_impute:
        trials = list(_imputed(data, method.outcomes, visits))
        return pooled_parts(plan, (_part(one, plan) for one in trials), _anything(trials[0]))
    samples = _together(data, method.outcomes, visits)
    return of_means(_rank_sums(samples, plan), _anything(samples))


def _rank_sums(samples: Samples, plan: AnalysisPlan) -> "MeanDifference":
    from trialsim.stats.several_outcomes.obrien import obrien_test

    upwards = _upwards(samples.treated.shape[-2])
    return obrien_test(*samples, upwards, plan.confidence, plan.alternative)


def _part(samples: Samples, plan: AnalysisPlan) -> Part:
    """Return what is pooled of an imputed trial; without spread, all variance is between them."""
    found = _rank_sums(samples, plan)
    variance = np.nan_to_num(found.standard_error) ** 2
    return Part(found.estimate, variance, np.nan_to_num(found.degrees_of_freedom, nan=1.0))


def _imputed(data: Data, outcomes: tuple[str, ...], visits: tuple[str, ...]) -> Iterator[Samples]:
    """Yield the samples after each imputation, each measurement by the outcome's earlier scores."""
    each = [completed(data.of(name, visit)) for name in outcomes for visit in visits]
    for trials in zip(*each, strict=True):
        yield _stacked([one.samples for one in trials])


def _together(data: Data, outcomes: tuple[str, ...], visits: tuple[str, ...]) -> Samples:
    """Return the samples of all outcomes at all visits, (replicate, measurement, patient) each."""
    return _stacked([data.of(name, visit).samples for name in outcomes for visit in visits])


def _stacked(each: list[Samples]) -> Samples:
    return Samples(*(np.stack(arm, axis=1) for arm in zip(*each, strict=True)))


def _upwards(measurements: int) -> list[bool]:
    return [True] * measurements  # cells rise from worst to best on every scale


def _anything(samples: Samples) -> Samples:
    """Return a sample of those who have a value of any outcome."""
    return Samples(*(np.where(np.isnan(arm).all(axis=1), np.nan, 0.0) for arm in samples))

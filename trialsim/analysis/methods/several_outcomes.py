"""The tests of several outcomes together: Wei and Lachin's, and O'Brien's."""

from dataclasses import replace

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.methods.means import of_means
from trialsim.analysis.truth import TruthParts, of_theta
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin


def compare_effects(data: Data, method: WeiLachin) -> Comparison:
    """Return Wei and Lachin's comparison of each replicate."""
    from trialsim.stats.several_outcomes.multivariate import joint_effects, wei_lachin

    plan, visits = data.plan, method.visits_of(data.plan)
    samples = _together(data, method.outcomes, visits)
    joint = joint_effects(*samples, _upwards(len(method.outcomes) * len(visits)))
    found = wei_lachin(
        joint, method.weighting, method.variance, "plain", plan.confidence, plan.alternative
    )
    ends = found.effect, found.low, found.high
    sizes = _anything(samples).sizes
    return on_scale(Comparison(*ends, found.z, found.p_value, *sizes), plan.effect)


def truth(data: Data, method: WeiLachin) -> TruthParts:
    """Return the parts of the true mean of the effects."""
    as_theta = data.plan.model_copy(update={"effect": "mann_whitney"})
    found = compare_effects(replace(data, plan=as_theta), method)
    return of_theta(found.estimate, data.plan.effect)


def compare_rank_sums(data: Data, method: OBrien) -> Comparison:
    """Return O'Brien's comparison of each replicate."""
    from trialsim.stats.several_outcomes.obrien import obrien_test

    plan, samples = data.plan, _together(data, method.outcomes, (data.plan.visit,))
    upwards = _upwards(len(method.outcomes))
    sums = obrien_test(*samples, upwards, plan.confidence, plan.alternative)
    return of_means(sums, _anything(samples))


def _together(data: Data, outcomes: tuple[str, ...], visits: tuple[str, ...]) -> Samples:
    """Return the samples of all outcomes at all visits, (replicate, measurement, patient) each."""
    each = [data.of(name, visit).samples for name in outcomes for visit in visits]
    return Samples(*(np.stack(arm, axis=1) for arm in zip(*each, strict=True)))


def _upwards(measurements: int) -> list[bool]:
    return [True] * measurements  # cells rise from worst to best on every scale


def _anything(samples: Samples) -> Samples:
    """Return a sample of those who have a value of any outcome."""
    return Samples(*(np.where(np.isnan(arm).all(axis=1), np.nan, 0.0) for arm in samples))

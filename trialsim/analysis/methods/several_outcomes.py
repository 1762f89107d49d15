"""The tests of several outcomes together: Wei and Lachin's, and O'Brien's."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from trialsim.analysis.comparison import Comparison, of_mean_difference, on_scale
from trialsim.analysis.counts import strata_of, stratum_in
from trialsim.analysis.data import Data, Samples
from trialsim.analysis.endpoint import Endpoint
from trialsim.analysis.imputed import completed, part_of, pooled_parts
from trialsim.analysis.methods.ranks import of_effect, pooled_effects
from trialsim.analysis.truth import Populations, TruthParts, of_theta, weighting_by_sizes
from trialsim.arrays import Booleans, Integers
from trialsim.scenario.plan.choices import StratumWeighting
from trialsim.scenario.plan.methods.several_outcomes import OBrien, WeiLachin
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import by_slope, effect_of_populations, with_influence

if TYPE_CHECKING:
    from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
    from trialsim.stats.ranks.estimated_effect import EstimatedEffect
    from trialsim.stats.several_outcomes.joint_effects import Joint


def compare_effects(data: Data, method: WeiLachin) -> Comparison:
    """Return Wei and Lachin's comparison of each replicate."""
    plan, visits = data.plan, method.visits_of(data.plan)
    if data.to_impute:
        trials = list(_imputed(data, method.outcomes, visits))
        each = (_effect(data, one, method) for one in trials)
        found = ((one.effect, one.standard_error**2) for one in each)
        return pooled_effects(plan, found, _anything(data, trials[0]))
    measured = _measured(data, method.outcomes, visits)
    one = of_effect(_effect(data, measured, method), _sizes(data, measured))
    return on_scale(one, plan.effect)


def _effect(data: Data, measured: Sequence[Endpoint], method: WeiLachin) -> "EstimatedEffect":
    """Return the mean effect over measurements."""
    from trialsim.stats.several_outcomes.multivariate import wei_lachin

    weighting, variance, plan = method.weighting, method.variance, data.plan
    joint = _counted(data, measured)
    return wei_lachin(joint, weighting, variance, "plain", plan.confidence, plan.alternative)


def _counted(
    data: Data, measured: Sequence[Endpoint], weighting: StratumWeighting | None = None
) -> "Joint":
    """Return the effect of each measurement, within strata if the plan has any."""
    from trialsim.stats.several_outcomes.joint_effects import CountedEffects, Scale
    from trialsim.stats.several_outcomes.strata import within_strata

    scales = [Scale(one.cell, one.analysed, one.cells) for one in measured]
    if data.plan.strata == "none":
        return CountedEffects(scales, *data.arms)
    stratum, strata = stratum_in(data.trial, data.plan), strata_of(data.trial, data.plan)
    own = weighting or data.plan.stratum_weighting
    return within_strata(scales, *data.arms, stratum, strata, own)


def joint_of(data: Data, method: WeiLachin) -> "Joint":
    """Return the effect of every measurement, and how they vary together."""
    return _counted(data, _measured(data, method.outcomes, method.visits_of(data.plan)))


def truth(data: Data, method: WeiLachin) -> TruthParts:
    """Return the parts of the true mean of the effects."""
    from trialsim.stats.several_outcomes.multivariate import pooled_effect

    measured = _measured(data, method.outcomes, method.visits_of(data.plan))
    joint = _counted(data, measured, weighting_by_sizes(data.plan))
    return of_theta(pooled_effect(joint, method.weighting), data.plan.effect)


def mean_effect_of(each: Sequence[Populations], method: WeiLachin) -> RatioOfMeans:
    """Return the mean of the effects of several measurements, weighted equally, as reported."""
    found = [effect_of_populations(one.treated, one.control) for one in each]
    theta = np.asarray(np.mean([one.mean.estimate for one in found]))
    influence = np.mean([one.influence for one in found], axis=0)
    mean = with_influence(theta, influence)
    match each[0].plan.effect:
        case "win_odds":
            return by_slope(mean, theta / (1 - theta), 1 / (1 - theta) ** 2)
        case "net_benefit":
            return by_slope(mean, 2 * theta - 1, np.asarray(2.0))
        case _:
            return mean


def compare_rank_sums(data: Data, method: OBrien) -> Comparison:
    """Return O'Brien's comparison of each replicate."""
    plan, visits = data.plan, (data.plan.visit,)
    if data.to_impute:
        trials = list(_imputed(data, method.outcomes, visits))
        parts = (part_of(_rank_sums(data, one)) for one in trials)
        return pooled_parts(plan, parts, _anything(data, trials[0]))
    measured = _measured(data, method.outcomes, visits)
    return of_mean_difference(_rank_sums(data, measured), _sizes(data, measured))


def _rank_sums(data: Data, measured: Sequence[Endpoint]) -> "MeanDifference":
    from trialsim.stats.several_outcomes.obrien import obrien_test

    plan, upwards = data.plan, [True] * len(measured)  # cells rise from worst to best
    each = zip(*(data.samples_of(one) for one in measured), strict=True)
    treated, control = (np.stack(arm, axis=1) for arm in each)
    return obrien_test(treated, control, upwards, plan.confidence, plan.alternative)


def _imputed(
    data: Data, outcomes: tuple[str, ...], visits: tuple[str, ...]
) -> Iterator[tuple[Endpoint, ...]]:
    """Yield the measurements after each imputation, each by the outcome's earlier scores."""
    each = [completed(data.of(name, visit)) for name in outcomes for visit in visits]
    yield from zip(*([one.values for one in many] for many in each), strict=True)


def _measured(data: Data, outcomes: tuple[str, ...], visits: tuple[str, ...]) -> list[Endpoint]:
    """Return what is analysed of every outcome at every visit."""
    return [data.values_of(name, visit) for name in outcomes for visit in visits]


def _sizes(data: Data, measured: Sequence[Endpoint]) -> tuple[Integers, Integers]:
    """Return how many of each arm have a value of any outcome, shape (replicate,)."""
    known = _have_any(measured)
    treated, control = (np.count_nonzero(known & arm, axis=-1) for arm in data.arms)
    return treated, control


def _anything(data: Data, measured: Sequence[Endpoint]) -> Samples:
    """Return a sample of those who have a value of any outcome."""
    return data.divided(np.where(_have_any(measured), 0.0, np.nan))


def _have_any(measured: Sequence[Endpoint]) -> Booleans:
    return np.asarray(reduce(np.logical_or, (one.analysed for one in measured)))

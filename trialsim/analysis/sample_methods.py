"""The methods that need each patient: adjusted, of several outcomes, by means, by permutation."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.count_methods import rank_comparison
from trialsim.analysis.endpoint import Endpoint
from trialsim.analysis.samples import (
    Samples,
    covariates_of,
    divided,
    in_arms,
    patients_with_values,
    samples_of,
    uniform,
)
from trialsim.arrays import Integers
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import (
    AdjustedRank,
    Ancova,
    OBrien,
    Permutation,
    ProportionalOdds,
    TTest,
    WeiLachin,
)
from trialsim.stats.means_and_proportions.mean_difference import MeanDifference
from trialsim.stats.p_values import normal_p_value
from trialsim.stats.ranks.mann_whitney import summarise_counts
from trialsim.trial.trial import Trial

Values: TypeAlias = Callable[[Trial, AnalysisPlan], Endpoint]
"""How a plan's endpoint is read off a trial: as analysed, or as if no score had been missed."""

_AT_ONCE = 4096
"""Permuted trials held in memory; it changes no result."""


def compare_samples(trial: Trial, plan: AnalysisPlan, values_of: Values) -> Comparison:
    """Apply the plan's method to the patients."""
    match plan.test:
        case WeiLachin() | OBrien():
            return _several_outcomes(trial, plan, plan.test, values_of)
    values = values_of(trial, plan)
    samples = samples_of(trial, plan, values)
    match plan.test:
        case AdjustedRank():
            return _adjusted(trial, plan, plan.test, samples)
        case ProportionalOdds():
            return _proportional_odds(samples, plan)
        case _:
            return of_means(mean_difference_of(trial, plan, samples), samples)


def mean_difference_of(trial: Trial, plan: AnalysisPlan, samples: Samples) -> MeanDifference:
    """Return the t test, Welch's test or the analysis of covariance that the plan names."""
    from trialsim.stats.means_and_proportions.ancova import ancova
    from trialsim.stats.means_and_proportions.t_tests import student_t_test, welch_t_test

    step = trial.scenario.outcomes[plan.endpoint].step
    samples = Samples(*(arm * step for arm in samples))  # cells are steps of the scale
    match plan.test:
        case Ancova():
            before = divided(trial, plan, trial.underlying[plan.endpoint][:, :, 0])
            treated, control = (arm[..., np.newaxis] for arm in before)
            return ancova(*samples, treated, control, plan.confidence, plan.alternative)
        case TTest():
            return student_t_test(*samples, plan.confidence, plan.alternative)
        case _:
            return welch_t_test(*samples, plan.confidence, plan.alternative)


def of_means(found: MeanDifference, samples: Samples) -> Comparison:
    """Return a difference of means as a comparison."""
    ends = found.estimate, found.low, found.high
    return Comparison(*ends, found.t, found.p_value, *patients_with_values(samples))


def compare_permuted(
    trial: Trial, plan: AnalysisPlan, method: Permutation, values: Endpoint, counts: Integers
) -> Comparison:
    """Test a rank statistic against permutations by address: the same in every batch."""
    from trialsim.stats.ranks.brunner_munzel import brunner_munzel_permutation
    from trialsim.stats.ranks.exact_rank import permutation_rank_test
    from trialsim.stats.ranks.stratified import split_by_stratum

    tests = {"mann_whitney": permutation_rank_test, "brunner_munzel": brunner_munzel_permutation}
    treated, control = in_arms(trial, plan)
    arm = np.select([treated & values.analysed, control & values.analysed], [0, 1], -1)
    arms = split_by_stratum(np.asarray(values.cell, np.float64), arm, 2)
    patients = values.cell.shape[1]
    at_once = max(1, _AT_ONCE // len(arm))
    extreme = np.zeros(len(arm))
    for start in range(0, method.permutations, at_once):
        draws = range(start, min(start + at_once, method.permutations))
        keys = np.stack([uniform(trial, "permutation", patients, draw) for draw in draws], axis=1)
        by_arm = split_by_stratum(keys, arm[:, np.newaxis], 2)
        order = np.argsort(by_arm.reshape(*keys.shape[:2], -1), axis=-1)
        test = tests[method.statistic](arms[:, 0], arms[:, 1], order, plan.alternative)
        extreme += np.rint(test.p_value * (1 + len(draws))) - 1
    p_value = (1 + extreme) / (1 + method.permutations)
    summary = summarise_counts(counts[:, 0, 0], counts[:, 0, 1])
    return rank_comparison(summary, counts, plan, test.z, p_value)


def _adjusted(
    trial: Trial, plan: AnalysisPlan, method: AdjustedRank, samples: Samples
) -> Comparison:
    from trialsim.stats.ranks.adjusted import Arm, adjusted_effect

    covariates = covariates_of(trial, method.covariates)
    ranked = [how == "rank" for how in method.covariates.values()]
    arms = [Arm(arm, np.where(np.isnan(arm)[:, np.newaxis], np.nan, covariates)) for arm in samples]
    adjust = partial(
        adjusted_effect,
        ranked=ranked,
        weighting=plan.stratum_weighting,
        variance=method.variance,
        confidence=plan.confidence,
        alternative=plan.alternative,
    )
    if plan.strata == "none":
        parts = [adjust(*arms)]
    else:  # one by one, for the sums over a stratum round by the width of the widest in a batch
        parts = [
            adjust(*(Arm(arm.outcome[one], arm.covariates[one], site) for arm in arms))
            for one, site in enumerate(trial.site)
        ]
    effect, _, low, high, z, p_value = (np.hstack(field) for field in zip(*parts, strict=True))
    sizes = patients_with_values(samples)
    return on_scale(Comparison(effect, low, high, z, p_value, *sizes), plan.effect)


def _several_outcomes(
    trial: Trial, plan: AnalysisPlan, method: WeiLachin | OBrien, values_of: Values
) -> Comparison:
    from trialsim.stats.several_outcomes.multivariate import joint_effects, wei_lachin
    from trialsim.stats.several_outcomes.obrien import obrien_test

    each = [
        samples_of(trial, one, values_of(trial, one))
        for one in (plan.model_copy(update={"endpoint": name}) for name in method.outcomes)
    ]
    samples = Samples(*(np.stack(arm, axis=1) for arm in zip(*each, strict=True)))
    upwards = [True] * len(each)  # cells rise from worst to best on every scale
    anything = Samples(*(np.where(np.isnan(arm).all(axis=1), np.nan, 0.0) for arm in samples))
    if isinstance(method, OBrien):
        sums = obrien_test(*samples, upwards, plan.confidence, plan.alternative)
        return of_means(sums, anything)
    joint = joint_effects(*samples, upwards)
    found = wei_lachin(
        joint, method.weighting, method.variance, "plain", plan.confidence, plan.alternative
    )
    ends = found.effect, found.low, found.high
    comparison = Comparison(*ends, found.z, found.p_value, *patients_with_values(anything))
    return on_scale(comparison, plan.effect)


def _proportional_odds(samples: Samples, plan: AnalysisPlan) -> Comparison:
    from trialsim.stats.means_and_proportions.proportional_odds import proportional_odds

    fits = [
        proportional_odds(treated, control, plan.confidence)
        for treated, control in zip(*samples, strict=True)
    ]
    found = {name: np.array([getattr(fit, name) for fit in fits]) for name in fits[0]._fields}
    known = ~np.isnan(found["standard_error"])
    p_value = np.where(known, normal_p_value(found["z"], plan.alternative), 1.0)
    ends = found["odds_ratio"], found["low"], found["high"]
    return Comparison(*ends, found["z"], p_value, *patients_with_values(samples))

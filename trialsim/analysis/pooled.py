"""One effect and one variance from each trial of a programme, and from these the pooled effect."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.arrays import Booleans, Floats, divide
from trialsim.scenario.plan.choices import Alternative
from trialsim.scenario.plan.pooled_analysis import PooledAnalysis
from trialsim.stats.means_and_proportions.t_tests import student_t_test
from trialsim.stats.meta_analysis import (
    PooledEffect,
    RandomEffects,
    between_study_variance,
    fixed_effect,
    heterogeneity,
    random_effects,
    wei_lachin_pooling,
)
from trialsim.stats.ranks.mann_whitney import summarise_counts

_STEP = 1e-6
"""Of a difference quotient: by how much the true effect of one trial moves the pooled one."""


class TrialEffect(NamedTuple):
    """The effect of one trial on the scale on which trials are pooled, shape (replicate,)."""

    estimate: Floats
    """NaN where it is not known: an empty arm, win odds of 0 or infinity."""
    variance: Floats


class PooledResult(NamedTuple):
    """All trials together, shape (replicate,); above the null value the treated are better."""

    estimate: Floats
    low: Floats
    high: Floats
    p_value: Floats
    rejected: Booleans
    favoured: Booleans
    """Whether it rejects in favour of the treated."""
    tau2: Floats
    """Variance of the effects between trials, by DerSimonian and Laird unless the plan says."""
    i2: Floats
    """Share of Cochran's Q in excess of its degrees of freedom."""


def trial_effect(data: Data, pooled: PooledAnalysis) -> TrialEffect:
    """Return the effect of a trial, its own plan saying what is analysed of its patients."""
    if pooled.variance is not None:
        ranks = summarise_counts(data.counts[:, 0, 0], data.counts[:, 0, 1])
        null = pooled.variance == "null_variance"
        variance = ranks.null_variance if null else ranks.placement_variance
        effect = TrialEffect(ranks.effect, variance)
        return _log_odds(effect) if pooled.measure == "win_odds" else effect
    samples = data.samples
    if pooled.measure == "standardised_difference":
        from trialsim.stats.means_and_proportions.standardised_difference import hedges_g

        return TrialEffect(*hedges_g(*samples))
    step = data.outcome.step
    means = student_t_test(samples.treated * step, samples.control * step)
    return TrialEffect(means.estimate, means.standard_error**2)


def truth_of_trial(data: Data, pooled: PooledAnalysis) -> TrialEffect:
    """Return what complete trials contribute to a true effect: win odds by the Mann-Whitney effect.

    That has a mean over replicates where the odds of a separated trial are infinite.
    """
    if pooled.measure == "win_odds":
        pooled = pooled.model_copy(update={"measure": "mann_whitney"})
    return trial_effect(data, pooled)


def pooled_truth(effects: Floats, variances: Floats, plan: PooledAnalysis) -> tuple[Floats, Floats]:
    """Pool the true effects of trials by their mean variances, shapes (replicate, trial).

    Returns the pooled effect, a ratio as a ratio, and the influence of each replicate on it,
    shape (replicate,): that of the trials' effects, the weights as they are.
    """
    known = ~np.isnan(effects + variances).any(axis=1)
    influence = np.full(len(effects), np.nan)
    if not known.any():
        return np.asarray(np.nan), influence
    mean, spread = effects[known].mean(axis=0), variances[known].mean(axis=0)
    moved = np.concatenate([mean[np.newaxis], mean + _STEP * np.eye(len(mean))])
    spreads = np.broadcast_to(spread, moved.shape)
    trials = [TrialEffect(*one) for one in zip(moved.T, spreads.T, strict=True)]
    if plan.measure == "win_odds":
        trials = [_log_odds(one) for one in trials]
    found = pool(trials, plan).estimate
    influence[known] = (effects[known] - mean) @ ((found[1:] - found[0]) / _STEP)
    return np.asarray(found[0]), influence


def pool(effects: Iterable[TrialEffect], plan: PooledAnalysis) -> PooledResult:
    """Pool the effects of the trials, replicate by replicate; ratios come back as ratios."""
    estimates, variances = (np.stack(part, axis=-1) for part in zip(*effects, strict=True))
    null = 0.0 if plan.quantity.is_ratio else plan.quantity.null
    tau2_method = plan.heterogeneity or "dersimonian-laird"
    found: PooledEffect | RandomEffects
    match plan.pooling:
        case "fixed":
            found = fixed_effect(estimates, variances, plan.confidence, null)
        case "wei_lachin":
            found = wei_lachin_pooling(estimates, variances, plan.confidence, null)
        case "random":
            reference = plan.reference or "hartung-knapp"
            found = random_effects(
                estimates, variances, tau2_method, reference, plan.confidence, null
            )
    estimate, low, high = found.estimate, found.low, found.high
    p_value = _one_sided(found.p_value, found.estimate > null, plan.alternative)
    if plan.quantity.is_ratio:
        estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
    return PooledResult(
        estimate,
        low,
        high,
        p_value,
        p_value <= plan.alpha,
        (p_value <= plan.alpha) & (found.estimate > null),
        between_study_variance(estimates, variances, tau2_method),
        heterogeneity(estimates, variances).i2,
    )


def _log_odds(effect: TrialEffect) -> TrialEffect:
    """Return the logarithm of the win odds, its variance by the delta method."""
    theta, slope = effect.estimate, effect.estimate * (1 - effect.estimate)
    known = slope > 0
    log = np.log(np.where(known, theta, np.nan)) - np.log(np.where(known, 1 - theta, np.nan))
    return TrialEffect(log, divide(effect.variance, slope**2, np.nan))


def _one_sided(two_sided: Floats, treated_better: Booleans, alternative: Alternative) -> Floats:
    """Return the p-value on the alternative's side of a symmetrical distribution."""
    if alternative == "two-sided":
        return two_sided
    on_that_side = treated_better == (alternative == "greater")
    return np.where(on_that_side, two_sided / 2, 1 - two_sided / 2)

"""The Mann-Whitney effect adjusted for covariates."""

from functools import partial

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.counts import stratum_in
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import of_effect, pooled_ranks
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.adjusted_rank import AdjustedRank
from trialsim.stats.ranks.estimated_effect import EstimatedEffect


def compare(data: Data, method: AdjustedRank) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        return pooled_ranks(data, partial(_effect_and_variance, method=method))
    return on_scale(of_effect(_adjusted(data, method), data.samples.sizes), data.plan.effect)


def _effect_and_variance(data: Data, method: AdjustedRank) -> tuple[Floats, Floats]:
    found = _adjusted(data, method)
    return found.effect, found.standard_error**2


def _adjusted(data: Data, method: AdjustedRank) -> EstimatedEffect:
    from trialsim.stats.ranks.adjusted import Arm, adjusted_effect

    plan, samples = data.plan, data.samples
    covariates = data.covariates(method.covariates)
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
        return adjust(*arms)
    parts = [  # one by one, for the sums over a stratum round by the width of the widest in a batch
        adjust(*(Arm(arm.outcome[one], arm.covariates[one], site) for arm in arms))
        for one, site in enumerate(stratum_in(data.trial, plan))
    ]
    return EstimatedEffect(*(np.hstack(field) for field in zip(*parts, strict=True)))

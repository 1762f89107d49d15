"""The Mann-Whitney effect adjusted for covariates."""

from functools import partial

import numpy as np

from trialsim.analysis.comparison import Comparison, on_scale
from trialsim.analysis.data import Data
from trialsim.scenario.plan.methods.adjusted_rank import AdjustedRank


def compare(data: Data, method: AdjustedRank) -> Comparison:
    """Return the comparison of each replicate."""
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
        parts = [adjust(*arms)]
    else:  # one by one, for the sums over a stratum round by the width of the widest in a batch
        parts = [
            adjust(*(Arm(arm.outcome[one], arm.covariates[one], site) for arm in arms))
            for one, site in enumerate(data.site)
        ]
    effect, _, low, high, z, p_value = (np.hstack(field) for field in zip(*parts, strict=True))
    return on_scale(Comparison(effect, low, high, z, p_value, *samples.sizes), plan.effect)

"""An analysis that a user wrote, given the arrays of a batch of trials."""

from typing import Any

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.methods.means import difference_of
from trialsim.analysis.methods.ranks import rank_effect_of
from trialsim.analysis.truth import Populations
from trialsim.arrays import RowIndex, read_only
from trialsim.own.analyses import AnalysisData, CovariatesOf
from trialsim.scenario.plan.own_method import Own
from trialsim.stats.monte_carlo import RatioOfMeans


def compare(data: Data, method: Own) -> Comparison:
    """Return the comparison of each replicate; those with a value are counted as analysed."""
    given = _given(data, method)
    found = method.registered.of(given)
    known = ~np.isnan(given.value)
    sizes = (known & given.treated).sum(axis=1), (known & given.control).sum(axis=1)
    return Comparison(found.estimate, found.low, found.high, found.statistic, found.p_value, *sizes)


def effect_of(populations: Populations, method: Own) -> RatioOfMeans:
    """Return the effect of two populations that the analysis says that it estimates.

    Raises
    ------
    ValueError
        If it is none of `WITH_TRUTH`.
    """
    match method.registered.estimates:
        case "mean difference":
            return difference_of(populations, method)
        case "Mann-Whitney effect":
            return rank_effect_of(populations, method)
        case "win odds" | "net benefit" as scale:
            changed = {"effect": scale.replace(" ", "_")}
            plan = populations.plan.model_copy(update=changed)
            return rank_effect_of(populations._replace(plan=plan), method)
        case other:
            raise ValueError(f"{other} has no value that is known here")


def _given(data: Data, method: Own) -> AnalysisData:
    trial, plan, values = data.trial, data.plan, data.values
    arms, design = data.arms, trial.scenario.design
    arrays: dict[str, Any] = {
        "scores": data.scores,
        "value": np.where(values.analysed, values.cell, np.nan),
        "included": data.included,
        "treated": arms[0],
        "control": arms[1],
        "arm": trial.arms,
        "baseline": data.baseline,
        "site": data.site,
        "died": trial.conduct.died[..., np.newaxis] <= trial.conduct.visit_minute,
        "replicates": trial.replicates,
    }
    return AnalysisData(
        **{name: read_only(array) for name, array in arrays.items()},
        covariates=CovariatesOf(trial.cohort.covariates.at(RowIndex(trial.candidate))),
        arms=tuple(design.arms),
        visits=tuple(design.visits),
        visit=data.visit,
        higher_is_better=data.outcome.sign > 0,
        confidence=plan.confidence,
        alternative=plan.alternative,
        parameters=method.parameters,
        seed=trial.seed,
    )

"""An analysis that a user wrote, given the arrays of a batch of trials."""

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.arrays import RowIndex
from trialsim.own.analyses import AnalysisData
from trialsim.scenario.plan.own_method import Own


def compare(data: Data, method: Own) -> Comparison:
    """Return the comparison of each replicate; those with a value are counted as analysed."""
    given = _given(data, method)
    found = method.registered.of(given)
    known = ~np.isnan(given.value)
    sizes = (known & given.treated).sum(axis=1), (known & given.control).sum(axis=1)
    return Comparison(found.estimate, found.low, found.high, found.statistic, found.p_value, *sizes)


def _given(data: Data, method: Own) -> AnalysisData:
    trial, plan, values = data.trial, data.plan, data.values
    arms, design = data.arms, trial.scenario.design
    arrays = {
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
    views = {name: array.view() for name, array in arrays.items()}
    for view in views.values():
        view.flags.writeable = False
    return AnalysisData(
        **views,
        covariates=trial.cohort.covariates.at(RowIndex(trial.candidate)),
        arms=tuple(design.arms),
        visits=tuple(design.visits),
        visit=data.visit,
        higher_is_better=data.outcome.sign > 0,
        confidence=plan.confidence,
        alternative=plan.alternative,
        parameters=method.parameters,
        seed=trial.seed,
    )

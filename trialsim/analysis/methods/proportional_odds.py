"""The proportional odds model."""

from functools import partial

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part, pooled
from trialsim.analysis.truth import TruthParts, of_estimates
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.stats.means_and_proportions.proportional_odds import (
    OddsRatio,
    adjusted_proportional_odds,
    proportional_odds,
)


def compare(data: Data, method: ProportionalOdds) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        whole = pooled(data, partial(_part, method=method))
        low, high = np.exp(whole.low), np.exp(whole.high)
        return whole._replace(estimate=np.exp(whole.estimate), low=low, high=high)
    found = _fitted(data, method)
    ends = found.odds_ratio, found.low, found.high
    return Comparison(*ends, found.z, found.p_value, *data.samples.sizes)


def truth(data: Data, method: ProportionalOdds) -> TruthParts:
    """Return the parts of the true odds ratio given covariates: that of complete trials' estimates.

    Without covariates it is fitted to the cells of all replicates together, and has no parts.
    """
    if not method.covariates:
        return TruthParts(*np.full((2, len(data.trial.arms)), np.nan))
    return of_estimates(compare(data, method).estimate)


def _fitted(data: Data, method: ProportionalOdds) -> OddsRatio:
    return _adjusted(data, method) if method.covariates else _unadjusted(data)


def _part(data: Data, method: ProportionalOdds) -> Part:
    """Return what is pooled of an imputed trial; of separated arms nothing can be said."""
    found = _fitted(data, method)
    log_ratio = np.where(np.isfinite(found.log_odds_ratio), found.log_odds_ratio, np.nan)
    treated, control = data.samples.sizes
    freedom = np.maximum(treated + control - 2.0 - len(method.covariates), 1.0)
    return Part(log_ratio, found.standard_error**2, freedom)


def _unadjusted(data: Data) -> OddsRatio:
    treated, control = data.counts[:, 0, 0], data.counts[:, 0, 1]
    return proportional_odds(treated, control, data.plan.confidence, data.plan.alternative)


def _adjusted(data: Data, method: ProportionalOdds) -> OddsRatio:
    """Fit the model to each patient; one whose arm or value is none of the plan's counts for 0."""
    values, (treated, control) = data.values, data.arms
    among = values.analysed & (treated | control)
    cells = np.arange(values.cells)
    counts = np.where(among[..., np.newaxis], values.cell[..., np.newaxis] == cells, 0.0)
    covariates = np.moveaxis(data.covariates(method.covariates), 1, -1)
    x = np.concatenate([treated[..., np.newaxis], covariates], axis=-1)
    return adjusted_proportional_odds(counts, x, data.plan.confidence, data.plan.alternative)

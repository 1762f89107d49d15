"""The proportional odds model."""

import math
from functools import lru_cache, partial
from typing import Final

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part, pooled
from trialsim.analysis.truth import TruthParts
from trialsim.arrays import Floats
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.scenario import Scenario
from trialsim.stats.means_and_proportions.proportional_odds import (
    NearbyFit,
    OddsRatio,
    adjusted_proportional_odds,
    nearby_fit,
    one_step,
    proportional_odds,
)
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

_NEARBY: Final = 16_384
"""Patients to whom a model near that of the populations is fitted: its error vanishes squared."""


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
    """Return the parts of the logarithm of the true odds ratio given covariates.

    Without covariates it is fitted to the cells of all replicates together, and has no parts.
    """
    if not method.covariates:
        return TruthParts(*np.full((2, len(data.trial.arms)), np.nan))
    return TruthParts(*one_step(_near(data.trial.scenario, method), *_rows(data, method)))


@lru_cache(maxsize=16)
def _near(scenario: Scenario, method: ProportionalOdds) -> NearbyFit:
    """Return the model of some complete trials, the same in every run of a study."""
    patients = scenario.design.patients
    trial = simulate_batch(scenario, Streams(0, range(math.ceil(_NEARBY / patients))))
    data = Data(trial, scenario.analysis, complete=True)
    counts, x = (of.reshape(-1, of.shape[-1])[:_NEARBY] for of in _rows(data, method))
    patterns, which = np.unique(x, axis=0, return_inverse=True)
    cells = np.zeros((len(patterns), counts.shape[-1]))
    np.add.at(cells, which.reshape(-1), counts)
    return nearby_fit(cells, patterns)


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
    """Fit the model to each patient."""
    return adjusted_proportional_odds(
        *_rows(data, method), data.plan.confidence, data.plan.alternative
    )


def _rows(data: Data, method: ProportionalOdds) -> tuple[Floats, Floats]:
    """Return each patient's cell and covariates, shapes (replicate, patient, cells), (..., k + 1).

    A patient whose arm or value is none of the plan's counts for 0.
    """
    values, (treated, control) = data.values, data.arms
    among = values.analysed & (treated | control)
    cells = np.arange(values.cells)
    counts = np.where(among[..., np.newaxis], values.cell[..., np.newaxis] == cells, 0.0)
    covariates = np.moveaxis(data.covariates(method.covariates), 1, -1)
    return counts, np.concatenate([treated[..., np.newaxis], covariates], axis=-1)

"""The proportional odds model: its odds ratio, and the effect that it predicts for everybody."""

import math
from functools import lru_cache, partial
from typing import Final

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part, pooled
from trialsim.analysis.methods.ranks import distance_of_ratio, of_estimated_effect, pooled_ranks
from trialsim.analysis.truth import Populations, TruthParts
from trialsim.arrays import Floats, Integers
from trialsim.scenario.plan.methods.proportional_odds import (
    ProportionalOdds,
    StandardisedMannWhitney,
)
from trialsim.scenario.scenario import Scenario
from trialsim.stats.means_and_proportions.proportional_odds import (
    NearbyFit,
    OddsRatio,
    adjusted_proportional_odds,
    nearby_fit,
    odds_ratio_of_all,
    one_step,
    proportional_odds,
)
from trialsim.stats.means_and_proportions.standardised_effect import standardised_effect
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import with_influence
from trialsim.streams import Streams
from trialsim.trial.allocation.strata import margins, strata
from trialsim.trial.trial import simulate_batch

_NEARBY: Final = 16_384
"""Patients to whom a model near that of the populations is fitted: its error vanishes squared."""


def compare(data: Data, method: ProportionalOdds) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        whole = pooled(data, partial(part, method=method))
        low, high = np.exp(whole.low), np.exp(whole.high)
        return whole._replace(
            estimate=np.exp(whole.estimate),
            low=low,
            high=high,
            against=lambda value: whole.against(math.log(value)),
        )
    found = _fitted(data, method)
    ends = found.odds_ratio, found.low, found.high
    against = partial(distance_of_ratio, found.odds_ratio, found.standard_error)
    return Comparison(*ends, found.z, found.p_value, *data.samples.sizes, against)


def compare_standardised(data: Data, method: StandardisedMannWhitney) -> Comparison:
    """Return the comparison of the effect that the model predicts, averaged over patients."""
    if data.to_impute:
        return pooled_ranks(data, partial(_standardised, method=method))
    freedom = data.samples.freedom(len(method.covariates))
    return of_estimated_effect(data, *_standardised(data, method), freedom)


def truth(data: Data, method: ProportionalOdds) -> TruthParts:
    """Return the parts of the logarithm of the true odds ratio given covariates.

    Without covariates it is fitted to the cells of all replicates together, and has no parts.
    """
    if not method.covariates:
        return TruthParts(*np.full((2, len(data.trial.arms)), np.nan))
    return TruthParts(
        *one_step(_near(data.trial.scenario, method), *rows_of(data, method.covariates))
    )


def ratio_of(populations: Populations, method: ProportionalOdds) -> RatioOfMeans:
    """Return the odds ratio of two populations; none given covariates, which cells do not hold."""
    treated, control = populations.treated, populations.control
    if method.covariates or not (np.nansum(treated) and np.nansum(control)):
        return with_influence(np.asarray(np.nan), np.full(len(treated), np.nan))
    ratio, influence = odds_ratio_of_all(treated, control)
    return with_influence(ratio, ratio * influence)


@lru_cache(maxsize=16)
def _near(scenario: Scenario, method: ProportionalOdds) -> NearbyFit:
    """Return the model of some complete trials, the same in every run of a study."""
    patients = scenario.design.patients
    trial = simulate_batch(scenario, Streams(0, range(math.ceil(_NEARBY / patients))))
    data = Data(trial, scenario.analysis, complete=True)
    cell, x = rows_of(data, method.covariates)
    return nearby_fit(
        cell.ravel()[:_NEARBY], x.reshape(-1, x.shape[-1])[:_NEARBY], data.values.cells
    )


def _fitted(data: Data, method: ProportionalOdds) -> OddsRatio:
    return _adjusted(data, method) if method.covariates else _unadjusted(data, method)


def _standardised(data: Data, method: StandardisedMannWhitney) -> tuple[Floats, Floats]:
    """Return the standardised effect of each replicate, and its variance."""
    groups = balanced_groups(data) if method.variance == "design" else None
    return standardised_effect(*rows_of(data, method.covariates), data.values.cells, groups)


def part(data: Data, method: ProportionalOdds) -> Part:
    """Return what is pooled of an imputed trial; of separated arms nothing can be said."""
    found = _fitted(data, method)
    log_ratio = np.where(np.isfinite(found.log_odds_ratio), found.log_odds_ratio, np.nan)
    freedom = data.samples.freedom(len(method.covariates))
    return Part(log_ratio, found.standard_error**2, freedom)


def _unadjusted(data: Data, method: ProportionalOdds) -> OddsRatio:
    treated, control, plan = data.counts[:, 0, 0], data.counts[:, 0, 1], data.plan
    return proportional_odds(treated, control, plan.confidence, plan.alternative, method.interval)


def _adjusted(data: Data, method: ProportionalOdds) -> OddsRatio:
    """Fit the model to each patient."""
    plan, cells = data.plan, data.values.cells
    return adjusted_proportional_odds(
        *rows_of(data, method.covariates), cells, plan.confidence, plan.alternative, method.interval
    )


def balanced_groups(data: Data) -> Integers:
    """Return the groups within which the design balances arms, (replicate, patient, group).

    They are strata, or the classes of each factor; -1 of a patient of an arm that is not compared.
    """
    trial, (treated, control) = data.trial, data.arms
    procedure = trial.scenario.design.randomisation
    by_margins = procedure is not None and procedure.balances_margins
    found = (margins if by_margins else strata)(trial.scenario, trial.cohort).of(trial.candidate)
    return np.where((treated | control)[..., np.newaxis], found, -1)


def rows_of(data: Data, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return each patient's cell and covariates, shapes (replicate, patient) and (..., k + 1).

    A patient whose arm or value is none of the plan's has no cell.
    """
    values, (treated, control) = data.values, data.arms
    among = values.analysed & (treated | control)
    covariates = np.moveaxis(data.covariates(names), 1, -1)
    x = np.concatenate([treated[..., np.newaxis], covariates], axis=-1)
    return np.where(among, values.cell, np.nan), x

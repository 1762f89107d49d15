"""Comparisons of those who were seen, weighted so that they stand for all who are like them."""

import numpy as np

from trialsim.analysis.comparison import Comparison, of_mean_difference
from trialsim.analysis.data import Data
from trialsim.analysis.methods.ranks import of_estimated_effect
from trialsim.scenario.plan.methods.weighted import WeightedMannWhitney, WeightedMeans
from trialsim.stats.means_and_proportions.mean_difference import mean_difference
from trialsim.stats.missing.inverse_probability import (
    Weighted,
    weighted,
    weighted_effect,
    weighted_mean,
)


def compare_effects(data: Data, method: WeightedMannWhitney) -> Comparison:
    """Return the comparison of the weighted effect in each replicate."""
    values, (treated, control) = data.values, _arms(data, method.covariates)
    found = weighted_effect(values.cell, values.cells, treated, control)
    freedom = np.maximum(treated.free + control.free, 1.0)
    return of_estimated_effect(data, found.estimate, found.variance, freedom)


def compare_means(data: Data, method: WeightedMeans) -> Comparison:
    """Return the comparison of the weighted means in each replicate."""
    plan, arms = data.plan, _arms(data, method.covariates)
    points = data.values.cell * float(data.outcome.step)  # cells are steps
    treated, control = (weighted_mean(points, arm) for arm in arms)
    found = mean_difference(
        treated.estimate - control.estimate,
        treated.variance + control.variance,
        np.maximum(arms[0].free + arms[1].free, 1.0),
        plan.confidence,
        plan.alternative,
    )
    return of_mean_difference(found, data.samples.sizes)


def _arms(data: Data, covariates: tuple[str, ...]) -> tuple[Weighted, Weighted]:
    """Return the treated and the controls, weighted; those out of the analysis set are in none."""
    known = np.moveaxis(data.covariates(covariates), 1, -1)
    seen = data.values.analysed
    treated, control = (weighted(seen, arm & (data.included | seen), known) for arm in data.arms)
    return treated, control

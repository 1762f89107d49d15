"""Shares of patients at or beyond a threshold."""

from functools import partial

import numpy as np

from trialsim.analysis.comparison import Comparison, without_statistic
from trialsim.analysis.counts import cell_of
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part, pooled
from trialsim.analysis.truth import Populations
from trialsim.arrays import Integers, divide
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import difference_of_means


def compare(data: Data, method: Responders) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.means_and_proportions.responders import fisher_exact, responder_difference

    if data.to_impute:
        whole = pooled(data, partial(_part, method=method))
        low, high = np.clip(whole.low, -1, 1), np.clip(whole.high, -1, 1)
        return whole._replace(low=low, high=high)
    treated, control = _responding(data, method)
    found = responder_difference(*treated, *control, confidence=data.plan.confidence)
    p_value = fisher_exact(*treated, *control, alternative=data.plan.alternative)
    return Comparison(*found, without_statistic(p_value), p_value, treated[1], control[1])


def difference_of(populations: Populations, method: Responders) -> RatioOfMeans:
    """Return the difference of the shares of two populations that respond."""
    plan, outcome, treated, control = populations
    responds = np.arange(treated.shape[1]) >= cell_of(method.threshold, outcome, plan)
    return difference_of_means(treated, control, responds.astype(np.float64))


def _responding(data: Data, method: Responders) -> tuple[tuple[Integers, Integers], ...]:
    """Return how many respond, of how many, of the treated and of the controls."""
    first = cell_of(method.threshold, data.outcome, data.plan)
    arms = data.counts[:, 0, 0], data.counts[:, 0, 1]
    return tuple((arm[:, first:].sum(axis=1), arm.sum(axis=1)) for arm in arms)


def _part(data: Data, method: Responders) -> Part:
    """Return what is pooled of an imputed trial, by the variances of the two shares."""
    responding, patients = np.array(_responding(data, method)).swapaxes(0, 1)
    share = divide(responding, patients, np.nan)
    variance = divide(share * (1 - share), patients, np.nan).sum(axis=0)
    return Part(share[0] - share[1], variance, np.maximum(patients.sum(axis=0) - 2.0, 1.0))

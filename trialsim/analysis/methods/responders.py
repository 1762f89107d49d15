"""Shares of patients at or beyond a threshold."""

from functools import partial

import numpy as np
from scipy.special import ndtri

from trialsim.analysis.comparison import Against, Comparison, of_mean_difference
from trialsim.analysis.counts import cell_of
from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Part, pooled
from trialsim.analysis.methods.proportional_odds import balanced_groups, rows_of
from trialsim.analysis.methods.ranks import distance_of_ratio
from trialsim.analysis.truth import Populations, TruthParts, whole
from trialsim.arrays import Floats, Integers, divide
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.stats.means_and_proportions.mean_difference import mean_difference
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.p_values import Standardised, normal_p_value
from trialsim.stats.populations import difference_of_means, odds_ratio_of_means, ratio_of_means


def compare(data: Data, method: Responders) -> Comparison:
    """Return the comparison of each replicate."""
    if data.to_impute:
        whole = pooled(data, partial(part, method=method))
        low, high = np.clip(whole.low, -1, 1), np.clip(whole.high, -1, 1)
        return whole._replace(low=low, high=high)
    if method.covariates:
        return _standardised(data, method)
    return _compared(data, method) if data.plan.strata == "none" else _stratified(data, method)


def _compared(data: Data, method: Responders) -> Comparison:
    from trialsim.stats.means_and_proportions.responders import fisher_exact
    from trialsim.stats.means_and_proportions.two_shares import (
        compare_shares,
        distance_of_shares,
    )

    plan, (treated, control) = data.plan, _responding(data.counts[:, 0], data, method)
    how = method.effect, method.interval
    found = compare_shares(*treated, *control, *how, plan.confidence)
    against = partial(
        distance_of_shares, *treated, *control, measure=method.effect, interval=method.interval
    )
    if method.interval == "newcombe":
        p_value = fisher_exact(*treated, *control, alternative=plan.alternative)
        statistic = np.full(p_value.shape, np.nan)
    else:
        test = against(plan.quantity.null)
        statistic, p_value = np.nan_to_num(test.statistic), test.p_value(plan.alternative)
    return Comparison(*found, statistic, p_value, treated[1], control[1], against)


def _standardised(data: Data, method: Responders) -> Comparison:
    """Compare what a logistic model given covariates predicts for all patients in either arm.

    Of two cells the Mann-Whitney effect is half of one more than the difference of the shares.
    """
    from trialsim.stats.means_and_proportions.standardised_effect import standardised_effect

    plan, (cell, x) = data.plan, rows_of(data, method.covariates)
    first = cell_of(method.threshold, data.outcome, plan)
    responds = np.where(np.isnan(cell), np.nan, cell >= first)
    groups = balanced_groups(data) if method.variance == "design" else None
    found = standardised_effect(responds, x, 2, groups)
    how = data.samples.freedom(len(method.covariates)), plan.confidence, plan.alternative
    difference = mean_difference(2 * found.effect - 1, 4 * found.variance, *how)
    compared = of_mean_difference(difference, data.samples.sizes)
    return compared._replace(
        low=np.maximum(compared.low, -1.0), high=np.minimum(compared.high, 1.0)
    )


def _stratified(data: Data, method: Responders) -> Comparison:
    """Compare within sites."""
    from trialsim.stats.means_and_proportions.mantel_haenszel import mantel_haenszel

    plan, (treated, control) = data.plan, _responding(data.counts, data, method)
    found = mantel_haenszel(*treated, *control, method.effect)
    sizes = treated[1].sum(axis=1), control[1].sum(axis=1)
    half = ndtri((1 + plan.confidence) / 2) * found.standard_error
    known = ~np.isnan(half)
    if data.plan.quantity.is_ratio:
        spread = np.exp(np.where(known, half, np.inf))
        centre = np.where(known, found.estimate, 1.0)
        ends = centre / spread, centre * spread
        against: Against = partial(distance_of_ratio, found.estimate, found.standard_error)
    else:
        centre, half = np.where(known, found.estimate, 0.0), np.where(known, half, 1.0)
        ends = np.maximum(centre - half, -1.0), np.minimum(centre + half, 1.0)
        against = partial(_distance, found.estimate, found.standard_error)
    p_value = normal_p_value(found.z, plan.alternative)
    p_value = np.where(np.isnan(found.estimate), 1.0, p_value)
    return Comparison(found.estimate, *ends, found.z, p_value, *sizes, against)


def _distance(estimate: Floats, standard_error: Floats, value: float) -> Standardised:
    return Standardised((estimate - value) / standard_error)


def truth(data: Data, method: Responders) -> TruthParts:
    """Return the parts of the true effect: of a ratio its two shares, strata taken together.

    Odds ratios of strata are not that of all together; theirs is the common one of large strata.
    """
    if method.effect == "odds_ratio":
        from trialsim.stats.means_and_proportions.mantel_haenszel import parts_of_odds_ratio

        arms = _responding(data.counts, data, method)
        counts = (one.astype(np.float64) for arm in arms for one in arm)
        over, under = parts_of_odds_ratio(*counts)
        known = np.where(over + under > 0, 1.0, np.nan)
        return TruthParts(over * known, under * known)
    (treated, patients), (control, others) = _responding(data.counts.sum(axis=1), data, method)
    of_treated, of_control = divide(treated, patients, np.nan), divide(control, others, np.nan)
    if method.effect == "risk_difference":
        return whole(of_treated - of_control)
    known = np.isnan(of_treated + of_control)
    return TruthParts(np.where(known, np.nan, of_treated), np.where(known, np.nan, of_control))


def effect_of(populations: Populations, method: Responders) -> RatioOfMeans:
    """Compare the shares of two populations that respond."""
    plan, outcome, treated, control = populations
    responds = np.arange(treated.shape[1]) >= cell_of(method.threshold, outcome, plan)
    compare = {
        "risk_difference": difference_of_means,
        "risk_ratio": ratio_of_means,
        "odds_ratio": odds_ratio_of_means,
    }[method.effect]
    return compare(treated, control, responds.astype(np.float64))


def _responding(
    counts: Integers, data: Data, method: Responders
) -> tuple[tuple[Integers, Integers], ...]:
    """Return how many respond, of how many, of the treated and of the controls.

    Of counts by arm and cell, shape (..., 2, cells).
    """
    first = cell_of(method.threshold, data.outcome, data.plan)
    arms = counts[..., 0, :], counts[..., 1, :]
    return tuple((arm[..., first:].sum(axis=-1), arm.sum(axis=-1)) for arm in arms)


def part(data: Data, method: Responders) -> Part:
    """Return what is pooled of an imputed trial, by the variances of the two shares."""
    found = _responding(data.counts[:, 0], data, method)
    responding, patients = np.array(found).swapaxes(0, 1)
    share = divide(responding, patients, np.nan)
    variance = divide(share * (1 - share), patients, np.nan).sum(axis=0)
    return Part(share[0] - share[1], variance, np.maximum(patients.sum(axis=0) - 2.0, 1.0))

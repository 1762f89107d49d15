"""MCP-Mod of a batch of trials: contrasts of all arms, curves where one is significant."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.analysis.comparison import Comparison, DoseFinding
from trialsim.analysis.counts import cell_of
from trialsim.analysis.data import Data
from trialsim.analysis.methods.means import difference_of
from trialsim.analysis.methods.ranks import rank_effect_of
from trialsim.analysis.truth import Populations, TruthParts, whole
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.stats.dose_response.contrasts import (
    contrast_directions,
    contrast_statistics,
    significant,
    whitening,
)
from trialsim.stats.dose_response.curves import Curve, akaike_weights, fit
from trialsim.stats.dose_response.effects import (
    DoseEffects,
    log_odds_effects,
    mean_effects,
    rank_effects,
)
from trialsim.stats.dose_response.shapes import rise
from trialsim.stats.dose_response.target_dose import DoseRange, target_dose, target_interval
from trialsim.stats.monte_carlo import RatioOfMeans
from trialsim.stats.populations import odds_ratio_of_means


class _Doses(NamedTuple):
    """The doses of a study, and the effect of each in every trial."""

    arms: tuple[str, ...]
    doses: Floats
    effects: DoseEffects
    patients: Integers
    """On each dose, shape (replicate, doses)."""
    controls: Integers


def compare(data: Data, method: McpMod) -> Comparison:
    """Return the largest contrast of each replicate, and the effect of the plan's arm."""
    found = _doses(data, method)
    directions, statistics = _contrasts(found, method)
    if data.plan.alternative == "less":
        directions, statistics = -directions, -statistics
    elif data.plan.alternative == "two-sided":
        directions = np.concatenate([directions, -directions], axis=1)
        statistics = np.concatenate([statistics, -statistics], axis=1)
    p_value, which = significant(statistics, directions, found.effects.freedom, data.plan.alpha)
    shapes = len(method.shapes)
    beneficial = which[:, :shapes] if data.plan.alternative != "less" else np.zeros_like(which)
    largest = np.where(np.isnan(statistics), -np.inf, statistics).argmax(axis=1)
    statistic = np.take_along_axis(statistics, largest[:, None], axis=1)[:, 0]
    statistic = np.where(largest < shapes, statistic, -statistic)
    if data.plan.alternative == "less":
        statistic = -statistic
    return Comparison(
        *_of_treated(data, method, found),
        np.nan_to_num(statistic),
        p_value,
        found.patients[:, found.arms.index(data.plan.treated)],
        found.controls,
        doses=_modelled(data, method, found, beneficial),
    )


def truth(data: Data, method: McpMod) -> TruthParts:
    """Return the parts of the true effect of the plan's arm."""
    found = _doses(data, method)
    estimate, _, _ = _of_treated(data, method, found)
    return whole(estimate)


def effect_of(populations: Populations, method: McpMod) -> RatioOfMeans:
    """Return the effect of the plan's arm in two populations."""
    plan, outcome, treated, control = populations
    match method.estimate:
        case "odds_ratio":
            assert method.threshold is not None
            responds = np.arange(treated.shape[1]) >= cell_of(method.threshold, outcome, plan)
            return odds_ratio_of_means(treated, control, responds.astype(np.float64))
        case "mean_difference":
            return difference_of(populations, method)
        case _:
            return rank_effect_of(populations, method)


def effects_of_doses(data: Data, method: McpMod) -> dict[str, Floats]:
    """Return the effect of each dose on the scale of the curves, shape (replicate,) by arm."""
    found = _doses(data, method)
    return dict(zip(found.arms, found.effects.estimate.T, strict=True))


def _doses(data: Data, method: McpMod) -> _Doses:
    """Return the effects of the doses, from counts of patients over the cells of the scale."""
    by_arm = method.doses_of(data.trial.scenario.design, data.plan.control)
    values, counts = data.values, []
    for arm in by_arm:
        plan = data.plan.model_copy(update={"treated": arm})
        counts.append(replace(data, plan=plan, given=values, counted=None).counts[:, 0])
    treated, control = np.stack([one[:, 0] for one in counts], axis=1), counts[0][:, 1]
    effects = _effects(data, method, treated, control)
    sizes = treated.sum(axis=-1), control.sum(axis=-1)
    return _Doses(tuple(by_arm), np.array(list(by_arm.values())), effects, *sizes)


def _effects(data: Data, method: McpMod, treated: Integers, control: Integers) -> DoseEffects:
    match method.estimate:
        case "mann_whitney":
            return rank_effects(treated, control)
        case "mean_difference":
            return mean_effects(treated, control, np.arange(control.shape[-1]) * data.outcome.step)
    assert method.threshold is not None
    first = cell_of(method.threshold, data.outcome, data.plan)
    responding = treated[..., first:].sum(axis=-1), treated.sum(axis=-1)
    return log_odds_effects(*responding, control[..., first:].sum(axis=-1), control.sum(axis=-1))


def _contrasts(found: _Doses, method: McpMod) -> tuple[Floats, Floats]:
    """Return the directions of the contrasts and their statistics, (replicate, shape, ...)."""
    top = float(found.doses.max())
    shapes = np.stack([rise(one.shape, found.doses, one.values(top)) for one in method.shapes])
    whiten = whitening(found.effects.null_covariance)
    directions = contrast_directions(shapes, whiten)
    return directions, contrast_statistics(found.effects.estimate, whiten, directions)


def _of_treated(data: Data, method: McpMod, found: _Doses) -> tuple[Floats, Floats, Floats]:
    return _reported(data, method, found, found.arms.index(data.plan.treated))


def _reported(
    data: Data, method: McpMod, found: _Doses, place: int
) -> tuple[Floats, Floats, Floats]:
    """Return the effect of an arm and its interval as they are reported, without a curve."""
    effect, covariance, _, freedom = found.effects
    own, error = effect[:, place], np.sqrt(np.maximum(covariance[:, place, place], 0.0))
    tail = (1 + data.plan.confidence) / 2
    degrees = np.where(np.isinf(freedom), 1.0, freedom)
    of_t = scipy.special.stdtrit(degrees, tail)
    half = np.where(np.isinf(freedom), scipy.special.ndtri(tail), of_t) * error
    ends = own, own - half, own + half
    match method.estimate:
        case "odds_ratio":
            one, low, high = map(np.exp, ends)
        case "mann_whitney":
            one, low, high = own + 0.5, *(np.clip(end + 0.5, 0.0, 1.0) for end in ends[1:])
        case _:
            one, low, high = ends
    return one, low, high


def _modelled(
    data: Data, method: McpMod, found: _Doses, significant_shapes: Booleans
) -> DoseFinding:
    """Return the curves of those trials in which a shape is significant, and their target dose."""
    trials, families = len(found.controls), method.families
    chosen = np.zeros((trials, len(families)))
    target, low, high = (np.full(trials, np.nan) for _ in range(3))
    at_bound = np.zeros(trials, np.bool_)
    rows = significant_shapes.any(axis=1)
    if method.target is not None and rows.any():
        effects = found.effects.estimate[rows]
        whiten = whitening(found.effects.covariance[rows])
        curves = _fitted(method, found.doses, effects, whiten)
        weights = _weights(method, curves, _shown(method, significant_shapes[rows]))
        chosen[rows] = weights
        bound = np.stack([one.at_bound for one in curves], axis=1)
        at_bound[rows] = (bound & (weights > 0)).any(axis=1)
        target[rows] = _target(method, curves, weights, float(found.doses.max()))
        if method.choose == "aic":
            ends = _interval(data, method, found.doses, curves, weights, effects, whiten)
            low[rows], high[rows] = ends
    return DoseFinding(significant_shapes, chosen, target, low, high, at_bound)


def _shown(method: McpMod, which: Booleans) -> Booleans:
    """Return of which shapes a candidate is significant, shape (replicate, shape)."""
    own = [[one.shape == shape for one in method.shapes] for shape in method.families]
    return np.stack([which[:, places].any(axis=1) for places in own], axis=1)


def _fitted(method: McpMod, doses: Floats, effects: Floats, whiten: Floats) -> list[Curve]:
    scales = {one.shape: one.parameters.scale or 0.0 for one in method.shapes}
    return [fit(shape, doses, effects, whiten, scales[shape]) for shape in method.families]


def _weights(method: McpMod, curves: list[Curve], allowed: Booleans) -> Floats:
    """Return the weight of each curve, all of it of one where one is chosen."""
    criteria = np.stack([one.criterion for one in curves], axis=1)
    weights = akaike_weights(np.where(allowed, criteria, np.inf))
    if method.choose == "average":
        return weights
    best = weights.argmax(axis=1)[:, None] == np.arange(len(curves))
    return np.asarray(best & (weights > 0), np.float64)


def _target(method: McpMod, curves: list[Curve], weights: Floats, top: float) -> Floats:
    return target_dose(_averaged(curves, weights), method.target_effect, top)


def _averaged(curves: list[Curve], weights: Floats) -> Callable[[Floats], Floats]:
    """Return the effect at doses by the weighted curves."""

    def effect(doses: Floats) -> Floats:
        parts = [
            np.where(own > 0, curve.at(doses), 0.0) * own
            for curve, own in zip(curves, np.split(weights, len(curves), axis=1), strict=True)
        ]
        return np.asarray(sum(parts))

    return effect


def _interval(
    data: Data,
    method: McpMod,
    doses: Floats,
    curves: list[Curve],
    weights: Floats,
    effects: Floats,
    whiten: Floats,
) -> DoseRange:
    """Return the interval of the target dose by the chosen curve."""
    low, high = (np.full(len(effects), np.nan) for _ in range(2))
    for place, curve in enumerate(curves):
        rows = weights[:, place] > 0
        if rows.any():
            own = Curve(
                curve.shape,
                curve.height[rows],
                tuple(one[rows] for one in curve.parameters),
                curve.misfit[rows],
                curve.at_bound[rows],
            )
            ends = target_interval(
                own, doses, effects[rows], whiten[rows], method.target_effect, data.plan.confidence
            )
            low[rows], high[rows] = ends
    return DoseRange(low, high)


class DoseResponse(NamedTuple):
    """The effects by dose as they are reported, and the chosen curves, of every trial."""

    doses: Floats
    """Of the arms, in rising order."""
    estimate: Floats
    """Without a curve, shape (replicate, doses)."""
    low: Floats
    high: Floats
    along: Floats
    """Doses from 0 to the largest, at which the curves are given."""
    curve: Floats
    """Shape (replicate, along); NaN in a trial without a curve."""


def dose_response(data: Data, method: McpMod, points: int) -> DoseResponse:
    """Return the effects by dose and the chosen curves at so many doses."""
    found, null = _doses(data, method), method.quantity(data.plan).null
    order = np.argsort(found.doses)
    each = [_reported(data, method, found, place) for place in order.tolist()]
    estimate, low, high = (np.stack(ends, axis=1) for ends in zip(*each, strict=True))
    along = np.linspace(0.0, float(found.doses.max()), points)
    shown = compare(data, method).doses
    assert shown is not None
    which = shown.significant
    curve = np.full((len(estimate), points), np.nan)
    rows = which.any(axis=1)
    if rows.any():
        effects = found.effects.estimate[rows]
        curves = _fitted(method, found.doses, effects, whitening(found.effects.covariance[rows]))
        effect = _averaged(curves, _weights(method, curves, _shown(method, which[rows])))
        curve[rows] = effect(along)
    curve = np.exp(curve) if method.estimate == "odds_ratio" else curve + null
    return DoseResponse(found.doses[order], estimate, low, high, along, curve)

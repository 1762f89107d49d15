"""Win odds, win ratio and net benefit of pairs that the first of several levels decides."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from trialsim.analysis.comparison import Comparison, LevelPairs, on_scale
from trialsim.analysis.counts import strata_of, stratum_in
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import WORST
from trialsim.analysis.methods.ranks import against_effect, distance_of_ratio
from trialsim.analysis.truth import TruthParts, of_theta, weighting_by_sizes
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY
from trialsim.scenario.plan.methods.win_statistic import DEATH, OrderedLevel, WinStatistic
from trialsim.stats.p_values import Standardised
from trialsim.stats.ranks.effect_intervals import distance_of_summary, effect_interval
from trialsim.stats.ranks.hierarchical import (
    Known,
    pairs_won,
    summarise_pairs,
    summarise_with_ties,
    win_ratio_of,
)
from trialsim.stats.ranks.stratified import split_by_stratum, stratified_effect


class _Arms(NamedTuple):
    """What is compared: both arms in strata, (replicate, stratum, level, patient) each."""

    treated: Known
    control: Known
    differences: Sequence[float]

    @property
    def together(self) -> "_Arms":
        """The arms of the only stratum, shape (replicate, level, patient)."""
        treated, control = (Known(*(end[:, 0] for end in arm)) for arm in self[:2])
        return _Arms(treated, control, self.differences)


def compare(data: Data, method: WinStatistic) -> Comparison:
    """Return the comparison of each replicate, with the pairs that each level decides."""
    arms = _arms(data, method)
    if data.plan.strata != "none":
        return _stratified(data, method, arms)
    found = pairs_won(*arms.together)
    summary, plan = summarise_pairs(found), data.plan
    sizes = summary.treated, summary.control
    against = partial(distance_of_summary, summary, method="logit")
    of_effect = against(0.5)
    if method.report == "win_ratio":
        ratio = win_ratio_of(found, plan.confidence)
        of_ratio = partial(distance_of_ratio, ratio.estimate, ratio.standard_error)
        z = of_ratio(1.0).statistic
        test = Standardised(np.where(np.isnan(z), of_effect.statistic, z))
        ends = ratio.estimate, ratio.low, ratio.high
        comparison = Comparison(*ends, *_tested(data, test), *sizes, of_ratio)
    else:
        low, high = effect_interval(summary, "logit", plan.confidence)
        ends = summary.effect, low, high
        comparison = Comparison(*ends, *_tested(data, of_effect), *sizes, against)
        comparison = on_scale(comparison, method.report)
    return comparison._replace(levels=LevelPairs(found.wins, found.losses, found.pairs))


def _stratified(data: Data, method: WinStatistic, arms: _Arms) -> Comparison:
    """Weigh the effects of the strata as those of Mann-Whitney are, on the logit scale."""
    plan, found = data.plan, pairs_won(*arms)
    by_null_variance = plan.stratum_weighting == "inverse-variance"
    strata = summarise_with_ties(*arms, found, as_stand_in=not by_null_variance)
    effect = stratified_effect(strata, plan.stratum_weighting, "logit", plan.confidence)
    against = against_effect(effect, "logit")
    sizes = strata.treated.sum(axis=-1), strata.control.sum(axis=-1)
    ends = effect.effect, effect.low, effect.high
    comparison = Comparison(*ends, *_tested(data, against(0.5)), *sizes, against)
    levels = LevelPairs(found.wins.sum(axis=1), found.losses.sum(axis=1), found.pairs.sum(axis=1))
    return on_scale(comparison, method.report)._replace(levels=levels)


def _tested(data: Data, test: Standardised) -> tuple[Floats, Floats]:
    """Return the statistic, 0 where nothing can be said, and the p-value."""
    return np.nan_to_num(test.statistic), test.p_value(data.plan.alternative)


def truth(data: Data, method: WinStatistic) -> TruthParts:
    """Return the parts of the true effect of the two populations, all patients followed up."""
    arms, plan = _arms(data, method), data.plan
    if plan.strata != "none":
        strata = summarise_pairs(pairs_won(*arms))
        return of_theta(stratified_effect(strata, weighting_by_sizes(plan)).effect, method.report)
    found = pairs_won(*arms.together)
    if method.report == "win_ratio":
        known = np.where(found.pairs > 0, found.pairs, np.nan)
        return TruthParts(found.wins.sum(axis=-1) / known, found.losses.sum(axis=-1) / known)
    return of_theta(summarise_pairs(found).effect, method.report)


def _arms(data: Data, method: WinStatistic) -> _Arms:
    """Return what is known of those who are analysed, at every level."""
    each = [_of_level(data, level) for level in method.levels]
    low, high = (np.stack([one[end] for one in each], axis=1) for end in (0, 1))
    known = (np.isfinite(low) | np.isfinite(high)).any(axis=1) & data.included
    strata, stratum = strata_of(data.trial, data.plan), stratum_in(data.trial, data.plan)
    treated, control = (
        Known(*(_in_strata(end, np.where(arm & known, stratum, -1), strata) for end in (low, high)))
        for arm in data.arms
    )
    return _Arms(treated, control, [one[2] for one in each])


def _in_strata(values: Floats, stratum: Integers, strata: int) -> Floats:
    """Bring (replicate, level, patient) into (replicate, stratum, level, patient)."""
    return np.swapaxes(split_by_stratum(values, stratum[:, None], strata), 1, 2)


def _of_level(data: Data, level: OrderedLevel) -> tuple[Floats, Floats, float]:
    """Return between which values each patient lies at a level, and what difference decides.

    Values are days of death, or cells of the scale; nothing is known of those without a score.
    """
    at = level.visit_in(data.plan)
    if level.name == DEATH:
        return *_days_of_death(data, at), 0.0
    there = data.of(level.name, at)
    cells, known = there.values.cell.astype(np.float64), there.values.analysed
    least = np.ceil(round(level.decided.difference / there.outcome.step, 9))
    cells[there.values.cell == WORST] = WORST - least  # so that any score beats the worst rank
    low, high = np.where(known, cells, -np.inf), np.where(known, cells, np.inf)
    return low, high, float(least) if least > 1 else 0.0


def _days_of_death(data: Data, visit: str) -> tuple[Floats, Floats]:
    """Return between which days after randomisation each patient died; past all, if alive."""
    conduct = data.trial.conduct
    place = list(data.trial.scenario.design.visits).index(visit)
    minute, day = conduct.visit_minute[:, :, place], conduct.visit_day[:, :, place]
    dead: Booleans = conduct.died <= minute
    left = (conduct.withdrawn <= minute) & ~dead & (not data.complete)
    alive = float(day.max(initial=0)) + 1
    exited = np.where(dead, conduct.died, np.where(left, conduct.withdrawn, conduct.randomised))
    days = ((exited - conduct.randomised) // DAY).astype(np.float64)
    return np.where(dead | left, days, alive), np.where(dead, days, alive)

"""The statistic of a plan in any part of a batch: z, the effect, and the information about it."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.analysis.counts import cell_of
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.arrays import Booleans, Floats, Integers, divide
from trialsim.clock import NEVER
from trialsim.scenario.monitoring.effect_scale import natural, null_effect
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.brunner_munzel import BrunnerMunzel
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.stats.ranks.mann_whitney import (
    RankSums,
    null_test,
    rank_sums,
    summarise_counts,
)

_FARTHEST: Final = 38.0
"""The largest z that a p-value can tell."""
_COUNTS_AT_ONCE: Final = 2**19
"""Counts that are tested at once: more take memory, and fewer time."""


class Statistics(NamedTuple):
    """What is found of each part of a batch, each array of shape (replicate, part)."""

    z: Floats
    """Above 0 the treated are better; 0 where nothing can be said."""
    effect: Floats
    """On the scale of the statistic; NaN where an arm has nobody."""
    information: Floats
    """Reciprocal of the variance of the effect; 0 where nothing can be said."""
    patients: Integers
    """Patients analysed in both arms."""

    def part(self, place: int) -> "Statistics":
        """Return the one part at a place, shape (replicate,)."""
        z, effect, information = (one[:, place] for one in self[:3])
        return Statistics(z, effect, information, self.patients[:, place])


def statistics(finished: FinishedTrial, parts: Sequence[Booleans]) -> Statistics:
    """Return the statistic of each part: those patients who are included in it."""
    if finished.plan.test.monitored_by_counts:
        return of_counts(finished, np.stack([finished.counts(part) for part in parts], axis=1))
    return joined([_of_samples(finished, part) for part in parts])


def statistics_at(finished: FinishedTrial, patients: int, minutes: Integers) -> list[Statistics]:
    """Return the statistic at each of several cuts, each array of shape (replicate,).

    They are of the first so many patients; `minutes` are those of the cuts, shape (replicate, cut).
    What was worked out of a cut is not worked out again.
    """

    def of_some(places: Sequence[int]) -> Iterator[Statistics]:
        lacking = minutes[:, places]
        if not finished.plan.test.monitored_by_counts:
            first = finished.first(patients)
            for minute in lacking.T:
                yield _of_samples(finished, first & (finished.known <= minute[:, None]))
            return
        together = max(1, _COUNTS_AT_ONCE // finished.counts_of_first(patients).size)
        for begin in range(0, len(places), together):
            cuts = lacking[:, begin : begin + together]
            found = _at_cuts(finished, patients, cuts)
            yield from map(found.part, range(cuts.shape[1]))

    return finished.once_each([minute.tobytes() for minute in minutes.T], patients, of_some)


def _at_cuts(finished: FinishedTrial, patients: int, minutes: Integers) -> Statistics:
    """Return the statistic of counts at cuts, shape (replicate, cut)."""
    if _is_of_rank_sums(finished.plan):
        return _of_rank_sums(finished.rank_sums_at(patients, minutes))
    return of_counts(finished, finished.counts_at(patients, minutes))


def statistics_of_all(finished: FinishedTrial, patients: int) -> Statistics:
    """Return the statistic of the first so many patients at the end, shape (replicate,)."""
    if finished.plan.test.monitored_by_counts:
        counts = finished.counts_of_first(patients)
        return finished.once("all", patients, lambda: of_counts(finished, counts[:, None]).part(0))
    (found,) = statistics_at(finished, patients, np.full((finished.replicates, 1), NEVER))
    return found


def joined(parts: Sequence[Statistics]) -> Statistics:
    """Return parts, each of shape (replicate,), beside one another."""
    return Statistics(*(np.stack(one, axis=1) for one in zip(*parts, strict=True)))


def of_counts(finished: FinishedTrial, counts: Integers) -> Statistics:
    """Return the statistic of counts, shape (replicate, part, stratum, 2, cells)."""
    plan = finished.plan
    treated, control = counts[..., 0, :], counts[..., 1, :]
    patients = counts.sum(axis=(-3, -2, -1))
    if isinstance(plan.test, Responders):
        outcome = finished.trial.scenario.outcomes[plan.endpoint]
        first = cell_of(plan.test.threshold, outcome, plan)
        if plan.strata != "none":
            return _of_shares_in_strata(treated, control, first, patients)
        return _of_shares(treated[..., 0, :], control[..., 0, :], first, patients)
    if plan.strata != "none":
        return _stratified(treated, control, plan, patients)
    treated, control = treated[..., 0, :], control[..., 0, :]
    if isinstance(plan.test, BrunnerMunzel):
        from trialsim.stats.ranks.brunner_munzel import brunner_munzel

        summary = summarise_counts(treated, control)
        found = brunner_munzel(summary, "greater", plan.test.reference)
        spread = summary.placement_variance
        variance = np.where(spread > 0, spread, summary.null_variance)
        return _known(_normal(found.statistic, found.p_value), summary.effect, variance, patients)
    return _of_rank_sums(rank_sums(treated, control))


def _is_of_rank_sums(plan: AnalysisPlan) -> bool:
    """Return whether rank sums of all patients are enough for the statistic of a plan."""
    return plan.strata == "none" and not isinstance(plan.test, Responders | BrunnerMunzel)


def _of_rank_sums(sums: RankSums) -> Statistics:
    test = null_test(sums)
    return _known(test.z, test.effect, test.variance, sums.treated + sums.control)


def _stratified(
    treated: Integers, control: Integers, plan: AnalysisPlan, patients: Integers
) -> Statistics:
    from trialsim.stats.ranks.stratified import stratified_test, stratum_weights

    strata = summarise_counts(treated, control)
    test = stratified_test(strata, plan.stratum_weighting)
    weights = stratum_weights(strata, plan.stratum_weighting)
    variance = (weights**2 * np.nan_to_num(strata.null_variance)).sum(axis=-1)
    return _known(test.z, test.effect, variance, patients)


def _of_shares(treated: Integers, control: Integers, first: int, patients: Integers) -> Statistics:
    """Return the difference of two shares with its pooled variance, as in the chi-squared test."""
    (x, m), (y, n) = (
        (arm[..., first:].sum(axis=-1), arm.sum(axis=-1)) for arm in (treated, control)
    )
    pooled = divide(x + y, m + n, np.nan)
    variance = pooled * (1 - pooled) * divide(m + n, m * n, np.nan)
    effect = divide(x, m, np.nan) - divide(y, n, np.nan)
    z = divide(np.nan_to_num(effect), np.sqrt(np.nan_to_num(variance)), 0.0)
    return _known(z, effect, variance, patients)


def _of_shares_in_strata(
    treated: Integers, control: Integers, first: int, patients: Integers
) -> Statistics:
    """Return Mantel and Haenszel's difference with the variance of the test that goes with it."""
    from trialsim.stats.means_and_proportions.mantel_haenszel import mantel_haenszel

    (x, m), (y, n) = (
        (arm[..., first:].sum(axis=-1), arm.sum(axis=-1)) for arm in (treated, control)
    )
    found = mantel_haenszel(x, m, y, n)
    return _known(found.z, found.estimate, found.null_standard_error**2, patients)


def _of_samples(finished: FinishedTrial, included: Booleans) -> Statistics:
    """Return the statistic of a method that needs each patient."""
    plan = finished.plan.model_copy(update={"alternative": "greater"})
    found = finished.compared(plan, included)
    effect, null = natural(plan, found.estimate), null_effect(plan)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs((effect - null) / found.statistic)
    width = natural(plan, found.high) - natural(plan, found.low)
    by_width = width / 2 / scipy.special.ndtri((1 + plan.confidence) / 2)
    error = np.where(np.abs(found.statistic) > 1e-9, error, by_width)
    z = found.statistic if plan.test.statistic_is_z else _normal(found.statistic, found.p_value)
    return _known(z, effect, error**2, found.treated + found.control)


def _normal(statistic: Floats, p_value: Floats) -> Floats:
    """Return a test by its one-sided p-value as z; 0 where it can say nothing."""
    z = np.clip(-scipy.special.ndtri(p_value), -_FARTHEST, _FARTHEST)
    return np.where(statistic == 0, 0.0, z)


def _known(z: Floats, effect: Floats, variance: Floats, patients: Integers) -> Statistics:
    sound = np.isfinite(variance) & (variance > 0) & np.isfinite(effect) & np.isfinite(z)
    information = np.where(sound, 1 / np.where(sound, variance, 1.0), 0.0)
    return Statistics(np.where(sound, z, 0.0), np.asarray(effect), information, patients)

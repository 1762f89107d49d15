"""A trial that looks: its looks, the decision of each, and what is left of the trial after it.

An interim look is a cut of the finished trial. The batch was simulated once, with the most patients
that it may come to; each look analyses those whose endpoint was known then, a stop leaves those who
had been randomised when it was decided, and nothing is simulated again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.monitoring.combined import tested_by
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.moments import Moments, moments, shares
from trialsim.analysis.monitoring.sizes import patients_after
from trialsim.analysis.monitoring.statistics import (
    Statistics,
    joined,
    of_counts,
    statistics,
    statistics_at,
    statistics_of_all,
)
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import NEVER
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.stats.sequential.boundaries import Bounds
from trialsim.trial.conduct import couples_patients
from trialsim.trial.looks import run_again
from trialsim.trial.trial import Pause

_NO_ENDS: Final = np.empty((3, 0), np.int64)
_ROWS: Final = 2048
"""Trials that are counted and compared at once: more take memory, and no less time."""


@dataclass(frozen=True)
class Monitored:
    """What happened at the looks of a batch; arrays of shape (replicate, look[ + 1]).

    The last place of those with one more is the last analysis.
    """

    finished: FinishedTrial
    plan: BoundaryPlan
    planned: FinishedTrial
    """The same as the looks saw it: where patients wait for one another, of the planned size."""
    moments: Moments
    patients: Integers
    """How many each trial is to randomise, shape (replicate,)."""
    found: Statistics
    """The conventional statistic of each look and of all patients at the end."""
    z: Floats
    """What is tested: the conventional z or a combination of stages."""
    information: Floats
    """About the effect, in what is tested."""
    held: Booleans
    """Which of them took place and had information."""
    fractions: Floats
    """Share of the planned information; NaN where not held."""
    bounds: Bounds
    full: Booleans
    """Where a look had all of the planned information, and so was the last analysis."""
    pauses: tuple[Pause, ...] = ()
    """When recruitment paused for a decision, with which the batch was run."""

    @property
    def fractions_of_bounds(self) -> Floats:
        """The shares of information for which the bounds are; NaN where not held."""
        return _of_bounds(self.plan, self.held, self.fractions)

    @cached_property
    def above(self) -> Booleans:
        """Where z is at or above its bound."""
        return self.held & (self.z >= self.bounds.efficacy)

    @cached_property
    def below(self) -> Booleans:
        """Where a two-sided test rejects in favour of the control."""
        if self.plan.sides == 1:
            return np.zeros_like(self.held)
        return self.held & (self.z <= -self.bounds.efficacy)

    @cached_property
    def futile(self) -> Booleans:
        """Where z is below the bound for futility, and rejects on neither side."""
        short = self.held & (self.z < self.bounds.futility)
        return short & ~self.above & ~self.below

    @cached_property
    def stop(self) -> Integers:
        """The place of the analysis that ends each trial, shape (replicate,)."""
        stops = self.above | self.below | self.futile | self.full
        stops[:, -1] = True
        return np.asarray(np.argmax(stops, axis=1))

    @property
    def early(self) -> Booleans:
        """Which trials a look ends, shape (replicate,)."""
        return np.asarray(self.stop < self.held.shape[1] - 1)

    def at_stop(self, values: Floats | Integers | Booleans) -> Floats:
        """Return what the analysis has that ends each trial, shape (replicate,)."""
        return np.asarray(np.take_along_axis(values, self.stop[:, None], axis=1)[:, 0])

    @property
    def ended_full(self) -> Booleans:
        """Which trials ended at a look that was the last analysis, shape (replicate,)."""
        return np.asarray(self.at_stop(self.full), np.bool_)

    @property
    def rejected(self) -> Booleans:
        """Whether the null hypothesis is rejected, on either side, shape (replicate,)."""
        return np.asarray(self.at_stop(self.above | self.below), np.bool_)

    @property
    def favoured(self) -> Booleans:
        """Whether it rejects in favour of the treated, shape (replicate,)."""
        return np.asarray(self.at_stop(self.above), np.bool_)

    @cached_property
    def closes(self) -> Integers:
        """The minute at which a stop closes each trial, `NEVER` without one, shape (replicate,)."""
        return self._of_stop(self.moments.decided)

    @cached_property
    def ended(self) -> FinishedTrial:
        """The trials as they ended: the same, or run again where patients wait for one another."""
        trial = self.finished.trial
        if couples_patients(trial.scenario) is None or not self.early.any():
            return self.finished
        return FinishedTrial(run_again(trial, self.pauses, self.patients, self.closes))

    @cached_property
    def enrolled(self) -> Booleans:
        """Who is randomised after all, shape (replicate, patient)."""
        places = np.arange(self.ended.randomised.shape[1])
        return np.asarray(places < self.randomised[:, None])

    @cached_property
    def randomised(self) -> Integers:
        """How many patients each trial randomises, shape (replicate,)."""
        return self.ended.enrolled(self.patients, self.closes)

    @cached_property
    def analysed_at_stop(self) -> Booleans:
        """Whose data the decision uses, shape (replicate, patient)."""
        return self.enrolled & (self.ended.known <= self.cut[:, None])

    @cached_property
    def cut(self) -> Integers:
        """The minute of the data that ended each trial, `NEVER` at its end, shape (replicate,)."""
        return self._of_stop(self.moments.minute)

    def _of_stop(self, minutes: Integers) -> Integers:
        """Return the minute of the look that ended each trial, `NEVER` where none did."""
        look = np.minimum(self.stop, minutes.shape[1] - 1)[:, None]
        minute = np.take_along_axis(minutes, look, axis=1)[:, 0]
        return np.where(self.early, minute, NEVER)

    @cached_property
    def at_last(self) -> Booleans:
        """Whose data there are in the end: those who waited too, where they are followed."""
        followed = self.plan.monitoring.waiting_patients == "followed"
        return self.enrolled if followed else self.analysed_at_stop

    @cached_property
    def counts(self) -> Integers:
        """The last data by stratum, arm and cell; only trials that ended early are counted anew."""
        if self.ended is not self.finished:
            return self.ended.counts(self.at_last)
        counts = self.finished.counts_of_first(self.plan.patients).copy()
        counts[self.rows] = self.finished.counts_at_ends(*self.ends_of_changed)
        return counts

    @property
    def is_counted(self) -> bool:
        """Whether counts of the finished batch, however it was cut, are all that is compared."""
        return self.ended is self.finished and self.finished.plan.test.monitored_by_counts

    @cached_property
    def ends_of_changed(self) -> Integers:
        """How the trials ended that did not end as planned, shape (3, trial).

        The place of each, how many it randomised and until when its data count.
        """
        rows, followed = self.rows, self.plan.monitoring.waiting_patients == "followed"
        until = np.full(len(rows), NEVER) if followed else self.cut[rows]
        return np.stack([rows, self.randomised[rows], until])

    @property
    def changed(self) -> Booleans:
        """Which trials did not end as planned, shape (replicate,)."""
        return np.asarray(self.early | (self.patients != self.plan.patients))

    @cached_property
    def rows(self) -> Integers:
        """The places of the trials that did not end as planned."""
        return np.flatnonzero(self.changed)

    @cached_property
    def last(self) -> Comparison:
        """The plan's comparison of the last data, as if there had been no looks."""
        included = None if self.is_counted else self.at_last
        return self.ended.compared(self.ended.plan, included, self.counts)

    @cached_property
    def followed_z(self) -> Floats:
        """The conventional z of the last data, shape (replicate,)."""
        if self.finished.plan.test.statistic_is_z:
            return np.nan_to_num(self.last.statistic)
        z, early = self.found.z[:, -1].copy(), np.flatnonzero(self.early)
        z[early] = self._followed(early).z
        return z

    def _followed(self, rows: Integers) -> Statistics:
        """Return the conventional statistic of the last data of some replicates, shape (row,)."""
        if self.finished.plan.test.monitored_by_counts:
            return of_counts(self.ended, self.counts[rows, None]).part(0)
        z, effect, information, patients = statistics(self.ended, [self.at_last]).part(0)
        return Statistics(z[rows], effect[rows], information[rows], patients[rows])

    @cached_property
    def final_bound(self) -> Floats:
        """The bound of the last data of a stopped trial as its last analysis, shape (replicate,).

        It takes all of alpha that the looks up to the stop have left, at the information of those
        who were randomised; a look with as much information as they have counts as none, and one
        that was the last analysis itself makes way for it. NaN of a trial that no look has ended.
        """
        rows = np.flatnonzero(self.early)
        bound = np.full(len(self.stop), np.nan)
        if not rows.size:
            return bound
        if self.plan.monitoring.final.test != "conventional":
            reached: Floats = np.ones(len(rows))
            shares = np.where(self.held, self.plan.fractions, np.nan)
        elif self.plan.monitoring.information == "variance":
            information = self._followed(rows).information
            reached, shares = information / self.plan.information, self.fractions
        else:
            analysed = self.last.treated[rows] + self.last.control[rows]
            reached, shares = analysed / sum(self.plan.compared), self.fractions
        before = shares[rows]
        later = np.arange(before.shape[1]) >= (self.stop + ~self.ended_full)[rows, None]
        before = np.where(later | ~(before < reached[:, None]), np.nan, before)
        before[:, -1] = np.where(reached > 0, reached, np.nan)
        bound[rows] = self.plan.held(before, self.found.information[rows]).efficacy[:, -1]
        return bound

    @cached_property
    def reversed(self) -> Booleans:
        """Whether the last data, as the last analysis, undo a stop, shape (replicate,).

        A stop for efficacy (or harm) is undone where they do not reject on its side, one for
        futility, or at full information without a rejection, where they reject.
        """
        z, bound = self.followed_z, self.final_bound
        above, below = self.at_stop(self.above) == 1, self.at_stop(self.below) == 1
        rejects = (z >= bound) | ((z <= -bound) & (self.plan.sides == 2))
        gone = np.where(above, ~(z >= bound), np.where(below, ~(z <= -bound), rejects))
        return np.asarray(self.early & gone)


class _Begun(NamedTuple):
    """A batch as a plan has it recruited, and when the plan's looks fall."""

    finished: FinishedTrial
    pauses: tuple[Pause, ...]
    when: Moments


def monitor(finished: FinishedTrial, plan: BoundaryPlan) -> Monitored:
    """Look at a finished batch as a plan says, whichever it was simulated for."""
    return monitor_each(finished, [plan])[0]


def monitor_each(finished: FinishedTrial, plans: Sequence[BoundaryPlan]) -> list[Monitored]:
    """Look at a finished batch as each plan says; what its looks see is worked out together."""
    begun = [_begun(finished, plan) for plan in plans]
    minutes: dict[int, list[Integers]] = {}
    for one, plan in zip(begun, plans, strict=True):
        if one.finished is finished:
            minutes.setdefault(plan.patients, []).append(one.when.minute)
    for patients, cuts in minutes.items():
        statistics_at(finished, patients, np.concatenate(cuts, axis=1))
    return [_monitored(*one, plan) for one, plan in zip(begun, plans, strict=True)]


def _begun(finished: FinishedTrial, plan: BoundaryPlan) -> _Begun:
    if finished.randomised.shape[1] > plan.patients:
        finished = _sized(finished, _planned_sizes(finished, plan))
    recruited, pauses = _with_pauses(finished, plan)
    return _Begun(recruited, pauses, moments(recruited, plan.monitoring, plan.patients))


def _sized(
    finished: FinishedTrial, sizes: Integers, pauses: tuple[Pause, ...] = ()
) -> FinishedTrial:
    """Return trials of so many patients: the same, whose first count, unless patients wait."""
    if couples_patients(finished.trial.scenario) is None:
        return finished
    return FinishedTrial(run_again(finished.trial, pauses, sizes))


def _planned_sizes(finished: FinishedTrial, plan: BoundaryPlan) -> Integers:
    return np.full(finished.replicates, plan.patients)


def _monitored(
    planned: FinishedTrial, pauses: tuple[Pause, ...], when: Moments, plan: BoundaryPlan
) -> Monitored:
    finished, sizes = planned, _planned_sizes(planned, plan)
    looked = statistics_at(planned, plan.patients, when.minute)
    if plan.monitoring.re_estimation is None:
        looked.append(statistics_of_all(finished, plan.patients))
    else:
        place = plan.monitoring.names.index(plan.monitoring.re_estimation.at)
        counts = planned.counts_at(plan.patients, when.minute[:, [place]])[:, 0]
        sizes = patients_after(planned, plan, when, looked[place], counts)
        if (sizes != plan.patients).any():
            finished = _sized(planned, sizes, pauses)
        last = np.arange(finished.randomised.shape[1]) < sizes[:, None]
        looked.append(statistics(finished, [last]).part(0))
    found = joined(looked)
    reached = np.concatenate([when.reached, np.ones_like(when.reached[:, :1])], axis=1)
    held = reached & (found.information > 0)
    fractions = _fractions(plan, found, held)
    full = _first(plan.is_full(fractions))
    held &= ~_after(full)
    fractions[~held] = np.nan
    tested = tested_by(finished, plan, found, held, when.minute, sizes)
    bounds = plan.held(_of_bounds(plan, held, fractions), found.information)
    return Monitored(
        finished, plan, planned, when, sizes, found, *tested, held, fractions, bounds, full, pauses
    )


def last_estimates(finished: FinishedTrial, cuts: Sequence[Monitored]) -> list[Floats]:
    """Return the estimates of the last data of cuts of a batch, each of shape (replicate,).

    Those of trials that ended as planned are the same under every plan. The others are compared
    together where counts are enough, and once where several plans end a trial alike.
    """
    counted = [cut.finished is finished and cut.is_counted for cut in cuts]
    of_counted = iter(_by_counts(finished, [*compress(cuts, counted)]))
    return [
        next(of_counted) if can else cut.last.estimate
        for cut, can in zip(cuts, counted, strict=True)
    ]


def _by_counts(finished: FinishedTrial, cuts: Sequence[Monitored]) -> list[Floats]:
    """Return the estimates of the last data of cuts of a batch, from counts alone."""
    ends = np.concatenate([_NO_ENDS, *(cut.ends_of_changed for cut in cuts)], axis=1)
    distinct, places = _distinct(ends)
    blocks = [distinct[:, at : at + _ROWS] for at in range(0, distinct.shape[1], _ROWS)]
    parts = [finished.estimates(finished.counts_at_ends(*block)) for block in blocks]
    of_changed = np.concatenate([np.empty(0), *parts])[places.reshape(-1)]
    estimates, begin = [], 0
    for cut in cuts:
        end = begin + len(cut.rows)
        estimate = finished.estimates_of_first(cut.plan.patients).copy()
        estimate[cut.rows] = of_changed[begin:end]
        estimates.append(estimate)
        begin = end
    return estimates


def _distinct(ends: Integers) -> tuple[Integers, Integers]:
    """Return the ends that differ, and the place of each among them."""
    row, randomised, until = ends
    if (until < NEVER).any():
        return np.unique(ends, axis=1, return_inverse=True)
    beside = randomised.max(initial=0) + 1  # numbers are put in order much sooner than columns
    _, first, places = np.unique(row * beside + randomised, return_index=True, return_inverse=True)
    return ends[:, first], places


def _with_pauses(
    finished: FinishedTrial, plan: BoundaryPlan
) -> tuple[FinishedTrial, tuple[Pause, ...]]:
    """Return the batch as it was recruited, and the pauses between a cut and its decision.

    A pause changes who comes after it and so when later looks fall: the trials are run again for
    each look with one, in order, and their past is as it was.
    """
    pauses: list[Pause] = []
    for place, look in enumerate(plan.monitoring.looks.values()):
        if look.recruitment_meanwhile == "pauses" and look.decided_after_days > 0:
            when = moments(finished, plan.monitoring, plan.patients)
            begins = np.where(when.reached[:, place], when.minute[:, place], NEVER)
            ends = np.where(when.reached[:, place], when.decided[:, place], NEVER)
            pauses.append(Pause(begins, ends))
            sizes = _planned_sizes(finished, plan)
            finished = FinishedTrial(run_again(finished.trial, pauses, sizes))
    return finished, tuple(pauses)


def _fractions(plan: BoundaryPlan, found: Statistics, held: Booleans) -> Floats:
    """Return each analysis' share of the planned information, NaN where it was not held."""
    if plan.monitoring.information == "variance":
        fractions = shares(found.information, plan.information)
    else:
        fractions = shares(found.patients, sum(plan.compared))
    return np.where(held, fractions, np.nan)


def _first(happened: Booleans) -> Booleans:
    """Return where something happened for the first time, shape (replicate, look + 1)."""
    return np.asarray(happened & (np.cumsum(happened, axis=1) == 1))


def _after(happened: Booleans) -> Booleans:
    """Return the places after something that happened once, in the same shape."""
    return np.asarray((np.cumsum(happened, axis=1) > 0) & ~happened)


def _of_bounds(plan: BoundaryPlan, held: Booleans, fractions: Floats) -> Floats:
    """Return the shares of information for which the bounds are.

    Combined stages have the bounds of the plan, whatever information they turned out to have.
    """
    if plan.monitoring.final.test == "conventional":
        return fractions
    return np.where(held, plan.fractions, np.nan)

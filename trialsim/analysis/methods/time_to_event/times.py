"""Days from randomisation to an event or to censoring, read off what happened in a trial."""

from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.counts import strata_of, stratum_in
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import first_of
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY, NEVER
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.stats.time_to_event.at_risk import AtRisk, count_at_risk

_ROUNDING: Final = 1e-6
"""Of a step of the scale."""


class Times(NamedTuple):
    """One time of each patient, shape (replicate, patient)."""

    day: Integers
    """Whole days from randomisation; of those who are not followed no meaning."""
    event: Booleans
    """Whether the event came on the day, or the patient was censored."""
    followed: Booleans
    """Who is analysed."""


class ByArm(NamedTuple):
    """What is compared of each replicate."""

    counts: AtRisk
    """Shape (replicate, stratum, 2, day): first the arm whose more or sooner events are better."""
    treated: Integers
    control: Integers
    with_event: tuple[Floats, Floats]
    """The shares of the treated and the controls in whom the event was seen."""


def times_of(data: Data, method: EventMethod) -> Times:
    """Return the times to an event under the plan's rules.

    What would have been seen with complete follow-up has scores at every visit; a death or an event
    after a withdrawal is not simulated, so that bad events are censored there all the same.
    """
    trial, last = data.trial, data.visit
    conduct, compared = trial.conduct, np.logical_or(*data.arms)
    ends = conduct.visit_minute[:, :, last]
    kinds = _kinds(data, method)
    worst, gone = first_of(trial, kinds.worst), first_of(trial, kinds.censored)
    followed = data.included & compared
    if method.recovers:
        return _to_a_score(data, method, followed, worst, ends)
    minute = np.minimum(first_of(trial, method.events), worst)
    stopped = np.minimum(gone, ends)
    event = minute <= stopped
    return Times(_days(data, np.minimum(minute, stopped)), np.asarray(event), followed)


def _to_a_score(
    data: Data, method: EventMethod, followed: Booleans, worst: Integers, ends: Integers
) -> Times:
    """Return the times to the first visit at which a score is reached, in planned days.

    By the days on which patients came, who came early and had not reached the score would be
    censored before others are seen at the same visit, and the curve would rise too high.
    """
    minutes = data.trial.conduct.visit_minute[:, :, : data.visit + 1]
    scores = data.scores[:, :, : data.visit + 1]
    reached = _reached(data, method, scores) & (minutes < worst[..., np.newaxis])
    already, reached = reached[..., 0], reached[..., 1:]
    if data.plan.measure == "score":
        followed = followed & ~already
    event = reached.any(axis=-1)
    seen = ~np.isnan(scores)
    seen[..., 0] = True
    final = seen.shape[-1] - 1 - np.argmax(seen[..., ::-1], axis=-1)
    place = np.where(event, np.argmax(reached, axis=-1) + 1, final)
    place = np.where(~event & (worst <= ends), data.visit, place)
    visits = data.trial.scenario.design.visits.values()
    planned = np.array([visit.day if at else 0 for at, visit in enumerate(visits)])
    return Times(planned[place], np.asarray(event), followed)


def _reached(data: Data, method: EventMethod, scores: Floats) -> Booleans:
    """Return at which visits a score, or a change, is the threshold or better."""
    assert method.threshold is not None
    outcome = data.outcome
    values = scores
    if data.plan.measure == "change":
        values = scores - data.baseline[..., np.newaxis]
    least = outcome.sign * method.threshold - _ROUNDING * outcome.step
    return np.asarray(outcome.sign * values >= least)


class _Kinds(NamedTuple):
    """Kinds of intercurrent events other than those that are analysed."""

    worst: tuple[Event, ...]
    """After which a score is never reached, or which count as an event."""
    censored: tuple[Event, ...]


def _kinds(data: Data, method: EventMethod) -> _Kinds:
    plan = data.plan
    dead: tuple[Event, ...] = () if "death" in method.events else ("death",)
    worst, gone = (dead, ()) if plan.death == "worst_rank" else ((), dead)
    if "withdrawal" not in method.events:
        gone = (*gone, "withdrawal")
    if data.complete:
        return _Kinds(worst, gone)
    return _Kinds(
        (*worst, *plan.kinds_under("composite")), (*gone, *plan.kinds_under("hypothetical"))
    )


def _days(data: Data, minute: Integers) -> Integers:
    """Return whole days from randomisation, within those of the design or of the records."""
    days: Integers = (minute - data.trial.conduct.randomised) // DAY
    return np.clip(days, 0, days_of(data, recovers=False) - 1)


def days_of(data: Data, recovers: bool) -> int:
    """Return how many days there are from randomisation to the end of follow-up.

    The same in every batch of a study, so that its sums are rounded alike.
    """
    visit = data.trial.scenario.design.visits[data.plan.visit]
    if recovers:
        return visit.day + 1
    conduct = data.trial.conduct
    there = conduct.randomised < NEVER
    longest = conduct.visit_minute[:, :, data.visit] - conduct.randomised
    seen = int(longest[there].max(initial=0)) // DAY
    return max(visit.day + visit.window_days, seen) + 1


def by_arm(data: Data, method: EventMethod) -> ByArm:
    """Return patients at risk and events of each replicate."""
    times, strata = times_of(data, method), strata_of(data.trial, data.plan)
    treated, control = (times.followed & arm for arm in data.arms)
    first = treated if method.recovers else control
    group = np.where(times.followed, 2 * stratum_in(data.trial, data.plan) + ~first, -1)
    days = days_of(data, method.recovers)
    counts = count_at_risk(times.day, times.event, group, 2 * strata, days)
    shape = (len(group), strata, 2, days)
    sizes = treated.sum(axis=1), control.sum(axis=1)
    shares = tuple(
        (times.event & arm).sum(axis=1) / np.where(size > 0, size, np.nan)
        for arm, size in zip((treated, control), sizes, strict=True)
    )
    return ByArm(AtRisk(*(one.reshape(shape) for one in counts)), *sizes, (shares[0], shares[1]))

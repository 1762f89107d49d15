"""An interim look is a cut: a batch as it stood on a date, taken from the finished one.

Nothing that happens before a minute depends on what happens after it, so what was known then is
what the finished trial recorded before that minute. A stop is a cut too, but where patients wait
for one another: there those who were never recruited leave chairs to the others, and a stop is a
run of its own (`simulate_batch` with `closes`).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Integers, take_rows
from trialsim.clock import DAY, NEVER
from trialsim.errors import RunError
from trialsim.streams import Streams
from trialsim.trial.conduct import Conduct, couples_patients, days_to, screened
from trialsim.trial.trial import Engine, Pause, Trial, simulate_batch


def known_from(trial: Trial) -> Integers:
    """Return the first minute at whose beginning it is known what each visit brought.

    Returns
    -------
    Integers
        Minutes of the trial, shape (replicate, patient, visit), as `visit_known_from` gives them.
    """
    visits = range(len(trial.scenario.design.visits))
    return np.stack([visit_known_from(trial, visit) for visit in visits], axis=2)


def visit_known_from(trial: Trial, place: int) -> Integers:
    """Return the first minute at whose beginning it is known what the visit at a place brought.

    That is the minute after the visit, if the patient came to it; after death, which settles every
    visit still to come; and otherwise after the last minute of the visit's window, for until then
    the patient might still come. Who has withdrawn is no exception: were those who leave known
    sooner than those who stay, an interim look would see too many of them.

    Returns
    -------
    Integers
        Minutes of the trial, shape (replicate, patient).
    """
    conduct, visit = trial.conduct, list(trial.scenario.design.visits.values())[place]
    onset = take_rows(trial.cohort.onset, trial.candidate)
    late = visit.window_days if place else 0  # the baseline has no window
    last_day = days_to(visit, (conduct.randomised - onset) // DAY, late)
    not_attended = np.minimum(conduct.randomised + last_day * DAY, conduct.died)
    attended, minute = conduct.visit_attended[:, :, place], conduct.visit_minute[:, :, place]
    return np.where(attended, minute, not_attended) + 1


def as_of(trial: Trial, minute: ArrayLike) -> Trial:
    """Return a batch as it stood when a minute began: only what had happened before it.

    The axes stay those of the finished trial, and what was not known is left out in the trial's own
    ways: a patient not yet randomised is randomised at `NEVER`, who is still in the trial leaves it
    at `NEVER`, a later visit is not attended and its scores are NaN. `conduct.visit_settled` says
    for each visit whether what it brought was known (see `known_from`); an analysis plan is applied
    to those patients alone whose endpoint is. So no score is carried forward to a visit that a
    patient may still come to.

    Where recruitment was still open, `conduct.closed` is `NEVER`, and `conduct.screened` counts the
    candidates who had arrived. The cohort, the itinerary, the arms, the waits for chairs and the
    `underlying` scores remain those of the finished trial: they hold what is still to come, too.

    Parameters
    ----------
    minute
        Minutes of the trial, one for each replicate or one for all; `NEVER` gives all that the
        finished trial knows.
    """
    minutes = np.broadcast_to(np.asarray(minute, np.int64), len(trial.arms))
    conduct = _conduct_as_of(trial, minutes)
    scores = trial.underlying.seen_at(conduct.visit_attended)
    return dataclasses.replace(trial, conduct=conduct, scores=scores)


def paused(trial: Trial, pauses: Sequence[Pause], sizes: Integers | None = None) -> Trial:
    """Return the same trials run again, with nobody randomised in the pauses.

    Each pause holds a minute of each replicate of `trial`; what was before it is as it was. `sizes`
    are those of the trials where patients wait for one another, if not that of the design.
    """
    return _again(trial, None, pauses, sizes if couples_patients(trial.scenario) else None)


def sized(trial: Trial, sizes: Integers, pauses: Sequence[Pause] = ()) -> Trial:
    """Return a batch of which each trial has so many patients: a cut, or a run where needed.

    Where patients wait for one another, later ones take chairs from earlier ones, so that the
    trials are run again without those beyond their size. Elsewhere it is `trial` itself, whose
    first patients are those of a smaller trial. `pauses` are those with which the batch was run.
    """
    return trial if couples_patients(trial.scenario) is None else _again(trial, None, pauses, sizes)


def _again(
    trial: Trial, closes: Integers | None, pauses: Sequence[Pause], sizes: Integers | None
) -> Trial:
    """Run the trials again from their addresses.

    Raises
    ------
    RunError
        If some of them can no longer recruit all their patients.
    """
    first, last = int(trial.replicates[0]), int(trial.replicates[-1])
    here = trial.replicates - first

    def of_all(values: Integers, of_failed: int = NEVER) -> Integers:
        whole = np.full(last - first + 1, of_failed)
        whole[here] = values
        return whole

    streams = Streams(trial.seed, range(first, last + 1))
    engine: Engine = "events" if couples_patients(trial.scenario) else "vector"
    everywhere = [Pause(*map(of_all, pause)) for pause in pauses]
    again = simulate_batch(
        trial.scenario,
        streams,
        engine,
        None if closes is None else of_all(closes),
        everywhere,
        None if sizes is None else of_all(sizes, trial.scenario.design.patients),
    )
    if len(again.replicates) < len(trial.replicates):  # a single one fails by itself, and says why
        raise RunError("recruitment that paused was never complete in some of the replicates")
    return again


def closed_from(
    trial: Trial,
    minute: Integers,
    pauses: Sequence[Pause] = (),
    sizes: Integers | None = None,
) -> Trial:
    """Return a batch of which recruitment closed at a minute: a cut, or a run where that is needed.

    Where patients wait for one another the same trials are run again, with the same numbers, and
    nobody randomised from the minute on. Elsewhere it is `trial` itself, of which `stopped` leaves
    out those randomised later. `pauses` and `sizes` are those with which the batch was run.
    """
    if couples_patients(trial.scenario) is None:
        return trial
    return _again(trial, minute, pauses, sizes)


def stopped(trial: Trial, minute: ArrayLike) -> Trial:
    """Return a batch as if nobody had been randomised from a minute on, cut from the finished one.

    Those randomised before it are followed to the end. What is left of the others is as in `as_of`,
    and no analysis counts them.

    Parameters
    ----------
    minute
        Minutes of the trial, one for each replicate or one for all; `NEVER` stops nothing.

    Raises
    ------
    RunError
        If the scenario couples patients.
    """
    coupled = couples_patients(trial.scenario)
    if coupled:
        raise RunError(f"a stop cannot be cut from a trial that couples patients: {coupled}")
    minutes = np.broadcast_to(np.asarray(minute, np.int64), len(trial.arms))
    conduct = trial.conduct
    here = conduct.randomised < minutes[:, None]
    closed = np.minimum(conduct.closed, minutes)
    ends: dict[str, Any] = {name: np.where(here, one, NEVER) for name, one in conduct.ends.items()}
    cut = dataclasses.replace(
        conduct,
        randomised=np.where(here, conduct.randomised, NEVER),
        closed=closed,
        screened=screened(trial.cohort, closed, trial.scenario),
        infusion_given=conduct.infusion_given & here[:, :, None],
        **ends,
        visit_attended=conduct.visit_attended & here[:, :, None],
        visit_settled=conduct.visit_settled & here[:, :, None],
    )
    scores = trial.underlying.seen_at(cut.visit_attended)
    return dataclasses.replace(trial, conduct=cut, scores=scores)


def _conduct_as_of(trial: Trial, minutes: Integers) -> Conduct:
    """Return what had happened to the patients before each replicate's minute."""
    conduct, a_minute = trial.conduct, minutes[:, None, None]

    def known(moment: Integers) -> Integers:
        return np.where(moment < minutes.reshape(-1, *[1] * (moment.ndim - 1)), moment, NEVER)

    def before(moment: Integers, happened: Booleans) -> Booleans:
        return happened & (moment < a_minute)

    closed = known(conduct.closed)
    ends: dict[str, Any] = {name: known(one) for name, one in conduct.ends.items()}
    return dataclasses.replace(
        conduct,
        randomised=known(conduct.randomised),
        closed=closed,
        screened=screened(trial.cohort, np.minimum(closed, minutes - 1), trial.scenario),
        infusion_given=before(conduct.infusion_start, conduct.infusion_given),
        **ends,
        visit_attended=before(conduct.visit_minute, conduct.visit_attended),
        visit_settled=conduct.visit_settled & (known_from(trial) <= a_minute),
    )

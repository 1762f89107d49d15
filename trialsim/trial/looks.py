"""An interim look is a cut: what was known on a date is what was recorded before it.

Nothing that happens before a minute depends on what happens after it. A stop is a cut too, but
where patients wait for one another: there those who were never recruited leave chairs to the
others, and a stop is a run of its own.
"""

from collections.abc import Sequence

import numpy as np

from trialsim.arrays import Integers, take_rows
from trialsim.clock import DAY, NEVER
from trialsim.errors import RunError
from trialsim.streams import Streams
from trialsim.trial.conduct import couples_patients, days_to
from trialsim.trial.trial import Engine, Pause, Trial, simulate_batch


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
    nobody randomised from the minute on. Elsewhere it is `trial` itself, in which those randomised
    later are left out. `pauses` and `sizes` are those with which the batch was run.
    """
    if couples_patients(trial.scenario) is None:
        return trial
    return _again(trial, minute, pauses, sizes)

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
from trialsim.trial.conduct import couples_patients, days_to
from trialsim.trial.trial import Pause, Trial, simulate_batch


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


def run_again(
    trial: Trial,
    pauses: Sequence[Pause] = (),
    sizes: Integers | None = None,
    closes: Integers | None = None,
) -> Trial:
    """Return the same trials run again from their addresses; what was before a change is as it was.

    Needed where recruitment pauses, and where patients wait for one another, so that later ones
    take chairs from earlier ones. Elsewhere the first patients of a trial are a smaller trial.

    Parameters
    ----------
    pauses
        In which nobody is randomised, a minute of each replicate of `trial`.
    sizes
        How many patients each trial has where patients wait for one another, if not as planned.
    closes
        The minute from which on nobody is randomised in each trial, if not as planned.

    Raises
    ------
    RunError
        If some of them can no longer recruit all their patients.
    """
    streams, coupled = trial.recruited.streams, couples_patients(trial.scenario)

    def of_all(values: Integers, of_failed: int = NEVER) -> Integers:
        whole = np.full(len(streams.replicates), of_failed)
        whole[trial.rows] = values
        return whole

    again = simulate_batch(
        trial.scenario,
        streams,
        "events" if coupled else "vector",
        None if closes is None else of_all(closes),
        [Pause(*map(of_all, pause)) for pause in pauses],
        of_all(sizes, trial.scenario.design.patients) if coupled and sizes is not None else None,
    )
    if len(again.replicates) < len(trial.replicates):  # a single one fails by itself, and says why
        raise RunError("recruitment that paused was never complete in some of the replicates")
    return again

"""The patients of a finished batch, as every cut of it needs them: of trials, or only counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.counts import events_by_arm, place_in_table
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, visit_of
from trialsim.analysis.whole.counted import counted_trials, data_of
from trialsim.arrays import Integers
from trialsim.clock import NEVER
from trialsim.compiled.library import stages
from trialsim.compiled.whole import SO_FAR
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.looks import visit_known_from
from trialsim.trial.trial import Trial


@dataclass(frozen=True)
class Patients:
    """What decides every cut of a batch; arrays of shape (replicate, patient) unless said."""

    randomised: Integers
    """The minute of each, in order along patients; `NEVER` of those who were missing at the end."""
    known: Integers
    """The first minute at whose beginning the endpoint is known, `NEVER` of the missing."""
    place: Integers
    """Where each is counted in a table of strata, arms and cells; the third arm is counted aside:
    patients of other arms and those who are not analysed."""
    so_far: Mapping[str, Integers]
    """Numbers of the patients up to each: the minute of the `last_visit` to which anybody came, and
    how many were `infusions_given`, `discontinued`, `withdrawn` and so on (see `exits_of`)."""
    arrival: Integers
    """When candidates arrived, shape (replicate, candidate)."""
    closed: Integers
    """When recruitment closed, shape (replicate,)."""
    screened: Integers
    """How many candidates had arrived by then, shape (replicate,)."""
    complete: Data
    """The patients of trials of which nobody's score was missed; no look changes them."""
    counts: Integers | None = None
    """All of them by stratum, arm and cell, where they were counted before."""


def exits_of(trial: Trial) -> dict[str, Integers]:
    """Return when each discontinued treatment, withdrew and died, and what is told by arm."""
    conduct = trial.conduct
    return {
        "discontinued": conduct.discontinued,
        "withdrawn": conduct.withdrawn,
        "died": conduct.died,
        **events_by_arm(trial),
    }


def last_visits(trial: Trial) -> Integers:
    """Return the minute of the last visit to which each patient came; 0 of who came to none."""
    conduct = trial.conduct
    seen = [
        conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]
        for visit in range(len(trial.scenario.design.visits))
    ]
    return np.asarray(np.maximum.reduce(seen))


def at_most(moments: Integers, minutes: Integers, rows: Integers | None = None) -> Integers:
    """Return how many moments of each replicate are at most its minutes, shape of these.

    Parameters
    ----------
    rows
        The replicates that have minutes; None for all.

    >>> at_most(np.array([[3, 8, 5]]), np.array([[5, 2]])).tolist()
    [[2, 0]]
    """
    compiled = stages()
    if compiled is not None:
        return compiled.at_most(moments, minutes, np.arange(len(moments)) if rows is None else rows)
    own = moments if rows is None else moments[rows]
    counts = [np.count_nonzero(own <= one[:, None], axis=1) for one in minutes.T]
    return np.stack(counts, axis=1)


def patients_of(trial: Trial, values: Endpoint) -> Patients:
    """Return the patients of a batch, whose analysed values are given."""
    plan, conduct = trial.scenario.analysis, trial.conduct
    known = visit_known_from(trial, visit_of(trial, plan))
    given = np.count_nonzero(conduct.infusion_given, axis=2)
    happened = {name: when < NEVER for name, when in exits_of(trial).items()}
    numbers = {"infusions_given": given, **happened}
    return Patients(
        randomised=conduct.randomised,
        known=np.where(conduct.randomised < NEVER, known, NEVER),
        place=place_in_table(trial, plan, values),
        so_far={
            "last_visit": np.maximum.accumulate(last_visits(trial), axis=1),
            **{name: np.cumsum(number, axis=1) for name, number in numbers.items()},
        },
        arrival=trial.cohort.arrival,
        closed=conduct.closed,
        screened=conduct.screened,
        complete=Data(trial, plan, complete=True),
    )


def patients_at_once(scenario: Scenario, streams: Streams) -> Patients | None:
    """Return the same without trials to look at; None where these have to be simulated.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    """
    trials = counted_trials(scenario, streams, each=True)
    if trials is None or trials.each is None:
        return None
    each = trials.each
    return Patients(
        randomised=each["randomised"],
        known=each["known"],
        place=each["place"],
        so_far={name: each[name] for name in SO_FAR},
        arrival=each["arrival"],
        closed=trials.kept["closed"],
        screened=trials.kept["screened"],
        complete=data_of(scenario, trials, complete=True),
        counts=trials.counts,
    )

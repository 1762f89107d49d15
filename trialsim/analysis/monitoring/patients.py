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
    last_visit: Integers
    """The minute of the last visit to which each came."""
    infusions: Integers
    """How many infusions each was given."""
    exits: Mapping[str, Integers]
    """When each discontinued treatment, withdrew and died, and what is told by arm."""
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


def patients_of(trial: Trial, values: Endpoint) -> Patients:
    """Return the patients of a batch, whose analysed values are given."""
    plan, conduct = trial.scenario.analysis, trial.conduct
    known = visit_known_from(trial, visit_of(trial, plan))
    seen = [
        conduct.visit_minute[:, :, visit] * conduct.visit_attended[:, :, visit]
        for visit in range(len(trial.scenario.design.visits))
    ]
    exits = {
        "discontinued": conduct.discontinued,
        "withdrawn": conduct.withdrawn,
        "died": conduct.died,
        **events_by_arm(trial),
    }
    return Patients(
        randomised=conduct.randomised,
        known=np.where(conduct.randomised < NEVER, known, NEVER),
        place=place_in_table(trial, plan, values),
        last_visit=np.asarray(np.maximum.reduce(seen)),
        infusions=np.asarray(np.count_nonzero(conduct.infusion_given, axis=2)),
        exits=exits,
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
        last_visit=each["last_visit"],
        infusions=each["infusions"],
        exits={name: each[name] for name in ("discontinued", "withdrawn", "died")},
        arrival=each["arrival"],
        closed=trials.kept["closed"],
        screened=trials.kept["screened"],
        complete=data_of(scenario, trials.complete, complete=True),
        counts=trials.counts,
    )

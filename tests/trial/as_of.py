"""A whole trial cut at a date: the plain definition with which looks and stops are compared."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Booleans, Integers
from trialsim.clock import NEVER
from trialsim.trial.conduct import Conduct, screened
from trialsim.trial.looks import visit_known_from
from trialsim.trial.trial import Trial


def known_from(trial: Trial) -> Integers:
    """Return the first minute at whose beginning it is known what each visit brought."""
    visits = range(len(trial.scenario.design.visits))
    return np.stack([visit_known_from(trial, visit) for visit in visits], axis=2)


def as_of(trial: Trial, minute: ArrayLike) -> Trial:
    """Return a batch as it stood when a minute began: only what had happened before it.

    What was not known is left out in the trial's own ways: who is not yet randomised is so at
    `NEVER`, who is still in the trial leaves it at `NEVER`, a later visit is not attended and has
    no score. `conduct.visit_settled` says for each visit whether what it brought was known.

    Parameters
    ----------
    minute
        Minutes of the trial, one for each replicate or one for all.
    """
    minutes = np.broadcast_to(np.asarray(minute, np.int64), len(trial.arms))
    conduct = _conduct_as_of(trial, minutes)
    scores = trial.underlying.seen_at(conduct.visit_attended)
    return dataclasses.replace(trial, conduct=conduct, scores=scores)


def stopped(trial: Trial, minute: ArrayLike) -> Trial:
    """Return a batch as if nobody had been randomised from a minute on, nor waited for another."""
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

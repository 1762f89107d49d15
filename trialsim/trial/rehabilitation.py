"""The rehabilitation programme: sessions due, and how many of them each patient attended."""

import numpy as np
from scipy.special import bdtr

from trialsim.arrays import Floats, Integers, take_rows
from trialsim.clock import DAY
from trialsim.trial.conduct import due_days
from trialsim.trial.trial import Trial


def sessions_due(trial: Trial) -> Integers:
    """Return the minute at which each session is due, shape (replicate, patient, session).

    Sessions are due at the time of day of randomisation, the first on the day of randomisation or
    on the first day after it on which sessions are held. A study without the programme has none.
    """
    randomised = trial.conduct.randomised
    programme = trial.scenario.treatment.rehabilitation
    if programme is None:
        return np.zeros((*randomised.shape, 0), np.int64)
    due: Integers = randomised[:, :, None] + DAY * due_days(programme.schedule, randomised)
    return due


def sessions_attended(trial: Trial) -> Integers:
    """Return how many of the sessions due before exit were attended, shape (replicate, patient).

    Each session is attended with the same probability, so the number is binomial; one uniform a
    patient finds it, by the address of the candidate.
    """
    due: Integers = (sessions_due(trial) < trial.conduct.exited[:, :, None]).sum(axis=2)
    programme = trial.scenario.treatment.rehabilitation
    if programme is None:
        return due
    drawn = trial.recruited.streams.uniform("rehabilitation", trial.cohort.arrival.shape[1])
    u = take_rows(drawn[trial.rows], trial.candidate)
    return binomial_quantile(u, due, programme.attendance_probability)


def binomial_quantile(u: Floats, attempts: Integers, probability: float) -> Integers:
    """Return the least number of successes whose distribution function reaches u.

    >>> binomial_quantile(np.array([0.2, 0.3, 0.8, 0.8]), np.array([2, 2, 2, 0]), 0.5)
    array([0, 1, 2, 0])
    """
    successes = np.zeros(attempts.shape, np.int64)
    most = np.arange(attempts.max() + 1)
    for number in range(len(most) - 1):
        reached = np.where(number < most, bdtr(number, most, probability), 1.0)
        successes += u > reached[attempts]
    return successes

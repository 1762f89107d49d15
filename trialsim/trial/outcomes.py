"""Scores at the visits, from the itinerary's luck, the time since onset and the drug received."""

import math

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Booleans, Floats, Integers, Places, layered
from trialsim.clock import DAY, weekday
from trialsim.scenario.effects import latent_shift
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.treatment import Schedule
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Conduct


def realise(
    scenario: Scenario,
    cohort: Cohort,
    candidate: Integers,
    conduct: Conduct,
    arms: Integers,
    streams: Streams,
) -> dict[str, Floats]:
    """Return each outcome's scores at every planned visit, shape (replicate, patient, visit).

    The scores of visits that were missed are among them: what would have been measured.

    Parameters
    ----------
    candidate
        The number of each patient in the cohort, shape (replicate, patient).
    """
    units = cohort.arrival.shape[1]
    dose = np.array([arm.dose_ml for arm in scenario.design.arms.values()])[arms]
    received = drug_received(conduct, dose)
    patients = Places(candidate)
    onset = patients.of(cohort.onset)

    def luck(purpose: str, draw: int = 0) -> Floats:
        score: Floats = scipy.special.ndtri(patients.of(streams.uniform(purpose, units, draw)))
        return score

    scores: dict[str, Floats] = {}
    for name, outcome in scenario.outcomes.items():
        score: Floats = layered(conduct.visit_minute.shape, np.float64)
        score[:, :, 0] = patients.of(cohort.covariates[outcome.baseline])
        start = patients.of(cohort.covariates.normal_score(outcome.baseline))
        own = luck(f"course {name}")
        shift = latent_shift(outcome)
        for visit in range(1, score.shape[2]):
            noise = luck(f"noise {name}", visit)
            days = (conduct.visit_minute[:, :, visit] - onset) / DAY
            added = shift * outcome.effect.exposure.at(received[:, :, visit], dose)
            score[:, :, visit] = _score(outcome, days, start, own, noise, added)
        scores[name] = score
    return scores


def drug_received(conduct: Conduct, dose: Floats) -> Floats:
    """Return mL of study drug given on the days before each visit, (replicate, patient, visit)."""
    received: Floats = layered(conduct.visit_minute.shape, np.float64)
    due_before = _due_before(conduct.schedule)
    last = due_before.shape[1] - 1
    first_day = weekday(conduct.randomised) * (last + 1)
    running = _running_counts(conduct.infusion_given)
    patient = np.arange(first_day.size).reshape(first_day.shape)
    for visit in range(received.shape[2]):
        day = np.minimum(conduct.visit_day[:, :, visit], last)
        if day.min() == last:  # the course is over for everybody
            received[:, :, visit] = running[-1].reshape(dose.shape) * dose
            continue
        due = due_before.take(first_day + day)
        received[:, :, visit] = running.take(due * due.size + patient) * dose
    return received


def _running_counts(given: Booleans) -> Integers:
    """Return how many of the first infusions were given, shape (infusions + 1, all patients)."""
    infusions = given.shape[2]
    running = np.zeros((infusions + 1, given[:, :, 0].size), np.int16)
    for infusion in range(infusions):
        np.add(running[infusion], given[:, :, infusion].ravel(), out=running[infusion + 1])
    return running


def _due_before(schedule: Schedule) -> Integers:
    """Return the infusions due before each day after the first, by weekday, shape (7, day)."""
    offsets = schedule.offsets()
    days = np.arange(offsets.max() + 2)
    due: Integers = (offsets[:, None, :] < days[:, None]).sum(axis=2)
    return due


def _score(
    outcome: Outcome, days: Floats, start: Floats, own: Floats, noise: Floats, added: Floats
) -> Floats:
    moment = outcome.course.at(days)
    share = outcome.course.patient_share
    residual = math.sqrt(share) * own + math.sqrt(1 - share) * noise
    explained = moment.baseline_correlation
    standard = explained * start + np.sqrt(1 - explained**2) * residual
    latent = moment.mean + moment.sd * standard + added
    score: Floats = np.rint(latent).clip(outcome.low, outcome.high)
    score += 0.0  # a latent -0.3 is rounded to -0.0, which would be written so
    return score

"""Scores at the visits, from the itinerary's luck, the time since onset and the drug received."""

import math

import numpy as np
from scipy.special import ndtri

from trialsim.arrays import Floats, Integers
from trialsim.clock import DAY
from trialsim.scenario.effects import latent_shift
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Conduct, due_days
from trialsim.trial.itinerary import Itinerary


def realise(
    scenario: Scenario,
    cohort: Cohort,
    itinerary: Itinerary,
    conduct: Conduct,
    arms: Integers,
    streams: Streams,
) -> dict[str, Floats]:
    """Return each outcome's scores, shape (replicate, patient, visit), NaN where not measured."""
    rows = np.arange(len(arms))[:, None]
    candidate = itinerary.candidate[rows, conduct.place]
    units = cohort.arrival.shape[1]
    dose = np.array([arm.dose_ml for arm in scenario.design.arms.values()])[arms]
    received = drug_received(scenario, conduct, dose)
    days = (conduct.visit_minute - cohort.onset[rows, candidate][:, :, None]) / DAY

    def luck(purpose: str, draw: int = 0) -> Floats:
        return ndtri(streams.uniform(purpose, units, draw)[rows, candidate])

    scores: dict[str, Floats] = {}
    for name, outcome in scenario.outcomes.items():
        start = cohort.normal_scores[outcome.baseline][rows, candidate]
        own = luck(f"course {name}")
        shift = latent_shift(outcome)
        score = np.empty(days.shape)
        score[:, :, 0] = cohort.covariates[outcome.baseline][rows, candidate]
        for visit in range(1, days.shape[2]):
            noise = luck(f"noise {name}", visit)
            added = shift * outcome.effect.exposure.at(received[:, :, visit], dose)
            score[:, :, visit] = _score(outcome, days[:, :, visit], start, own, noise, added)
        score[~conduct.visit_attended] = np.nan
        scores[name] = score
    return scores


def drug_received(scenario: Scenario, conduct: Conduct, dose: Floats) -> Floats:
    """Return mL of study drug given on the days before each visit, (replicate, patient, visit)."""
    given = np.zeros((*conduct.infusion_given.shape[:2], scenario.treatment.infusions.count + 1))
    np.cumsum(conduct.infusion_given, axis=2, out=given[:, :, 1:])
    due = due_days(scenario.treatment.infusions, conduct.randomised)
    day = (conduct.visit_minute - conduct.randomised[:, :, None]) // DAY
    counts = np.empty(day.shape)
    for visit in range(day.shape[2]):
        slots = (due < day[:, :, visit, None]).sum(axis=2)
        counts[:, :, visit] = np.take_along_axis(given, slots[:, :, None], axis=2)[:, :, 0]
    return counts * dose[:, :, None]


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
    return score

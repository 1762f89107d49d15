"""What patients' outcomes would be without the drug, by a model of another study's controls."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Floats, RowIndex
from trialsim.errors import InputError, Problem
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.prognostic import Prognostic
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.validation.refusal import unknown
from trialsim.streams import Streams
from trialsim.trial.trial import Trial, simulate_batch

PATIENTS: Final = 8_192
"""Control patients to whom the model is fitted: its error vanishes beside the outcome's own."""


class Surface(NamedTuple):
    """Least squares on covariates, their squares and products; each with a mean of 0 and SD of 1.

    Beyond the ends of what it was fitted to, covariates count as these ends.
    """

    mean: Floats
    sd: Floats
    ends: tuple[Floats, Floats]
    slopes: Floats

    def predicted(self, covariates: Floats) -> Floats:
        """Return what it says of patients, (..., covariate) to (...)."""
        return np.asarray(
            _terms((np.clip(covariates, *self.ends) - self.mean) / self.sd) @ self.slopes
        )


def surface(covariates: Floats, outcome: Floats) -> Surface:
    """Fit the surface to patients, shapes (patient, covariate) and (patient,).

    >>> x = np.array([[0.0, 1], [1, 0], [2, 5], [3, 1], [4, 4], [5, 0], [6, 2]])
    >>> fit = surface(x, x[:, 0] * x[:, 1])
    >>> fit.predicted(np.array([3.0, 2.0])).round(6).item()
    6.0
    """
    mean, sd = covariates.mean(axis=0), covariates.std(axis=0)
    ends = covariates.min(axis=0), covariates.max(axis=0)
    known = np.where(sd > 0, sd, 1.0)
    slopes = np.linalg.lstsq(_terms((covariates - mean) / known), outcome, rcond=None)[0]
    return Surface(mean, known, ends, slopes)


def prognostic_score(trial: Trial, plan: AnalysisPlan, prognostic: Prognostic) -> Floats:
    """Return the score of each patient, in points of the outcome, shape (replicate, patient)."""
    names = prognostic.covariates
    fit = _learned(prognostic.learned_from, names, plan.endpoint, plan.visit)
    return fit.predicted(_covariates(trial, names))


@lru_cache(maxsize=16)
def _learned(study: str, names: tuple[str, ...], endpoint: str, visit: str) -> Surface:
    """Return the model of some controls of a study, the same in every run."""
    scenario = load_study(study)
    assert isinstance(scenario, Scenario)  # the field takes trials alone
    _refuse_unknown(scenario, names, endpoint, visit)
    arms, place = list(scenario.design.arms), list(scenario.design.visits).index(visit)
    share = scenario.design.ratios[arms.index(scenario.analysis.control)]
    trials = PATIENTS * sum(scenario.design.ratios) // (share * scenario.design.patients) + 1
    trial = simulate_batch(scenario, Streams(0, range(trials)))
    controls = trial.arms == arms.index(scenario.analysis.control)
    outcome = trial.underlying.at(endpoint, place)[controls][:PATIENTS]
    return surface(_covariates(trial, names)[controls][:PATIENTS], outcome)


def _refuse_unknown(scenario: Scenario, names: tuple[str, ...], endpoint: str, visit: str) -> None:
    """Refuse to learn what the other study does not have."""
    covariates = scenario.population.covariates
    numbers = [name for name, one in covariates.items() if one.levels is None]
    asked = [("covariates", "covariate that is a number", name, numbers) for name in names]
    asked += [
        ("learned_from", "outcome", endpoint, list(scenario.outcomes)),
        ("learned_from", "visit", visit, list(scenario.design.visits)),
    ]
    problems = [
        Problem(
            f"analysis.prognostic.{field}", f"{unknown(kind, name, known)} in {scenario.name}", name
        )
        for field, kind, name, known in asked
        if name not in known
    ]
    if problems:
        raise InputError(problems)


def _covariates(trial: Trial, names: tuple[str, ...]) -> Floats:
    """Return covariates of the patients, shape (replicate, patient, covariate)."""
    known = trial.cohort.covariates.at(RowIndex(trial.candidate))
    return np.stack([known[name] for name in names], axis=-1).astype(np.float64)


def _terms(standard: Floats) -> Floats:
    """Return one, the covariates, and each product of two of them, on the last axis."""
    first, second = np.triu_indices(standard.shape[-1])
    ones = np.ones((*standard.shape[:-1], 1))
    return np.concatenate([ones, standard, standard[..., first] * standard[..., second]], axis=-1)

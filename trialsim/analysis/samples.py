"""The patients of both arms as samples, and numbers by address for methods that draw.

A sample keeps a place for every patient of the trial, NaN where the patient is of another arm or is
not analysed: its width, and so the rounding of its sums, is that of the design in every batch.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trialsim.analysis.endpoint import Endpoint
from trialsim.arrays import Booleans, Floats, Integers, take_rows
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.streams import Streams
from trialsim.trial.trial import Trial


class Samples(NamedTuple):
    """Values of the treated and of the controls, each of shape (..., replicate, patient)."""

    treated: Floats
    control: Floats


def samples_of(trial: Trial, plan: AnalysisPlan, values: Endpoint) -> Samples:
    """Return the analysed cells of each arm as numbers; more is better."""
    known = np.where(values.analysed, values.cell, np.nan)
    return divided(trial, plan, known)


def divided(trial: Trial, plan: AnalysisPlan, known: Floats) -> Samples:
    """Return each arm's values, NaN for all other patients."""
    treated, control = in_arms(trial, plan)
    return Samples(np.where(treated, known, np.nan), np.where(control, known, np.nan))


def in_arms(trial: Trial, plan: AnalysisPlan) -> tuple[Booleans, Booleans]:
    """Return who is treated and who is a control, shape (replicate, patient)."""
    arms = list(trial.scenario.design.arms)
    return trial.arms == arms.index(plan.treated), trial.arms == arms.index(plan.control)


def covariates_of(trial: Trial, names: Iterable[str]) -> Floats:
    """Return covariates of the patients, shape (replicate, covariate, patient)."""
    candidate = trial.candidate
    return np.stack(
        [take_rows(trial.cohort.covariates[name], candidate) for name in names], axis=1
    ).astype(np.float64)


def patients_with_values(samples: Samples) -> tuple[Integers, Integers]:
    """Return how many of each arm are analysed, shape (...)."""
    treated, control = ((~np.isnan(arm)).sum(axis=-1) for arm in samples)
    return treated, control


def uniform(trial: Trial, purpose: str, units: int, draw: int) -> Floats:
    """Return a number in (0, 1) by address for each replicate, shape (replicate, units)."""
    first, last = int(trial.replicates[0]), int(trial.replicates[-1])
    numbers = Streams(trial.seed, range(first, last + 1)).uniform(purpose, units, draw)
    return numbers[trial.replicates - first]

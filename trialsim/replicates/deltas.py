"""What the plan finds in each replicate under one delta after another, on the same imputations."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Imputer
from trialsim.analysis.primary import analyse_data
from trialsim.arrays import Floats
from trialsim.scenario.plan.imputation import AT_RANDOM
from trialsim.trial.trial import Trial

PREFIX: Final = "delta "
"""Of the names of the numbers that are kept for deltas."""
FOUND: Final = ("estimate", "low", "high", "p_value", "favoured")


def delta_names(deltas: Sequence[float]) -> tuple[str, ...]:
    """Return the names of what is kept of each replicate for a number of deltas.

    >>> delta_names([0.0, -5.0])[:2]
    ('delta 0 estimate', 'delta 1 estimate')
    """
    return tuple(_column(name, place) for name in FOUND for place in range(len(deltas)))


def delta_numbers(trial: Trial, deltas: Sequence[float]) -> dict[str, Floats]:
    """Return what the plan finds in each replicate under each delta."""
    plan = trial.scenario.analysis
    drawn = tuple(Imputer(Data(trial, plan)).draws())
    numbers: dict[str, Floats] = {}
    for place, delta in enumerate(deltas):
        assumed = (plan.imputation or AT_RANDOM).model_copy(update={"delta": delta})
        shifted = plan.model_copy(update={"imputation": assumed})
        found = analyse_data(Data(trial, shifted, drawn=drawn))._asdict()
        numbers |= {_column(name, place): np.asarray(found[name], np.float64) for name in FOUND}
    return numbers


def by_delta(columns: Mapping[str, Floats], deltas: Sequence[float]) -> dict[str, Floats]:
    """Return what was found by its name, shape (delta, replicate)."""
    places = range(len(deltas))
    return {name: np.stack([columns[_column(name, place)] for place in places]) for name in FOUND}


def _column(name: str, place: int) -> str:
    return f"{PREFIX}{place} {name}"

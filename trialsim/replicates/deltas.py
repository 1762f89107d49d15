"""What the plan finds in each replicate under one delta after another, on the same imputations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.imputed import Imputer
from trialsim.analysis.primary import PrimaryAnalysis, analyse_data
from trialsim.arrays import Booleans, Floats
from trialsim.trial.trial import Trial

PREFIX: Final = "delta "
"""Of the names of the numbers that are kept for deltas."""
FOUND: Final = ("estimate", "low", "high", "p_value", "favoured")
TIPPING: Final = ("before", "tipping")
"""The deltas between which a conclusion changes."""
_ROUNDING: Final = 1e-9
"""By how much, relative to the tolerance, two deltas may be farther apart."""


class Deltas(NamedTuple):
    """The deltas that are tried, and how near to the change of a conclusion others are."""

    tried: tuple[float, ...]
    tolerance: float
    """In points; those tried in between are multiples of it."""


def delta_names(deltas: Sequence[float]) -> tuple[str, ...]:
    """Return the names of what is kept of each replicate for a number of deltas.

    >>> delta_names([0.0, -5.0])[:2]
    ('delta 0 estimate', 'delta 1 estimate')
    """
    found = tuple(_column(name, place) for name in FOUND for place in range(len(deltas)))
    return (*found, *(f"{PREFIX}{name}" for name in TIPPING))


def delta_numbers(trial: Trial, deltas: Deltas) -> dict[str, Floats]:
    """Return what the plan finds in each replicate under each delta, and where it tips."""
    plan = trial.scenario.analysis
    drawn = tuple(Imputer(Data(trial, plan)).draws())

    def found_at(delta: Floats) -> PrimaryAnalysis:
        return analyse_data(Data(trial, plan, drawn=drawn, delta=delta))

    numbers: dict[str, Floats] = {}
    favoured = []
    for place, delta in enumerate(deltas.tried):
        found = found_at(np.full(len(trial.replicates), delta))
        told = {name: getattr(found, name) for name in FOUND}
        numbers |= {_column(name, place): np.asarray(one, float) for name, one in told.items()}
        favoured.append(found.favoured)
    tipping = tipping_between(deltas, np.stack(favoured), lambda delta: found_at(delta).favoured)
    return numbers | {f"{PREFIX}{name}": one for name, one in zip(TIPPING, tipping, strict=True)}


def tipping_between(
    deltas: Deltas, favoured: Booleans, favoured_at: Callable[[Floats], Booleans]
) -> tuple[Floats, Floats]:
    """Return the deltas between which each conclusion changes, shape (replicate,) each.

    `favoured` says which replicates have the conclusion at each delta tried, (delta, replicate),
    `favoured_at` of one delta a replicate. The first delta tried at which a conclusion is lost and
    the one before it are brought nearer to each other by bisection until they are within the
    tolerance, so that it holds at the one and not at the other, also where it comes and goes in
    between. NaN where there is none at the first delta, or it is never lost.

    >>> tipping_between(Deltas((0.0, -10.0), 1.0), np.array([[True], [False]]), lambda d: d > -6.2)
    (array([-6.]), array([-7.]))
    """
    tried, lost = np.asarray(deltas.tried), ~favoured
    first = lost.argmax(axis=0)
    tips = favoured[0] & lost.any(axis=0)
    before = np.where(tips, tried[first - 1], np.nan)
    after = np.where(tips, tried[first], np.nan)
    while True:
        apart = np.abs(after - before) > deltas.tolerance * (1 + _ROUNDING)
        if not apart.any():
            return before, after
        middle = deltas.tolerance * np.rint((before + after) / 2 / deltas.tolerance)
        holds = favoured_at(np.where(apart, middle, tried[0]))
        before = np.where(apart & holds, middle, before)
        after = np.where(apart & ~holds, middle, after)


def by_delta(columns: Mapping[str, Floats], deltas: Sequence[float]) -> dict[str, Floats]:
    """Return what was found by its name, (delta, replicate), and where it tips, (replicate,)."""
    places = range(len(deltas))
    found = {name: np.stack([columns[_column(name, place)] for place in places]) for name in FOUND}
    return found | {name: columns[f"{PREFIX}{name}"] for name in TIPPING}


def _column(name: str, place: int) -> str:
    return f"{PREFIX}{place} {name}"

"""Exact properties of procedures of two arms that look at nothing but the arms' numbers."""

from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.trial.allocation.procedure import Before, Procedure


class Properties(NamedTuple):
    """Of a trial of so many patients, under the names of the reference values."""

    pred_correct_guess_convergence: float
    E_abs_imbalance_final: float
    E_D2_final: float
    P_balance_final: float
    E_max_abs_imbalance: float
    prop_deterministic: float


class Walk(NamedTuple):
    """What is known of the difference between the arms after each patient."""

    guessed: Floats
    """The chance that whoever guesses the arm behind is right, of each patient."""
    certain: Floats
    """The chance that a patient's arm is certain beforehand."""
    chance: Floats
    """Of each number in the first arm and each largest difference so far, after the last."""


def walk(procedure: Procedure, patients: int) -> Walk:
    """Return the walk of the difference, by a recursion over patients."""
    chance = np.zeros((patients + 2, patients + 2))
    chance[0, 0] = 1
    first = np.arange(patients + 2)
    guessed, certain = [], []
    for before in range(patients):
        here, seen = first[: before + 1], slice(before + 2)  # beyond, no chance is positive yet
        counts = np.stack([here, before - here], axis=1)
        shares = chances_at(procedure, counts)
        weight = chance[: before + 1].sum(axis=1)
        ahead = 2 * here - before
        right = np.select([ahead < 0, ahead > 0], [shares[:, 0], shares[:, 1]], 0.5)
        guessed.append(right @ weight)
        certain.append((shares.max(axis=1) == 1) @ weight)
        after = np.zeros_like(chance)
        for arm in (0, 1):
            now = here + 1 - arm
            differ = abs(2 * now - before - 1)
            moved = shares[:, arm, None] * chance[here, seen]
            larger = first[seen] > differ[:, None]  # where the largest difference so far stays
            after[now, seen] += moved * larger
            after[now, differ] += (moved * ~larger).sum(axis=1)
        chance = after
    return Walk(np.array(guessed), np.array(certain), chance)


def chances_at(procedure: Procedure, counts: Integers) -> Floats:
    """Return the chances of both arms at numbers that can occur, 0 elsewhere."""
    so_far = counts.sum(axis=1)
    (size,) = procedure.sizes or (0,)
    ends = (so_far // size + 1) * size if size else so_far * 0
    with np.errstate(invalid="ignore"):
        found = procedure.chances(Before(counts[:, None], ends, np.zeros((len(counts), 1), int)))
    return np.clip(np.nan_to_num(found), 0, 1)


def properties(procedure: Procedure, patients: int) -> Properties:
    """Return the exact properties of a trial."""
    guessed, certain, chance = walk(procedure, patients)
    of_first, of_largest = chance.sum(axis=1), chance.sum(axis=0)
    difference = abs(2 * np.arange(len(chance)) - patients)
    return Properties(
        float(guessed.mean()),
        float(difference @ of_first),
        float(difference**2 @ of_first),
        float(of_first[difference == 0].sum()),
        float(np.arange(len(chance)) @ of_largest),
        float(certain.mean()),
    )

"""One patient after the other, the arm of each by the chances that a procedure gives it.

The loop goes over patients, the arrays over rows: the replicates of a batch, or many draws of each.
A patient's mark is compared with the chances of the arms; where the patient opens a block, a second
word of the patient's own draws its size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers, RowIndex, Words
from trialsim.streams import WORDS, Streams, cells
from trialsim.trial.allocation.procedure import Before, Procedure
from trialsim.trial.allocation.strata import Groups

MARK: Final = "allocation"
OPENING: Final = "block size"


class Turn(NamedTuple):
    """The next patient of each row."""

    chances: Floats
    """Of each arm, shape (row, arm)."""
    arms: Integers
    """The arm that the mark chose, shape (row,)."""


class Rows:
    """What has been allocated so far in each row."""

    def __init__(self, procedure: Procedure, arms: int, rows: int, groups: int) -> None:
        """Begin with nobody."""
        self.procedure, self.groups = procedure, groups
        self.counts = np.zeros((rows * groups, arms), np.int64)
        self.ends = np.zeros(rows * groups, np.int64)
        self._start = np.arange(rows) * groups

    def before(self, groups: Integers, openings: Words | None) -> Before:
        """Return what is known of the next patient of each row, who may open a block."""
        flat = groups + self._start[:, None]
        counts = self.counts[flat]
        if openings is None:
            return Before(counts, np.zeros(len(groups), np.int64), groups)
        own, sizes = flat[:, 0], np.array(self.procedure.sizes)
        full = counts[:, 0].sum(axis=1) == self.ends[own]
        self.ends[own] += full * sizes[cells(openings, len(sizes))[0]]
        return Before(counts, self.ends[own], groups)

    def add(self, groups: Integers, arms: Integers) -> None:
        """Count the patient of each row."""
        self.counts[groups + self._start[:, None], arms[:, None]] += 1

    def next(self, groups: Integers, marks: Words, openings: Words | None) -> Turn:
        """Allocate the next patient of each row.

        Parameters
        ----------
        groups
            Those that the patient belongs to, shape (row, group).
        """
        chances = self.procedure.chances(self.before(groups, openings))
        arms = chosen(chances, marks)
        self.add(groups, arms)
        return Turn(chances, arms)


def chosen(chances: Floats, marks: Words) -> Integers:
    """Return the arm that each mark chooses.

    >>> chosen(np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([2**30, 2**32 - 1], np.uint32))
    array([1, 0])
    """
    ends = np.ceil(np.cumsum(chances[:, :-1], axis=1) * WORDS)
    arms: Integers = (marks[:, None] >= ends).sum(axis=1)
    return arms


def turns(
    procedure: Procedure, arms: int, groups: Integers, count: int, marks: Words, openings: Words
) -> Iterator[Turn]:
    """Yield the turn of each patient in order.

    Parameters
    ----------
    groups
        Of each patient, shape (row, patient, group), of so many that there are.
    marks, openings
        Shape (row, patient).
    """
    rows = Rows(procedure, arms, len(groups), count)
    for patient in range(groups.shape[1]):
        opening = openings[:, patient] if procedure.sizes else None
        yield rows.next(groups[:, patient], marks[:, patient], opening)


class Sequences(NamedTuple):
    """Everything that chance could decide."""

    arms: Integers
    """Shape (sequence, patient)."""
    chances: Floats
    """Of each sequence; they add to 1."""


def every_sequence(
    procedure: Procedure, arms: int, groups: Integers, count: int, most: int
) -> Sequences | None:
    """Return all sequences of arms that patients can have; None where there are too many.

    Parameters
    ----------
    groups
        Of each patient in order, shape (patient, group), of so many that there are.

    >>> from trialsim.trial.allocation.random_blocks import RandomBlocks
    >>> found = every_sequence(RandomBlocks((1, 1), (4,)), 2, np.zeros((8, 1), int), 1, 99)
    >>> found.arms.shape, found.chances.sum().round(12).item()
    ((36, 8), 1.0)
    """
    counts, ends = np.zeros((1, count, arms), np.int64), np.zeros((1, count), np.int64)
    found, chance = np.zeros((1, 0), np.int64), np.ones(1)
    for own in groups:
        if procedure.sizes:
            opens = counts[:, own[0]].sum(axis=1) == ends[:, own[0]]
            row, size = _sizes_opened(opens, procedure.sizes)
            chance = np.where(opens, chance / len(procedure.sizes), chance)[row]
            counts, ends, found = counts[row], ends[row], found[row]
            ends[:, own[0]] += size
        named = np.broadcast_to(own, (len(counts), len(own)))
        chances = procedure.chances(Before(counts[:, own], ends[:, own[0]], named))
        row, arm = np.nonzero(chances > 0)
        if len(row) > most:
            return None
        counts, ends, chance = counts[row], ends[row], chance[row] * chances[row, arm]
        counts[np.arange(len(row))[:, None], own, arm[:, None]] += 1
        found = np.column_stack([found[row], arm])
    return Sequences(found, chance)


def _sizes_opened(opens: Booleans, sizes: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return rows, each that opens a block once for each size, and by how much its end moves."""
    stay, open_ = np.flatnonzero(~opens), np.flatnonzero(opens)
    row = np.concatenate([stay, np.repeat(open_, len(sizes))])
    return row, np.concatenate([np.zeros_like(stay), np.tile(sizes, len(open_))])


@dataclass(frozen=True, slots=True)
class InOrder:
    """Patients allocated one after the other by a procedure."""

    procedure: Procedure
    count: int
    """How many arms there are."""
    groups: Groups
    streams: Streams

    def arms(self, candidates: Integers) -> Integers:
        """Return each patient's arm as its position in the design, shape (replicate, patient)."""
        places = RowIndex(candidates)
        marks, openings = (self.streams.words_at(one, places) for one in (MARK, OPENING))
        return self._allocated(self.groups.of(candidates), marks, openings)

    def in_turn(self) -> list[Callable[[int], int]]:
        """Return for each replicate what gives the arm of the next candidate to be randomised."""
        width = self.groups.candidates
        marks, openings = (self.streams.words(one, width) for one in (MARK, OPENING))
        groups = self.groups.of_everybody(len(marks))
        return [self._next_arm(*one) for one in zip(groups, marks, openings, strict=True)]

    def again(self, candidates: Integers, marks: Words, openings: Words) -> Integers:
        """Return the arms of the same patients had chance decided otherwise."""
        groups = self.groups.of(candidates).repeat(marks.shape[1], axis=0)
        patients = marks.shape[2]
        rows = self._allocated(groups, marks.reshape(-1, patients), openings.reshape(-1, patients))
        return rows.reshape(marks.shape)

    def _allocated(self, groups: Integers, marks: Words, openings: Words) -> Integers:
        each = turns(self.procedure, self.count, groups, self.groups.count, marks, openings)
        arms = np.empty(marks.shape, np.int64)
        for patient, turn in enumerate(each):
            arms[:, patient] = turn.arms
        return arms

    def _next_arm(self, groups: Integers, marks: Words, openings: Words) -> Callable[[int], int]:
        row = Rows(self.procedure, self.count, 1, self.groups.count)

        def next_arm(candidate: int) -> int:
            own = slice(candidate, candidate + 1)
            opening = openings[own] if self.procedure.sizes else None
            return int(row.next(groups[own], marks[own], opening).arms[0])

        return next_arm

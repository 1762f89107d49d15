"""Permuted blocks: who gets which arm, by the patient's own mark and who came before in the block.

The patients of a stratum fill blocks in the order in which they are randomised. A patient's mark
draws from what is left of the block, all that is left being equally likely. So in each block every
arm stands exactly as often as its ratio says, in an order that is equally likely to be any; and
because the mark is the patient's own, one patient more or less among those before changes the arms
of some of those after, not of all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from trialsim.arrays import Integers, RowIndex, Words, take_rows
from trialsim.compiled.library import stages
from trialsim.streams import Streams
from trialsim.trial.allocation.strata import Groups


@dataclass(frozen=True, slots=True)
class PermutedBlocks:
    """Each stratum has a block that is filled; when it is full, the next begins."""

    ratios: tuple[int, ...]
    size: int
    """Patients in a block, a multiple of the sum of the ratios."""
    groups: Groups
    """Each candidate's stratum."""
    streams: Streams

    @property
    def counts(self) -> list[int]:
        """How often each arm stands in a block."""
        return [self.size // sum(self.ratios) * ratio for ratio in self.ratios]

    def arms(self, candidates: Integers) -> Integers:
        """Return each patient's arm as its position in the design, shape (replicate, patient)."""
        marks = self.streams.words_at("allocation", RowIndex(candidates))
        return self._filled_by(self.groups.of(candidates)[..., 0], marks)

    def in_turn(self) -> list[Callable[[int], int]]:
        """Return for each replicate what gives the arm of the next candidate to be randomised."""

        def next_arm(
            blocks: list[_Block], stratum: list[int], marks: list[int], candidate: int
        ) -> int:
            return blocks[stratum[candidate]].next_arm(marks[candidate])

        marks = self.streams.words("allocation", self.groups.candidates)
        strata = self.groups.of_everybody(len(marks))[..., 0]
        return [
            partial(next_arm, [_Block(self.counts) for _ in range(self.groups.count)], *own)
            for own in zip(strata.tolist(), marks.tolist(), strict=True)
        ]

    def again(self, candidates: Integers, marks: Words, openings: Words) -> Integers:
        """Return the arms of the same patients had chance decided otherwise."""
        stratum = self.groups.of(candidates)[..., 0].repeat(marks.shape[1], axis=0)
        return self._filled_by(stratum, marks.reshape(stratum.shape)).reshape(marks.shape)

    def _filled_by(self, stratum: Integers, own_marks: Words) -> Integers:
        size, compiled = self.size, stages()
        if compiled is not None:
            return compiled.permuted_blocks(stratum, self.groups.count, own_marks, self.counts)
        slot, longest = _slots(stratum, self.groups.count)
        blocks = -(-longest // size)
        place = (np.cumsum(blocks) - blocks)[stratum] * size + slot
        marks = np.zeros((len(stratum), blocks.sum() * size), np.uint32)
        np.put_along_axis(marks, place, own_marks, axis=1)
        filled = _filled(marks.reshape(len(marks), -1, size), self.counts)
        return take_rows(filled.reshape(marks.shape), place)


class _Block:
    """A stratum's block as it is filled, one patient after the other.

    >>> block = _Block([1, 2])
    >>> [block.next_arm(mark) for mark in (2**31, 2**31, 0)]
    [1, 1, 0]
    """

    def __init__(self, counts: list[int]) -> None:
        """Take how often each arm stands in a block."""
        self._counts, self._left = counts, [0]

    def next_arm(self, mark: int) -> int:
        """Return the arm of the next patient, whose mark is given."""
        if not any(self._left):
            self._left = list(self._counts)
        drawn, arm = mark * sum(self._left) >> 32, 0
        while drawn >= self._left[arm]:
            drawn -= self._left[arm]
            arm += 1
        self._left[arm] -= 1
        return arm


def _filled(marks: Words, counts: list[int]) -> Integers:
    """Return the arm of each place of each block, shape (replicate, block, place)."""
    size = marks.shape[2]
    left = [np.full(marks.shape[:2], count, np.int16) for count in counts]
    arms = np.zeros((size, *marks.shape[:2]), np.int16)
    for place, here in enumerate(arms):
        drawn = (marks[:, :, place] * np.uint64(size - place) >> np.uint64(32)).astype(np.int16)
        end = np.zeros(drawn.shape, np.int16)
        for one in left[:-1]:
            end += one
            here += drawn >= end
        for arm, one in enumerate(left):
            one -= here == arm
    return np.moveaxis(arms, 0, 2).astype(np.int64, order="C")


def _slots(stratum: Integers, strata: int) -> tuple[Integers, Integers]:
    """Return each patient's place in the stratum's order, and the most patients of each stratum.

    Sorted by stratum and then by number, patients of a stratum stand side by side.
    """
    replicates, patients = stratum.shape
    bits = patients.bit_length()
    key = (stratum << bits) | np.arange(patients)
    key.sort(axis=1)
    in_stratum = np.arange(replicates)[:, None] * strata + stratum
    counts = np.bincount(in_stratum.ravel(), minlength=replicates * strata)
    counts = counts.reshape(replicates, strata)
    before = np.cumsum(counts, axis=1) - counts
    slot = np.empty_like(stratum)
    place = np.arange(patients) - take_rows(before, key >> bits)
    np.put_along_axis(slot, key & ((1 << bits) - 1), place, axis=1)
    return slot, counts.max(axis=0)

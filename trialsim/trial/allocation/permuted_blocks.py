"""Permuted blocks: who gets which arm, by the place in the list of the patient's stratum."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from trialsim.arrays import Integers, take_rows
from trialsim.scenario.protocol.design import Design
from trialsim.streams import Streams


@dataclass(frozen=True, slots=True)
class PermutedBlocks:
    """Each stratum has a list of blocks; a patient takes the next slot of the stratum's list.

    In each block every arm stands exactly as often as its ratio says, in an order that is equally
    likely to be any. The slot of a list is the address, so more patients change no slot.
    """

    design: Design
    site: Integers
    """Each candidate's site, shape (replicate, candidate)."""
    sites: int
    streams: Streams

    @property
    def strata(self) -> int:
        """How many lists there are in each replicate."""
        return self.sites if self.design.stratify_by == "site" else 1

    @property
    def stratum(self) -> Integers:
        """Each candidate's stratum, shape (replicate, candidate)."""
        return self.site if self.design.stratify_by == "site" else np.zeros_like(self.site)

    def arms(self, candidates: Integers) -> Integers:
        """Return each patient's arm as its position in the design, shape (replicate, patient)."""
        stratum = take_rows(self.stratum, candidates)
        slot, longest = _slots(stratum, self.strata)
        lists = [self.slots(one, longest[one]) for one in range(self.strata)]
        starts = np.cumsum([0, *(listed.shape[1] for listed in lists[:-1])])
        return take_rows(np.concatenate(lists, axis=1), starts[stratum] + slot)

    def in_turn(self) -> list[Callable[[int], int]]:
        """Return for each replicate what gives the arm of the next candidate to be randomised."""
        share = self.design.patients // self.strata + 1
        lists = [self.slots(one, share) for one in range(self.strata)]

        def down_the_list(replicate: int, stratum: int) -> Iterator[int]:
            taken = 0
            while True:
                if taken == lists[stratum].shape[1]:
                    lists[stratum] = self.slots(stratum, 2 * taken)
                arms = lists[stratum][replicate, taken:].tolist()
                taken += len(arms)
                yield from arms

        def next_arm(following: list[Iterator[int]], stratum: list[int], candidate: int) -> int:
            return next(following[stratum[candidate]])

        return [
            partial(next_arm, [down_the_list(row, one) for one in range(self.strata)], stratum)
            for row, stratum in enumerate(self.stratum.tolist())
        ]

    def slots(self, stratum: int, count: int) -> Integers:
        """Return the arms of a stratum's list up to at least a slot, shape (replicate, slot)."""
        size = self.design.block_size
        blocks = -(-int(count) // size)
        marks = self.streams.uniform("allocation", blocks * size, stratum)
        marks = marks.reshape(len(marks), blocks, size)
        rank = np.zeros(marks.shape, np.int8)
        for one, other in combinations(range(size), 2):
            later = marks[:, :, one] > marks[:, :, other]
            rank[:, :, one] += later
            rank[:, :, other] += ~later
        ratios = self.design.ratios
        arm_of_rank = np.repeat(np.arange(len(ratios)), ratios).repeat(size // sum(ratios))
        listed: Integers = arm_of_rank[rank].reshape(len(marks), blocks * size)
        return listed


def _slots(stratum: Integers, strata: int) -> tuple[Integers, Integers]:
    """Return each patient's place in the stratum's list, and the patients of each stratum at most.

    Sorted by stratum and then by number, patients of a stratum stand side by side.
    """
    replicates, patients = stratum.shape
    key = stratum * patients + np.arange(patients)
    key.sort(axis=1)
    in_stratum = np.arange(replicates)[:, None] * strata + stratum
    counts = np.bincount(in_stratum.ravel(), minlength=replicates * strata)
    counts = counts.reshape(replicates, strata)
    before = np.cumsum(counts, axis=1) - counts
    slot = np.empty_like(stratum)
    place = np.arange(patients) - take_rows(before, key // patients)
    np.put_along_axis(slot, key % patients, place, axis=1)
    return slot, counts.max(axis=0)

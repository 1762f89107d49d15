"""Permuted blocks: who gets which arm, by the place in the list of the patient's stratum."""

from itertools import combinations

import numpy as np

from trialsim.arrays import Integers, take_rows
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams


def allocate(site: Integers, sites: int, design: Design, streams: Streams) -> Integers:
    """Return each patient's arm as its position in the design, shape (replicate, patient).

    Each stratum has a list of blocks in each of which every arm stands exactly as often as its
    ratio says, in an order that is equally likely to be any; a patient takes the next slot of the
    stratum's list. The slot of a list is the address, so more patients change no slot.

    Parameters
    ----------
    site
        The site of each patient in order of randomisation, shape (replicate, patient).
    """
    strata = sites if design.stratify_by == "site" else 1
    stratum = site if design.stratify_by == "site" else np.zeros_like(site)
    slot, longest = _slots(stratum, strata)
    lists = [allocation_list(one, longest[one], design, streams) for one in range(strata)]
    starts = np.cumsum([0, *(listed.shape[1] for listed in lists[:-1])])
    return take_rows(np.concatenate(lists, axis=1), starts[stratum] + slot)


def allocation_lists(scenario: Scenario, streams: Streams) -> list[Integers]:
    """Return each stratum's list for as many patients as the trial can have, (replicate, slot)."""
    design = scenario.design
    strata = len(scenario.operations.sites) if design.stratify_by == "site" else 1
    return [allocation_list(one, design.patients, design, streams) for one in range(strata)]


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


def allocation_list(stratum: int, slots: int, design: Design, streams: Streams) -> Integers:
    """Return the arms of a stratum's list up to at least a slot, shape (replicate, slot)."""
    size = design.block_size
    blocks = -(-int(slots) // size)
    marks = streams.uniform("allocation", blocks * size, stratum)
    marks = marks.reshape(len(marks), blocks, size)
    rank = np.zeros(marks.shape, np.int8)
    for one, other in combinations(range(size), 2):
        later = marks[:, :, one] > marks[:, :, other]
        rank[:, :, one] += later
        rank[:, :, other] += ~later
    arm_of_rank = np.repeat(np.arange(len(design.arms)), design.ratios).repeat(
        size // sum(design.ratios)
    )
    listed: Integers = arm_of_rank[rank].reshape(len(marks), blocks * size)
    return listed

"""Permuted blocks: who gets which arm, by the place in the list of the patient's stratum."""

import numpy as np

from trialsim.arrays import Integers
from trialsim.scenario.design import Design
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
    stratum = site if design.stratify_by == "site" else np.zeros_like(site)
    strata = sites if design.stratify_by == "site" else 1
    arms = np.zeros_like(stratum)
    for number in range(strata):
        here = stratum == number
        slots = np.cumsum(here, axis=1) - 1
        longest = int(slots[:, -1].max()) + 1
        if longest:
            listed = allocation_list(number, longest, design, streams)
            slots += np.arange(len(slots))[:, None] * listed.shape[1]
            arms[here] = listed.take(slots[here])
    return arms


def allocation_list(stratum: int, slots: int, design: Design, streams: Streams) -> Integers:
    """Return the arms of a stratum's list up to at least a slot, shape (replicate, slot)."""
    size = design.block_size
    blocks = -(-slots // size)
    marks = streams.uniform("allocation", blocks * size, stratum)
    marks = marks.reshape(len(marks), blocks, size)
    rank = (marks[..., None] > marks[..., None, :]).sum(axis=-1)
    arm_of_rank = np.repeat(np.arange(len(design.arms)), design.ratios).repeat(
        size // sum(design.ratios)
    )
    listed: Integers = arm_of_rank[rank].reshape(len(marks), blocks * size)
    return listed

"""Recruitment of a whole batch at once, where no patient can wait for another.

The first `patients` to be ready are the patients, in the order in which they are ready; candidates
ready in the same minute go in the order of their numbers. It gives the same arrays, bit for bit, as
the event engine, and refuses a scenario in which patients are coupled.
"""

import numpy as np

from trialsim.arrays import Booleans, Integers, take_rows
from trialsim.clock import NEVER
from trialsim.errors import RunError
from trialsim.scenario.scenario import Scenario
from trialsim.trial.allocation.procedure import Allocation
from trialsim.trial.conduct import Recruitment, couples_patients
from trialsim.trial.itinerary import Itinerary


def recruit_without_waiting(
    itinerary: Itinerary, scenario: Scenario, allocation: Allocation
) -> Recruitment:
    """Recruit a batch in which every infusion starts when it is due.

    Raises
    ------
    RunError
        If the scenario couples patients.
    """
    coupled = couples_patients(scenario)
    if coupled:
        raise RunError(f"the vector engine cannot run what couples patients: {coupled}")
    return first_to_be_ready(itinerary, scenario, allocation)


def first_to_be_ready(
    itinerary: Itinerary, scenario: Scenario, allocation: Allocation
) -> Recruitment:
    """Recruit a batch as if everything that is shared were there in plenty."""
    patients = scenario.design.patients
    width = itinerary.ready.shape[1]
    bits = max(int(width - 1).bit_length(), 1)
    order: Integers = (np.minimum(itinerary.ready, NEVER >> bits) << bits) | np.arange(width)
    if width < patients:
        padding = np.full((len(order), patients - width), (NEVER >> bits) << bits)
        order = np.concatenate([order, padding], axis=1)
    order.sort(axis=1)
    if itinerary.kinds:
        order = _within_caps(order, bits, itinerary, scenario)
    first = order[:, :patients]
    here = first >> bits < NEVER >> bits
    if itinerary.places is not None:
        here &= np.arange(patients) < itinerary.places[:, None]
    place = np.where(here, first & ((1 << bits) - 1), 0)
    randomised = np.where(here, first >> bits, NEVER)
    return Recruitment(
        place=place,
        arms=np.where(here, allocation.arms(take_rows(itinerary.candidate, place)), 0),
        randomised=randomised,
        closed=itinerary.closed(randomised),
        waited=None,
        lacked=None,
    )


def _within_caps(order: Integers, bits: int, itinerary: Itinerary, scenario: Scenario) -> Integers:
    """Return the order without those who are of a kind of which there are enough already.

    Parameters
    ----------
    order
        Of each replicate's candidates, as `first_to_be_ready` has it: when each is ready, and
        where on the itinerary's axis.
    """
    nobody = (NEVER >> bits) << bits
    limits = np.array(
        [cap.places(scenario.design.patients) for cap in scenario.design.caps.values()]
    )
    kinds = np.stack(itinerary.kinds, axis=-1)
    rows, taken = np.arange(len(order)), np.zeros((len(order), len(limits)), np.int64)
    for turn in range(order.shape[1]):
        there = order[:, turn] < nobody
        place = np.where(there, order[:, turn] & ((1 << bits) - 1), 0)
        kind = kinds[rows, place] & there[:, None]
        beyond: Booleans = np.any(kind & (taken >= limits), axis=1)
        taken += kind & ~beyond[:, None]
        order[beyond, turn] = nobody
    order.sort(axis=1)
    return order

"""Recruitment of a whole batch at once, where no patient can wait for another.

The first `patients` to be ready are the patients, in the order in which they are ready; candidates
ready in the same minute go in the order of their numbers. It gives the same arrays, bit for bit, as
the event engine, and refuses a scenario in which patients are coupled.
"""

import numpy as np

from trialsim.arrays import Integers, take_rows
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

"""Recruitment of a whole batch at once, where nobody waits for anybody.

The first `patients` to be ready are the patients, in the order in which they are ready; candidates
ready in the same minute go in the order of their numbers. It gives the same arrays, to the bit, as
the event engine, and refuses a scenario in which patients are coupled.
"""

import numpy as np

from trialsim.arrays import Integers
from trialsim.clock import NEVER
from trialsim.errors import RunError
from trialsim.scenario.scenario import Scenario
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Recruitment, couples_patients, screened
from trialsim.trial.itinerary import Itinerary


def recruit_without_waiting(
    cohort: Cohort, itinerary: Itinerary, scenario: Scenario
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
    patients = scenario.design.patients
    width = itinerary.ready.shape[1]
    bits = max(int(width - 1).bit_length(), 1)
    order: Integers = (np.minimum(itinerary.ready, NEVER >> bits) << bits) | np.arange(width)
    if width < patients:
        padding = np.full((len(order), patients - width), (NEVER >> bits) << bits)
        order = np.concatenate([order, padding], axis=1)
    order.sort(axis=1)
    first = order[:, :patients]
    randomised = first >> bits
    complete = randomised[:, -1] < NEVER >> bits
    closed = np.where(complete, randomised[:, -1], NEVER)
    return Recruitment(
        place=np.where(complete[:, None], first & ((1 << bits) - 1), 0),
        randomised=np.where(complete[:, None], randomised, 0),
        closed=closed,
        complete=complete,
        screened=screened(cohort, closed, scenario),
        waited=None,
        without_chair=None,
    )

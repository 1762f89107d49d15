"""Recruitment where patients share something: event by event only where somebody could wait.

If every infusion starts when it is due, and even so nobody ever finds everything in use, then
nobody waits. So a replicate is recruited as if nothing were short, and again by the event engine
only if there was a minute in which more was wanted than there is. What is shared later is looked at
here, too.
"""

import dataclasses

import numpy as np

from trialsim.arrays import Booleans, take_rows
from trialsim.scenario.scenario import Scenario
from trialsim.trial.allocation.procedure import Allocation
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import CHAIRS, Recruitment, couples_patients, derive_conduct
from trialsim.trial.event_engine import recruit_by_events
from trialsim.trial.itinerary import Itinerary
from trialsim.trial.vector_engine import first_to_be_ready


def recruit_with_waiting(
    itinerary: Itinerary, cohort: Cohort, scenario: Scenario, allocation: Allocation
) -> Recruitment:
    """Recruit a batch in which patients may have to wait for one another."""
    plain = first_to_be_ready(itinerary, scenario, allocation)
    infusions = (*plain.place.shape, scenario.treatment.infusions.count)
    waited, lacked = np.zeros(infusions, np.int64), np.zeros(infusions, np.int64)
    together = dataclasses.replace(plain, waited=waited, lacked=lacked)
    waits = somebody_waits(plain, itinerary, cohort, scenario)
    if not waits.any():
        return together
    replicates = np.flatnonzero(waits).tolist()
    apart = recruit_by_events(itinerary, scenario, allocation, replicates=replicates)
    for field in dataclasses.fields(Recruitment):
        getattr(together, field.name)[waits] = getattr(apart, field.name)[waits]
    return together


def somebody_waits(
    recruitment: Recruitment, itinerary: Itinerary, cohort: Cohort, scenario: Scenario
) -> Booleans:
    """Return in which replicates more chairs would be taken at a site than it has.

    A chair that is given back in a minute is free in the same minute. Of the infusions of a site in
    order of their starts, the one that is as many places later as there are chairs must not start
    before the first has ended.
    """
    chairs, coupling = scenario.operations.infusion_chairs_per_site, couples_patients(scenario)
    replicates = len(recruitment.place)
    if chairs is None or coupling != CHAIRS:  # no arithmetic here knows another stock
        return np.full(replicates, coupling is not None)
    waits = np.zeros(replicates, np.bool_)
    candidate = take_rows(itinerary.candidate, recruitment.place)
    intended = itinerary.of_places(recruitment.place)
    conduct = derive_conduct(recruitment, intended, candidate, cohort, scenario)
    given, sites = conduct.infusion_given, len(scenario.operations.sites)
    clinic = take_rows(itinerary.site, recruitment.place)
    clinic = clinic + np.arange(replicates)[:, None] * sites
    due = conduct.infusion_due
    apart = int(due.max(initial=0, where=given)) + scenario.operations.infusion_minutes + 1
    due += clinic[:, :, None] * apart
    starts = due[given]
    del due  # which is as large as the trial
    starts.sort()
    crowded = starts[chairs:] - starts[:-chairs] < scenario.operations.infusion_minutes
    waits[starts[chairs:][crowded] // apart // sites] = True
    return waits

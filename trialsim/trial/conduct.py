"""Then what happened: who was randomised when, which infusions were given, who left, who came.

An engine says who is randomised, when, and when each infusion starts; all else is read off the
itinerary here, once, for every engine. Arrays have the shape (replicate, patient[, infusion or
visit]); patients are in order of randomisation.
"""

from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Booleans, Integers
from trialsim.clock import DAY, NEVER, weekday
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.treatment import Schedule
from trialsim.trial.cohort import Cohort
from trialsim.trial.itinerary import Itinerary


@dataclass(frozen=True, slots=True)
class Recruitment:
    """What an engine adds to the itinerary."""

    place: Integers
    """Where each patient stands on the itinerary's axis, shape (replicate, patient)."""
    randomised: Integers
    """Minute of randomisation, which is that of the first infusion."""
    closed: Integers
    """Minute at which the last patient was randomised, shape (replicate,)."""
    complete: Booleans
    """Whether the planned number of patients was reached, shape (replicate,)."""
    screened: Integers
    """Candidates who arrived until then, shape (replicate,)."""
    waited: Integers | None
    """Minutes that each infusion waited for a chair; None where nobody waits for anybody."""
    without_chair: Booleans | None
    """Infusions for which no chair came free before the clinic closed; None likewise."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What happened to the patients."""

    place: Integers
    randomised: Integers
    closed: Integers
    """Minute at which recruitment closed, shape (replicate,)."""
    screened: Integers
    """Candidates screened until then, shape (replicate,)."""
    infusion_start: Integers
    """Minute at which the infusion started, or was due where it was not given."""
    infusion_given: Booleans
    without_chair: Booleans | None
    discontinued: Integers
    """Minute at which infusions ended for good, `NEVER` for most."""
    withdrawn: Integers
    died: Integers
    visit_minute: Integers
    visit_attended: Booleans

    @property
    def exited(self) -> Integers:
        """Minute of withdrawal or death, whichever comes first."""
        return np.minimum(self.withdrawn, self.died)


def due_days(schedule: Schedule, randomised: Integers) -> Integers:
    """Return the days after the first on which infusions are due, shape (..., infusion)."""
    offsets = schedule.offsets()
    if (offsets == offsets[0]).all():
        return np.broadcast_to(offsets[0], (*randomised.shape, schedule.count))
    return offsets[weekday(randomised)]


def read_off(
    recruitment: Recruitment, itinerary: Itinerary, cohort: Cohort, scenario: Scenario
) -> Conduct:
    """Return the conduct of the patients that an engine recruited."""
    rows = np.arange(len(recruitment.place))[:, None]
    randomised = recruitment.randomised
    person = (rows, recruitment.place)

    def minute(after: Integers) -> Integers:
        return np.where(after[person] < NEVER, randomised + after[person], NEVER)

    discontinued, withdrawn = minute(itinerary.discontinues), minute(itinerary.withdraws)
    died = minute(itinerary.dies)
    withdrawn = np.where(withdrawn < died, withdrawn, NEVER)
    died = np.where(withdrawn < NEVER, NEVER, died)
    stopped = np.minimum(discontinued, np.minimum(withdrawn, died))
    start = randomised[:, :, None] + due_days(scenario.treatment.infusions, randomised) * DAY
    given = ~itinerary.refused[person]
    if recruitment.waited is not None:
        start = start + recruitment.waited
    if recruitment.without_chair is not None:
        given &= ~recruitment.without_chair
    given &= start < stopped[:, :, None]
    onset = cohort.onset[rows, itinerary.candidate[person]]
    visits = visit_minutes(scenario, randomised, onset, itinerary.visit_shift[person])
    exited = np.minimum(withdrawn, died)
    return Conduct(
        place=recruitment.place,
        randomised=randomised,
        closed=recruitment.closed,
        screened=recruitment.screened,
        infusion_start=start,
        infusion_given=given,
        without_chair=recruitment.without_chair,
        discontinued=discontinued,
        withdrawn=withdrawn,
        died=died,
        visit_minute=visits,
        visit_attended=~itinerary.visit_missed[person] & (visits < exited[:, :, None]),
    )


def visit_minutes(
    scenario: Scenario, randomised: Integers, onset: Integers, shift: Integers
) -> Integers:
    """Return when visits take place: whole days after randomisation, at the same time of day.

    A visit counted from onset takes place on the last such day that is at most so many days after
    the onset.
    """
    visits = scenario.design.visits.values()
    days = np.array([visit.day for visit in visits]) + shift
    from_onset = np.array([visit.after == "onset" for visit in visits])
    since_onset = (randomised - onset) // DAY
    minutes: Integers = randomised[:, :, None] + DAY * np.maximum(
        days - since_onset[:, :, None] * from_onset, 0
    )
    return minutes

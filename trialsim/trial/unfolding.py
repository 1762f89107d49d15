"""From who was recruited to what happened and what was scored, in their own arms or others.

All that chance decides of a patient has an address, so the same patients can live the same trial in
another arm, or without an event: a *world*. Who is recruited, when, and how long infusions wait
for a chair stays as it was run.
"""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from trialsim.arrays import Integers, take_rows
from trialsim.scenario.protocol.intercurrent import Happening
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Conduct, Recruitment, derive_conduct
from trialsim.trial.itinerary import Itinerary
from trialsim.trial.outcomes import Scores, realise


@dataclass(frozen=True, slots=True)
class Recruited:
    """What there is once everybody has been randomised: all replicates, failed ones among them."""

    scenario: Scenario
    streams: Streams
    cohort: Cohort
    itinerary: Itinerary
    recruitment: Recruitment


def unfold(
    recruited: Recruited, arms: Integers, off: Collection[Happening] = ()
) -> tuple[Conduct, Scores]:
    """Return what happened to the patients, and each outcome's scores had no visit been missed.

    Parameters
    ----------
    arms
        Each patient's arm as its position in the design, shape (replicate, patient); those of
        `recruited.recruitment` give the trial as run.
    off
        What happens to nobody; see `Happening`.
    """
    scenario, cohort, itinerary = recruited.scenario, recruited.cohort, recruited.itinerary
    recruitment = dataclasses.replace(recruited.recruitment, arms=arms)
    candidate = take_rows(itinerary.candidate, recruitment.place)
    intended = itinerary.intend(candidate).without(off)
    conduct = derive_conduct(recruitment, intended, candidate, cohort, scenario)
    return conduct, realise(scenario, cohort, candidate, conduct, arms, recruited.streams)

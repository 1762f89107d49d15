"""From who was recruited to what happened and what was scored, in their own arms or others.

All that chance decides of a patient has an address, so the same patients can live the same trial in
another arm, or without an event: a *world*. Who is recruited, when, and how long infusions wait
for a chair stays as it was run.
"""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

from trialsim.arrays import Integers, take_rows
from trialsim.clock import NEVER
from trialsim.errors import RunError
from trialsim.scenario.protocol.intercurrent import ENDS_OF_INFUSIONS, Happening
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation.procedure import Allocation
from trialsim.trial.cohort import Cohort
from trialsim.trial.conduct import Conduct, Recruitment, derive_conduct
from trialsim.trial.itinerary import Itinerary
from trialsim.trial.outcomes import Scores, realise
from trialsim.trial.risks.by_score import decided
from trialsim.trial.waiting import recruit_with_waiting


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
    intended = decided(scenario, recruited.streams, cohort, candidate, recruitment, intended)
    conduct = derive_conduct(recruitment, intended, candidate, cohort, scenario)
    return conduct, realise(scenario, cohort, candidate, conduct, arms, recruited.streams)


def recruit_together(
    itinerary: Itinerary,
    cohort: Cohort,
    scenario: Scenario,
    streams: Streams,
    allocation: Allocation,
) -> Recruitment:
    """Recruit a batch in which patients may wait for one another, and scores may end infusions.

    When infusions end decides who waits, and who waits decides when others are treated and so how
    they score. Each pass begins with the ends that the pass before it found. A score seen before an
    end follows from what had happened up to then, so each pass finds at least one more patient's
    end right, in the order of time; the last but one finds the rest, and the last finds them again:
    there are at most two passes more than patients, and usually two in all. An end that goes by a
    later score would have no such order, which is why a study cannot say so.

    Raises
    ------
    RunError
        If a pass finds what one before the last had found, as it would for ever.
    """
    events = scenario.operations.events
    depend = [one for one in ENDS_OF_INFUSIONS if events[one].depends_on_scores]
    if not depend:
        return recruit_with_waiting(itinerary, cohort, scenario, allocation)
    assumed, met = itinerary, set[bytes]()
    for _ in range(scenario.design.patients + 2):
        recruitment = recruit_with_waiting(assumed, cohort, scenario, allocation)
        candidate = take_rows(itinerary.candidate, recruitment.place)
        intended = itinerary.intend(candidate)
        found = decided(scenario, streams, cohort, candidate, recruitment, intended)
        ends = {kind: found.events[kind][:, :, 0] for kind in depend}
        again = itinerary.ending(recruitment.place, recruitment.randomised < NEVER, ends)
        if again.ends_alike(assumed):
            return recruitment
        mark = blake2b(b"".join(minutes.tobytes() for minutes in again.ends.values())).digest()
        if mark in met:
            break
        met.add(mark)
        assumed = again
    raise RunError(
        "no history of the trial agrees with itself: which infusions end decides who waits for "
        f"whom, and that ends others, round and round ({', '.join(depend)} by scores)"
    )

"""The patients of whole trials, by their cells of what is measured, without a trial to look at.

They are those of `simulate_batch` at the same addresses, to the bit. Most methods need no more than
counts of them; others look at the cells and the arm of each.
"""

from dataclasses import dataclass, replace
from typing import Final, cast

from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import Endpoint, cells_of
from trialsim.analysis.whole.covered import is_covered, measurements, needs_each_patient
from trialsim.analysis.whole.tables import tables_of
from trialsim.arrays import Integers
from trialsim.compiled.whole import Measured, Unfinished, WholeTrials
from trialsim.scenario.scenario import Scenario
from trialsim.streams import TILE, Streams
from trialsim.trial.trial import Trial, candidates_needed

_ROOM: Final = (2, 8, 32)
"""Times as many candidates as nearly always suffice, for whom there is room."""


@dataclass(frozen=True)
class _Counted:
    """What a method looks at of a trial beside counts, or the cells of its measurements."""

    scenario: Scenario
    arms: Integers | None = None
    site: Integers | None = None


def counted_trials(scenario: Scenario, streams: Streams, each: bool = False) -> WholeTrials | None:
    """Return whole trials by the compiled stages; None where they are for NumPy to simulate.

    That is where nothing is compiled, the study needs what C does not know, or recruitment is not
    complete at its limit in one of the replicates. With `each` they have each patient beside.

    Raises
    ------
    RecruitmentError
        If recruitment can never finish.
    """
    compiled = streams.compiled
    if compiled is None or not is_covered(scenario):
        return None
    tables, needed = tables_of(scenario), candidates_needed(scenario)
    wanted = each, needs_each_patient(scenario)
    for room in _ROOM:
        most = room * max(needed, scenario.design.patients + TILE)
        whole = -(-most // TILE) * TILE
        found = compiled.whole_trials(
            tables.study, streams.seed, streams.replicates, whole, *wanted
        )
        if isinstance(found, WholeTrials):
            return found
        if found != Unfinished.TOO_MANY:
            return None
    return None


def data_of(scenario: Scenario, trials: WholeTrials, complete: bool) -> Data:
    """Return patients as data for the methods that need no more of a trial."""
    plan, counts = scenario.analysis, trials.complete if complete else trials.counts
    if trials.measured is None:
        return Data(without_trial(scenario), plan, complete=complete, counted=counts)
    found = measured_data(scenario, scenario, trials.measured, complete)
    return replace(found, counted=counts)


def measured_data(scenario: Scenario, whole: Scenario, found: Measured, complete: bool) -> Data:
    """Return patients as data by their cells, of which a method that needs counts makes them.

    Parameters
    ----------
    whole
        The scenario by whose analysis they were measured; the other treats them alike.
    """
    plan, layer = scenario.analysis, int(complete)
    each = zip(found.cells[layer], found.known[layer], strict=True)
    measured = {
        (name, visit): Endpoint(*one, cells_of(scenario.outcomes[name], plan))
        for (name, visit), one in zip(measurements(whole), each, strict=True)
    }
    trial = cast("Trial", _Counted(scenario, found.arms, found.sites))
    return Data(trial, plan, complete=complete, measured=measured)


def without_trial(scenario: Scenario) -> Trial:
    """Return all that there is of a trial that was counted: its study alone."""
    return cast("Trial", _Counted(scenario))

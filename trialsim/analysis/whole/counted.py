"""The patients of whole trials, counted over the cells of the endpoint, without a trial to look at.

They are those of `simulate_batch` at the same addresses, to the bit.
"""

from dataclasses import dataclass
from typing import Final, cast

from trialsim.analysis.data import Data
from trialsim.analysis.whole.covered import is_covered
from trialsim.analysis.whole.tables import tables_of
from trialsim.arrays import Integers
from trialsim.compiled.whole import Unfinished, WholeTrials
from trialsim.scenario.scenario import Scenario
from trialsim.streams import TILE, Streams
from trialsim.trial.trial import Trial, candidates_needed

_ROOM: Final = (2, 8, 32)
"""Times as many candidates as nearly always suffice, for whom there is room."""


@dataclass(frozen=True)
class _Counted:
    """What a method that needs counts alone looks at of a trial."""

    scenario: Scenario


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
    for room in _ROOM:
        most = room * max(needed, scenario.design.patients + TILE)
        whole = -(-most // TILE) * TILE
        found = compiled.whole_trials(tables.study, streams.seed, streams.replicates, whole, each)
        if isinstance(found, WholeTrials):
            return found
        if found != Unfinished.TOO_MANY:
            return None
    return None


def data_of(scenario: Scenario, counts: Integers, complete: bool) -> Data:
    """Return counts of patients as data for the methods that need no more of a trial."""
    return Data(without_trial(scenario), scenario.analysis, complete=complete, counted=counts)


def without_trial(scenario: Scenario) -> Trial:
    """Return all that there is of a trial that was counted: its study alone."""
    return cast("Trial", _Counted(scenario))

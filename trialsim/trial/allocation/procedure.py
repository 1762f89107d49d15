"""The one signature behind which every procedure of randomisation stands, and the choice of one."""

from collections.abc import Callable
from typing import Protocol

from trialsim.arrays import Integers
from trialsim.scenario.scenario import Scenario
from trialsim.streams import Streams
from trialsim.trial.allocation.permuted_blocks import PermutedBlocks
from trialsim.trial.cohort import Cohort


class Allocation(Protocol):
    """A procedure of randomisation, applied to the patients of a batch in order of randomisation.

    An engine that recruits a whole batch at once requests all arms together, one in which events
    happen requests them one by one; both ways give the same arms. What chance decides has an
    address that does not depend on how many patients follow, so more patients change no arm.
    Candidates are named by their number in the cohort, of which a procedure may look at whatever is
    known at randomisation.
    """

    def arms(self, candidates: Integers) -> Integers:
        """Return each patient's arm as its position in the design, shape (replicate, patient).

        Parameters
        ----------
        candidates
            The patients in order of randomisation, shape (replicate, patient).
        """

    def in_turn(self) -> list[Callable[[int], int]]:
        """Return for each replicate what gives the arm of the next candidate to be randomised."""


def allocation_of(scenario: Scenario, cohort: Cohort, streams: Streams) -> Allocation:
    """Return the procedure of randomisation that a study uses."""
    return PermutedBlocks(scenario.design, cohort.site, len(scenario.operations.sites), streams)

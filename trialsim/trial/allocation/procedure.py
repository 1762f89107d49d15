"""The two signatures of randomisation: how an engine asks, and how a procedure answers."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from trialsim.arrays import Floats, Integers, Words


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

    def again(self, candidates: Integers, marks: Words, openings: Words) -> Integers:
        """Return the arms of the same patients had chance decided otherwise.

        Parameters
        ----------
        marks, openings
            What chance decides, shape (replicate, draw, patient): each patient's mark, and the word
            that draws the size of a block where the patient opens one.
        """


class Before(NamedTuple):
    """What a procedure knows as the next patient of each row is to be randomised."""

    counts: Integers
    """Patients of each arm so far in each group that the patient belongs to, shape (row, group,
    arm). The one group is the patient's stratum; of minimisation the groups are the patient's
    class of each factor."""
    ends: Integers
    """How many patients the stratum has when the open block is full, shape (row,); 0 without
    blocks."""
    groups: Integers
    """Which groups these are, shape (row, group)."""


class Procedure(Protocol):
    """How likely each arm is for the next patient: what tells one procedure from another."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that a block may have, each equally likely; none without blocks."""

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm)."""

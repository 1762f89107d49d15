"""What an exposure model may ask about the study drug that patients were given."""

from collections.abc import Callable, Hashable
from typing import Protocol

from trialsim.arrays import Booleans, Floats


class Received(Protocol):
    """What study drug a batch of patients was given; shapes (replicate, patient).

    Doses are in mL where the arms' doses are, and per kilogram of body weight where the arms' are.
    """

    @property
    def start_hours(self) -> Floats:
        """Hours from onset to the first infusion."""

    @property
    def last_day(self) -> int:
        """Whole days from the first infusion to anybody's last visit."""

    def assigned(self, visit: int) -> Booleans:
        """Who is in an arm with study drug at a visit, or has switched to its drug before."""

    def total(self, visit: int) -> Floats:
        """Study drug given on the days before a visit."""

    def daily(self) -> Floats:
        """Study drug given on each day from the first infusion on, (replicate, patient, day)."""

    def days_to(self, visit: int) -> Floats:
        """Whole days from the first infusion to a visit."""

    def kept(self, what: Hashable, make: Callable[[], Floats]) -> Floats:
        """Return what was made before under the same name, or make it and keep it."""

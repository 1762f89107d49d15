"""One check, and whether it passed."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["installation", "operation", "reference"]
Outcome = Literal["pass", "fail", "not checked"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    part: Part
    name: str
    what: str
    """In words."""
    expected: str
    found: str
    outcome: Outcome
    topic: str = ""
    """Of a reference case."""
    source: str = ""
    """Where the expected value is from."""


def compared(part: Part, name: str, what: str, expected: object, found: object) -> Check:
    """Return the check of a value that must be exactly the expected one.

    >>> compared("operation", "sum", "One and one", 2, 1 + 1).outcome
    'pass'
    """
    outcome: Outcome = "pass" if expected == found else "fail"
    return Check(part, name, what, str(expected), str(found), outcome)


def noted(part: Part, name: str, what: str, found: object) -> Check:
    """Return what is only said, as nothing is expected of it."""
    return Check(part, name, what, "", str(found), "not checked")

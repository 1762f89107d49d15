"""How much one page may ask of the machine that serves it; what is more is refused in words."""

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

from trialsim.errors import InputError, Problem
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.validation.problems import as_written

MOST_BYTES: Final = 300_000
"""Of a study file that is uploaded, and of any other request."""
MOST_REPLICATES: Final = 20_000
MOST_PATIENTS: Final = 5_000
"""Of one design, in all its trials."""
MOST_SIMULATED: Final = 20_000_000
"""Patients that one request may have simulated: those of a trial times the trials, of all designs.
"""
MOST_DESIGNS: Final = 8
"""That are compared, or along a curve."""
MOST_SECONDS: Final = 900
"""After which a run is ended."""
MOST_MEMORY: Final = 4 * 2**30
"""Bytes of one worker, where the system can hold it to them."""
LARGEST_SEED: Final = 2**53
"""Beyond it, browsers have no whole numbers."""


def workers_at_once() -> int:
    """Return how many runs, of all who have the page open, compute at the same time."""
    return max(1, os.cpu_count() or 1)


def whole(value: Any, path: str, low: int, high: int) -> int:
    """Return a whole number that a browser sent.

    >>> whole(2000.0, "replicates", 1, 20_000)
    2000

    Raises
    ------
    InputError
        If it is none, or out of range.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value % 1 or not low <= value <= high:
        rule = f"must be a whole number from {low:,} to {high:,}"
        raise InputError([Problem(path, rule, as_written(value))])
    return int(value)


def check_request(studies: Sequence[Study], replicates: int = 1) -> None:
    """Refuse what would take more than one page may have.

    Raises
    ------
    InputError
        With everything of which there is too much.
    """
    problems = list(_too_much(studies, replicates))
    if problems:
        raise InputError(problems)


def _too_much(studies: Sequence[Study], replicates: int) -> Iterator[Problem]:
    if len(studies) > MOST_DESIGNS:
        yield Problem("designs", f"must be at most {MOST_DESIGNS}", str(len(studies)))
    if replicates > MOST_REPLICATES:
        yield Problem("replicates", f"must be at most {MOST_REPLICATES:,}", f"{replicates:,}")
    patients = [_patients(study) for study in studies]
    for study, count in zip(studies, patients, strict=True):
        if count > MOST_PATIENTS:
            rule = f"must be at most {MOST_PATIENTS:,} on this page; the command line has no limit"
            yield Problem(f"{study.name}, patients", rule, f"{count:,}")
    simulated = sum(patients) * replicates
    if simulated > MOST_SIMULATED:
        rule = (
            f"must come to at most {MOST_SIMULATED:,} simulated patients, those of a trial times "
            "the trials, of all designs together: take fewer trials, or the command line"
        )
        yield Problem("replicates", rule, f"{simulated:,}")


def _patients(study: Study) -> int:
    return sum(trial.design.patients for trial in trials_of(study).values())

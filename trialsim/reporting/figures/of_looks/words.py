"""Captions and refusals that figures of looks share."""

from trialsim.errors import InputError, Problem
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.replicates.looks import LooksResult
from trialsim.replicates.result import SIMULATED, PowerResult


def caption_of_bounds(result: BoundsResult, *further: str) -> str:
    """Return the caption of what no trial was run for, with sentences of the figure's own."""
    where = (
        "Normal approximation at the planned information; no trial was run. "
        f"Scenario {result.scenario} ({result.digest})."
    )
    return " ".join([*further, where, SIMULATED])


def looks_of(result: PowerResult) -> LooksResult:
    """Return the looks of a result.

    Raises
    ------
    InputError
        If its study has none.
    """
    if result.looks is None:
        raise InputError([Problem("monitoring", "must be there: the study has no looks")])
    return result.looks

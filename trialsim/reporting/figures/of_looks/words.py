"""The looks of a result, or why there is nothing to draw of them."""

from trialsim.errors import InputError, Problem
from trialsim.replicates.monitoring.looks import LooksResult
from trialsim.replicates.result import PowerResult


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

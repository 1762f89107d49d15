"""A slow analysis is reported before thousands of trials are run, with the time it will take."""

import time
from typing import Final

from trialsim.replicates.run import Simulation
from trialsim.scenario.programme import Programme, Study

_PILOT: Final = range(2)
_NOTED: Final = 60.0
"""Seconds for a thousand trials from which on there is something to report."""


def is_slow(study: Study) -> bool:
    """Return whether the time of a study's analysis has to be thought of, by its plan alone."""
    if isinstance(study, Programme):
        return False
    return study.analysis.test.is_slow or study.analysis.missing == "multiple_imputation"


def slow_analysis(simulation: Simulation) -> str | None:
    """Return a warning of a slow analysis, timed on two trials; None where there is none.

    A first trial goes untimed: what it alone makes or loads, later ones find.

    A study whose plan has nothing slow in it is not timed.
    """
    study = simulation.study
    if isinstance(study, Programme) or not is_slow(study):
        return None
    simulation.run(_PILOT[:1])
    began = time.perf_counter()
    simulation.run(_PILOT)
    thousand = 1000 * (time.perf_counter() - began) / len(_PILOT)
    if thousand < _NOTED:
        return None
    what: str = study.analysis.test.method
    if study.analysis.missing == "multiple_imputation":
        what += f" of {study.analysis.imputations} imputations"
    return f"{what} is slow: 1,000 trials take about {_duration(thousand)} on one core."


def _duration(seconds: float) -> str:
    """Return a time in words.

    >>> _duration(150.0), _duration(7000.0)
    ('2 minutes', '1.9 hours')
    """
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"

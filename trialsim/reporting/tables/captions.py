"""Captions of figures and tables: trials, seed, scenario, and that all is simulated."""

from typing import Protocol

from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.replicates.result import SIMULATED


class FromTrials(Protocol):
    """A result that says where it comes from."""

    @property
    def scenario(self) -> str:
        """The name of the study."""

    @property
    def digest(self) -> str:
        """The digest of the study."""

    @property
    def seed(self) -> int:
        """The seed of all randomness."""

    @property
    def replicates(self) -> int:
        """How many trials were simulated."""


def caption_of(result: FromTrials, *further: str) -> str:
    """Return the caption of a result over many trials, with sentences of the figure's own."""
    return caption(result.scenario, result.digest, result.seed, result.replicates, *further)


def caption(scenario: str, digest: str, seed: int, replicates: int, *further: str) -> str:
    """Return the caption of a figure over many trials.

    >>> print(caption("cars1", "f343509ca014", 2016, 5000, "Bars are 95% intervals."))
    Bars are 95% intervals. 5,000 simulated trials, seed 2016, scenario cars1 (f343509ca014). \
All cohorts are simulated; nothing here is evidence about any drug.
    """
    many = f"{replicates:,} simulated trials" if replicates != 1 else "one simulated trial"
    where = f"{many}, seed {seed}, scenario {scenario} ({digest})."
    return " ".join([*further, where, SIMULATED])


def caption_of_one(scenario: str, digest: str, seed: int, replicate: int, *further: str) -> str:
    """Return the caption of a figure of one trial.

    >>> print(caption_of_one("cars1", "f343509ca014", 2016, 4))
    One simulated trial, replicate 4 of seed 2016, scenario cars1 (f343509ca014). \
All cohorts are simulated; nothing here is evidence about any drug.
    """
    where = f"One simulated trial, replicate {replicate} of seed {seed}, scenario {scenario}"
    return " ".join([*further, f"{where} ({digest}).", SIMULATED])


def caption_of_bounds(result: BoundsResult, *further: str) -> str:
    """Return the caption of what no trial was run for, with sentences of the figure's own."""
    where = (
        "Normal approximation at the planned information; no trial was run. "
        f"Scenario {result.scenario} ({result.digest})."
    )
    return " ".join([*further, where, SIMULATED])

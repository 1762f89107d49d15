"""Captions of figures and tables: trials, seed, scenario, and that all is simulated."""

from typing import Protocol

from trialsim.analysis.analyse import Analysis
from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.replicates.result import SIMULATED
from trialsim.scenario.scenario import Scenario


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


def caption_of_analysis(result: Analysis, *further: str) -> str:
    """Return the caption of the analysis of one trial, whose data may be those of patients."""
    if result.simulated:
        about = result.scenario, result.digest, result.seed, result.replicate
        return caption_of_one(*about, *further)
    return " ".join([*further, f"Data of one trial, plan of {result.scenario} ({result.digest})."])


def caption_of_bounds(result: BoundsResult, *further: str) -> str:
    """Return the caption of what no trial was run for, with sentences of the figure's own."""
    where = (
        f"{_of_stages(result)}Normal approximation at the planned information; no trial was run. "
        f"Scenario {result.scenario} ({result.digest})."
    )
    return " ".join([*further, where, SIMULATED])


def caption_of_study(study: Scenario, *further: str) -> str:
    """Return the caption of what is drawn of a study alone, with sentences of the figure's own."""
    where = f"No trial was run. Scenario {study.name} ({study.digest})."
    return " ".join([*further, where, SIMULATED])


def _of_stages(result: BoundsResult) -> str:
    """Say how stages are combined, and that a size set again is not in the bounds."""
    final, sizes = result.final, result.re_estimation
    said = ""
    if final.weights is not None:
        weights = ", ".join(f"{weight:.3f}" for weight in final.weights)
        said = f"Bounds are of the combined z of stages, with the weights {weights}. "
    elif final.product is not None:
        said = f"At the end the product of both stages' p must be at most {final.product:.5f}. "
    if sizes is not None:
        said += (
            f"At {sizes.look} the size is set again, between {sizes.at_least} and {sizes.at_most} "
            "patients; all here is of the plan without that. "
        )
    return said

"""Scores as a table gives them: how many patients are in each grade on a few days, arm by arm.

The latent score is standard normal; what moves are the cut-points between grades, on straight lines
between the days of the table and level outside them. So a patient who is good on one day is good on
the next, as much as the correlation within patients says.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import PROBABILITY_SUM_TOLERANCE, NotNegative
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.validation.refusal import CheckedModel, Probability, Violation
from trialsim.stats.planning.scale_effects import cells_between_cuts

_WIDEST: Final = 40.0
"""In SDs of the latent score: past it nothing changes any more."""
_LEAST_SHARE: Final = 1e-6
"""Of those beyond a cut-point that is infinite on one day alone."""

_Shares = Annotated[tuple[Probability, ...], Field(strict=False, min_length=2)]


def _one_for_each_day(
    days: tuple[float, ...], shares: tuple[tuple[float, ...], ...]
) -> Iterator[Violation]:
    if len(shares) != len(days):
        yield Violation("shares", f"must be as many as days, {len(days)}", len(shares))
    if any(later <= earlier for earlier, later in pairwise(days)):
        yield Violation("days", "must rise", list(days))


def _add_to_one(
    days: tuple[float, ...], shares: tuple[tuple[float, ...], ...]
) -> Iterator[Violation]:
    for day, listed in zip(days, shares, strict=False):
        if abs(sum(listed) - 1) > PROBABILITY_SUM_TOLERANCE:
            yield Violation("shares", f"must sum to 1 on day {day:g}", sum(listed))


def _is_read(file: str | None, arm: str | None) -> Iterator[Violation]:
    if file is not None or arm is not None:
        rule = "must stand with days and shares left out in the study's file, with which it is read"
        yield Violation("file", rule, file)


class Tabulated(CheckedModel):
    """The share of patients in each grade on each of some days, as a table gives it for an arm."""

    rules = (_one_for_each_day, _add_to_one, _is_read)

    covariates_used: ClassVar[tuple[str, ...]] = ()
    omitted_defaults = ("file", "arm")
    assumed_defaults: ClassVar[tuple[str, ...]] = (
        "baseline_correlation",
        "within_patient_correlation",
    )

    model: Literal["tabulated"]
    file: str | None = None
    """The path of a CSV or Parquet table, relative to the study file, that is read for `days` and
    `shares` as the study is loaded: columns arm and day, and one for each grade, with proportions
    or counts."""
    arm: str | None = None
    """The arm whose rows of the file these are, as the file calls it, such as placebo."""
    days: Annotated[tuple[NotNegative, ...], Field(strict=False, min_length=1)]
    """Days after onset on which the proportions are known, rising, such as [30, 90]."""
    shares: Annotated[tuple[_Shares, ...], Field(strict=False)]
    """The proportion of patients in each grade on each of the days, from the low end of the scale,
    such as [[0.1, 0.2, 0.7], [0.2, 0.3, 0.5]]."""
    baseline_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Correlation of the latent score with the baseline or prognosis, from -1 to 1, such as 0.5."""
    within_patient_correlation: Probability = 0.85
    """Share of what the baseline does not explain that stays with the patient between visits, such
    as 0.85."""

    @property
    def end_day(self) -> float:
        """The last of the days."""
        return self.days[-1]

    def cells(self, grid: Grid, elapsed: Elapsed, scores: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, the latent score moved by what is added."""
        correlation = np.float64(self.baseline_correlation)
        latent = scores.standard(np.asarray(correlation), self.within_patient_correlation) + added
        cell = np.zeros(np.broadcast_shapes(latent.shape, elapsed.days.shape))
        for cuts in self._cuts.T:
            cut = np.interp(elapsed.days, self.days, cuts) if np.isfinite(cuts[0]) else cuts[0]
            cell += latent > cut
        return cell

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells)."""
        return cells_between_cuts(shift, 1.0, self._cuts[-1])

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        return _WIDEST

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield the lists of proportions that have not one for each grade of the scale."""
        for day, listed in zip(self.days, self.shares, strict=False):
            if len(listed) != grid.steps + 1:
                rule = f"must be one for each of the scale's {grid.steps + 1} grades on day {day:g}"
                yield Violation("shares", rule, len(listed))

    @cached_property
    def _cuts(self) -> Floats:
        """The standard normal scores between grades on each day, shape (day, cut).

        Infinite beyond the grades that anybody has on any day.
        """
        below = np.cumsum(self.shares, axis=1)[:, :-1].clip(_LEAST_SHARE, 1 - _LEAST_SHARE)
        cuts: Floats = scipy.special.ndtri(below)
        there = np.flatnonzero(np.sum(self.shares, axis=0))
        if len(there) > 1:  # with one grade alone, no shift would move anybody
            cuts[:, : there[0]], cuts[:, there[-1] :] = -np.inf, np.inf
        return cuts

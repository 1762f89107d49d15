"""How patients fare without the drug: where on a scale each stands at any time after onset.

In a course with moments the latent score at t days after onset is

    mean(t) + sd(t) * (r(t) * z + sqrt(1 - r(t)**2) * (sqrt(q) * b + sqrt(1 - q) * e)),

with z the normal score of the prognostic covariate, b the patient's random effect, e the residual
of the visit, q the within-patient correlation. Latent scores are good when positive, whichever end
of the scale is better.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike
from pydantic import Field

from trialsim.arrays import Floats
from trialsim.distributions import PROBABILITY_SUM_TOLERANCE, FrozenModel, NotNegative
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.own_course import OwnCourse
from trialsim.scenario.outcomes.recovery_classes import RecoveryClasses
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.outcomes.tabulated import Tabulated
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Positive,
    Probability,
    Violation,
)
from trialsim.stats.planning.scale_effects import cells_between_cuts

_FARTHEST_SHIFT = 20.0
"""In SDs of the latent score beyond the width of the scale: past it nothing changes any more."""
_LEAST_SHARE = 1e-6
"""A grade that is empty at onset or on the end day alone has this share then, so that its cut-point
moves from somewhere to somewhere."""

Correlation = Annotated[float, Field(ge=-1, le=1)]


class LatentMoments(NamedTuple):
    """The latent score's distribution at a time, in patients without the drug."""

    mean: Floats
    sd: Floats
    baseline_correlation: Floats


class Exponential(FrozenModel):
    """Moments go from their values at onset to those on the end day, fast at first.

    The part that is done after t days is (1 - exp(-t / tau)) / (1 - exp(-end / tau)).
    """

    covariates_used: ClassVar[tuple[str, ...]] = ()

    assumed_defaults: ClassVar[tuple[str, ...]] = ("within_patient_correlation",)

    model: Literal["exponential"]
    start_mean: Finite
    """Mean latent score at onset, in points, such as 9."""
    start_sd: Positive
    """Standard deviation of the latent score at onset, in points, such as 3."""
    start_baseline_correlation: Correlation
    """Correlation of the latent score at onset with the baseline or prognosis, from -1 to 1, such
    as 0.9."""
    end_day: Positive
    """Days after onset at which the end values hold, such as 90."""
    end_mean: Finite
    """Mean latent score on the end day without the drug, in points, such as 4."""
    end_sd: Positive
    """Standard deviation of the latent score on the end day, in points, such as 4."""
    end_baseline_correlation: Correlation
    """Correlation of the latent score on the end day with the baseline or prognosis, such as
    0.7."""
    time_constant_days: Positive
    """tau: after this many days, such as 20, 63% of all recovery, ever, has happened."""
    within_patient_correlation: Probability = 0.85
    """Share of what the baseline does not explain that stays with the patient between visits, such
    as 0.85."""

    def at(self, elapsed: Elapsed) -> LatentMoments:
        """Return the latent distribution at times after onset; before it as at onset."""
        done = elapsed.done(self.time_constant_days, self.end_day)
        correlation = self.start_baseline_correlation + done * (
            self.end_baseline_correlation - self.start_baseline_correlation
        )
        return LatentMoments(
            self.start_mean + done * (self.end_mean - self.start_mean),
            np.maximum(self.start_sd + done * (self.end_sd - self.start_sd), 0.0),
            correlation.clip(-1.0, 1.0),
        )

    def cells(self, grid: Grid, elapsed: Elapsed, latent: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, the latent score moved by what is added."""
        moments = self.at(elapsed)
        return _cells_of_moment(grid, moments, latent, self.within_patient_correlation, added)

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells)."""
        return cells_between_cuts(self.end_mean + np.asarray(shift), self.end_sd, grid.cuts)

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        return _widest(grid, self.end_mean, self.end_sd)

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield what does not go with the scale: nothing."""
        return iter(())


def _one_for_each_day(
    days: tuple[float, ...],
    means: tuple[float, ...],
    sds: tuple[float, ...],
    baseline_correlations: tuple[float, ...],
) -> Iterator[Violation]:
    lists = {"means": means, "sds": sds, "baseline_correlations": baseline_correlations}
    for name, listed in lists.items():
        if len(listed) != len(days):
            yield Violation(name, f"must be as many as days, {len(days)}", len(listed))


def _rising(days: tuple[float, ...]) -> Iterator[Violation]:
    if any(later <= earlier for earlier, later in pairwise(days)):
        yield Violation("days", "must rise", list(days))


class Interpolated(CheckedModel):
    """Moments as known on some days after onset, straight lines between, level outside."""

    rules = (_one_for_each_day, _rising)

    covariates_used: ClassVar[tuple[str, ...]] = ()

    assumed_defaults: ClassVar[tuple[str, ...]] = ("within_patient_correlation",)

    model: Literal["interpolated"]
    days: Annotated[tuple[NotNegative, ...], Field(strict=False, min_length=1)]
    """Days after onset at which the distribution is given, rising, such as [0, 90]."""
    means: Annotated[tuple[Finite, ...], Field(strict=False)]
    """Mean latent score on each of the days, in points, such as [2, 25]."""
    sds: Annotated[tuple[Positive, ...], Field(strict=False)]
    """Standard deviation of the latent score on each of the days, in points, such as [5, 30]."""
    baseline_correlations: Annotated[tuple[Correlation, ...], Field(strict=False)]
    """Correlation with the baseline or prognosis on each of the days, such as [0.9, 0.7]."""
    within_patient_correlation: Probability = 0.85
    """Share of what the baseline does not explain that stays with the patient between visits, such
    as 0.85."""

    @property
    def end_day(self) -> float:
        """The last of the days."""
        return self.days[-1]

    def at(self, elapsed: Elapsed) -> LatentMoments:
        """Return the latent distribution at times after onset."""
        known = (self.means, self.sds, self.baseline_correlations)
        return LatentMoments(
            *(np.asarray(np.interp(elapsed.days, self.days, values)) for values in known)
        )

    def cells(self, grid: Grid, elapsed: Elapsed, latent: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, the latent score moved by what is added."""
        moments = self.at(elapsed)
        return _cells_of_moment(grid, moments, latent, self.within_patient_correlation, added)

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells)."""
        return cells_between_cuts(self.means[-1] + np.asarray(shift), self.sds[-1], grid.cuts)

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        return _widest(grid, self.means[-1], self.sds[-1])

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield what does not go with the scale: nothing."""
        return iter(())


Shares = Annotated[tuple[Probability, ...], Field(strict=False, min_length=2)]


def _sum_to_one(name: str, shares: tuple[float, ...] | None) -> Iterator[Violation]:
    if shares is not None and abs(sum(shares) - 1) > PROBABILITY_SUM_TOLERANCE:
        yield Violation(name, "must sum to 1", sum(shares))


class Proportions(CheckedModel):
    """The share of patients in each grade, from those at onset to those on the end day.

    The latent score is standard normal; what moves, with the part of recovery that is done, are the
    cut-points between grades. One SD is the unit of a latent shift. The grades at either end of the
    scale that nobody has, at onset or on the end day, nobody reaches: not the worst of patients,
    and not by any shift.
    """

    rules = (
        lambda start: _sum_to_one("start", start),
        lambda end: _sum_to_one("end", end),
    )

    covariates_used: ClassVar[tuple[str, ...]] = ()

    assumed_defaults: ClassVar[tuple[str, ...]] = (
        "start",
        "time_constant_days",
        "end_baseline_correlation",
        "within_patient_correlation",
    )

    model: Literal["proportions"]
    start: Shares | None = None
    """From the low end of the scale; null where they are those of the end day at any time."""
    end: Shares
    """The proportion of reference patients in each grade on the end day, from the low end of the
    scale, such as [0.1, 0.2, 0.7]."""
    end_day: Positive
    """Days after onset at which the proportions are those of `end`, such as 90."""
    time_constant_days: Positive = 20.0
    """tau: after this many days, such as 20, 63% of all recovery, ever, has happened."""
    start_baseline_correlation: Correlation | None = None
    """Correlation of the latent score at onset with the baseline or prognosis, from -1 to 1, such
    as 0.6; null for that of the end day."""
    end_baseline_correlation: Correlation = 0.0
    """The same correlation on the end day, such as 0.5."""
    within_patient_correlation: Probability = 0.85
    """Share of what the baseline does not explain that stays with the patient between visits, such
    as 0.85."""

    def cells(self, grid: Grid, elapsed: Elapsed, scores: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, the latent score moved by what is added."""
        done = elapsed.done(self.time_constant_days, self.end_day).clip(0.0, 1.0)
        first, last = self.start_baseline_correlation, self.end_baseline_correlation
        first = last if first is None else first
        latent = (
            scores.standard(first + done * (last - first), self.within_patient_correlation) + added
        )
        cell = np.zeros(np.broadcast_shapes(latent.shape, done.shape))
        first_cuts, last_cuts = self.cuts(self.start or self.end), self.cuts(self.end)
        for start, end in zip(first_cuts, last_cuts, strict=True):
            cell += latent > (start + done * (end - start) if np.isfinite(end) else end)
        return cell

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells)."""
        return cells_between_cuts(shift, 1.0, np.array(self.cuts(self.end)))

    def cuts(self, shares: tuple[float, ...]) -> list[float]:
        """Return the standard normal scores between grades, infinite where nobody is beyond."""
        below = np.cumsum(shares)[:-1].clip(_LEAST_SHARE, 1 - _LEAST_SHARE)
        cuts = scipy.special.ndtri(below)
        there = np.flatnonzero(np.add(self.start or self.end, self.end))
        if len(there) > 1:  # with one grade alone, no shift would move anybody
            cuts[: there[0]], cuts[there[-1] :] = -np.inf, np.inf
        scores: list[float] = cuts.tolist()
        return scores

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        return 2 * _FARTHEST_SHIFT

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield the lists of proportions that have not one for each grade of the scale."""
        for name, shares in (("start", self.start), ("end", self.end)):
            if shares is not None and len(shares) != grid.steps + 1:
                rule = f"must be one for each of the scale's {grid.steps + 1} grades"
                yield Violation(name, rule, len(shares))


Course: TypeAlias = Annotated[
    Exponential | Interpolated | Proportions | Tabulated | RecoveryClasses | OwnCourse,
    Field(discriminator="model"),
]


def _cells_of_moment(
    grid: Grid,
    moment: LatentMoments,
    latent: LatentScores,
    within_patient_correlation: float,
    added: Floats,
) -> Floats:
    standard = latent.standard(moment.baseline_correlation, within_patient_correlation)
    return grid.cell_of_latent(moment.mean + moment.sd * standard + added)


def _widest(grid: Grid, mean: float, sd: float) -> float:
    cuts = grid.cuts
    return float(cuts[-1] - cuts[0] + grid.step + _FARTHEST_SHIFT * sd + abs(mean))

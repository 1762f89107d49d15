"""Recovery that is of a few kinds: how much of what is lost comes back, and how fast.

On a latent scale that ends at `top`, a patient of class k who starts at a stands, t days after
onset, at

    a + r_k * (top - a) * (1 - exp(-t / tau_k)) + what the drug adds + a normal residual,

held within the scale; straight lines between points lead from there to the score (van der Vliet et
al. 2020, whose latent scale is the Fugl-Meyer assessment).
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from trialsim.arrays import Floats, Integers
from trialsim.curves import part_done
from trialsim.distributions import PROBABILITY_SUM_TOLERANCE, Continuous, FrozenModel, support
from trialsim.scenario.outcomes.latent_scores import Elapsed, LatentScores
from trialsim.scenario.outcomes.scales import Grid
from trialsim.scenario.validation.refusal import (
    CheckedModel,
    Finite,
    Name,
    Positive,
    Probability,
    Violation,
)
from trialsim.stats.planning.scale_effects import cells_between_cuts

_NODES: Final = 128
"""Of the quadrature over the start: cells are then known to about one in a million."""
_FARTHEST_SHIFT: Final = 20.0
"""In SDs of the residual beyond the width of the latent scale: past it nothing changes any more."""

Point = Annotated[tuple[Finite, Finite], Field(strict=False)]


class RecoveryClass(FrozenModel):
    """Patients who recover alike."""

    recovered_share: Probability
    """Of what is missing at onset, the part that comes back in the end, such as 0.7."""
    time_constant_days: Positive
    """tau: after this many days, such as 20, 63% of all recovery, ever, has happened."""
    reference_share: Probability
    """The part of the reference patients that is of this class, such as 0.5; in them the effect has
    the anchor's value."""
    reference_start: Continuous
    """The latent score at onset of the reference patients of the class."""


def _shares_add_up(classes: Mapping[str, RecoveryClass]) -> Iterator[Violation]:
    if None in classes.values():
        return
    total = sum(one.reference_share for one in classes.values())
    if abs(total - 1) > PROBABILITY_SUM_TOLERANCE:
        yield Violation("classes", "must have reference shares that add to 1", total)


def _rising(points: tuple[tuple[float, float], ...]) -> Iterator[Violation]:
    if any(x1 <= x0 or y1 <= y0 for (x0, y0), (x1, y1) in pairwise(points)):
        yield Violation("points", "must rise, in the latent score and in the score", points)


def _starts_on_the_scale(
    classes: Mapping[str, RecoveryClass], points: tuple[tuple[float, float], ...]
) -> Iterator[Violation]:
    bottom, top = points[0][0], points[-1][0]
    for name, one in classes.items():
        low, high = support(one.reference_start)
        if low < bottom or high > top:
            rule = f"must lie within the latent scale of the points, {bottom:g} to {top:g}"
            yield Violation(f"classes.{name}.reference_start", rule, f"{low:g} to {high:g}")


class RecoveryClasses(CheckedModel):
    """A mixture of patients who recover fully, partly or hardly, soon or late.

    Class and start of a patient are covariates. The reference patients are there to translate the
    effect from one scale to another, so that it stays when other patients are recruited.
    """

    rules = (_shares_add_up, _rising, _starts_on_the_scale)

    model: Literal["recovery_classes"]
    class_covariate: Name
    """The covariate whose levels are the classes."""
    start_covariate: Name
    """The covariate that is the latent score at onset."""
    classes: dict[Name, RecoveryClass] = Field(min_length=1)
    """Groups of patients who recover alike, by name, such as good and poor."""
    residual_sd: Positive
    """SD, at each visit anew, of the latent score that is found about the one expected, such as 5
    points."""
    points: Annotated[tuple[Point, ...], Field(strict=False, min_length=2)]
    """Pairs of latent score and score, the ends of the latent scale first and last."""
    end_day: Positive
    """Days after onset at which the effect has the anchor's value in the reference patients, such
    as 90."""

    @property
    def covariates_used(self) -> tuple[str, ...]:
        """The covariates on which the course depends."""
        return (self.class_covariate, self.start_covariate)

    @property
    def latent_ends(self) -> tuple[float, float]:
        """The ends of the latent scale."""
        return self.points[0][0], self.points[-1][0]

    def expected(self, place: int | Integers, start: Floats, days: ArrayLike) -> Floats:
        """Return the latent score, but for the residual, of those of the classes at some places."""
        classes = list(self.classes.values())
        share = np.array([one.recovered_share for one in classes])[place]
        tau = np.array([one.time_constant_days for one in classes])[place]
        gained = share * part_done(np.asarray(days / tau))
        return start + gained * (self.latent_ends[1] - start)

    def cells(self, grid: Grid, elapsed: Elapsed, scores: LatentScores, added: Floats) -> Floats:
        """Return each patient's cell, the latent score moved by what is added."""
        place = scores.covariates[self.class_covariate].astype(np.intp)
        latent = self.expected(place, scores.covariates[self.start_covariate], elapsed.days)
        latent = latent + self.residual_sd * scores.noise + added
        return grid.cell_of(np.interp(latent, *self._lines))

    def end_cells(self, grid: Grid, shift: ArrayLike) -> Floats:
        """Return the share in each cell on the end day after a shift, shape (..., cells)."""
        edges = np.exp(grid.cuts) if grid.logarithmic else grid.cuts
        latent, score = self._lines
        cuts = np.interp(edges, score, latent, left=-np.inf, right=np.inf)
        means, weights = self._reference
        moved = means + np.asarray(shift, float)[..., None]
        shares: Floats = weights @ cells_between_cuts(moved, self.residual_sd, cuts)
        return shares

    def widest(self, grid: Grid) -> float:
        """Return a latent shift beyond which nothing changes any more."""
        bottom, top = self.latent_ends
        return top - bottom + _FARTHEST_SHIFT * self.residual_sd

    def violations(self, grid: Grid) -> Iterator[Violation]:
        """Yield the points that lead beyond the scale."""
        low, high = self.points[0][1], self.points[-1][1]
        if low < grid.low or high > grid.high:
            rule = f"must lead to scores within {grid.low:g} and {grid.high:g}"
            yield Violation("points", rule, f"{low:g} to {high:g}")

    @property
    def _lines(self) -> tuple[list[float], list[float]]:
        """The latent scores of the points, and their scores."""
        return [latent for latent, _ in self.points], [score for _, score in self.points]

    @cached_property
    def _reference(self) -> tuple[Floats, Floats]:
        """Latent scores expected on the end day among the reference patients, and their weights.

        By Gauss-Legendre quadrature over the distribution function of the start.
        """
        nodes, node_weights = np.polynomial.legendre.leggauss(_NODES)
        means, weights = [], []
        for place, one in enumerate(self.classes.values()):
            start = one.reference_start.at((nodes + 1) / 2)
            means.append(self.expected(place, start, self.end_day))
            weights.append(one.reference_share * node_weights / 2)
        total = np.concatenate(weights)
        return np.concatenate(means), total / total.sum()

"""The values that a score can take, and where on them a latent score falls.

A scale is a grid: its values run from `low` to `high` in equal steps. Cells are counted from 0 at
the low end, whichever end is better.
"""

from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Floats, Integers

Kind: TypeAlias = Literal["ordinal", "continuous", "count", "time"]
"""Grades or points, a measurement, how many, how long.

The latent score is in the unit of the scale for the first two, and its logarithm for the others.
"""


class Grid(NamedTuple):
    """The cells of a scale."""

    low: float
    high: float
    step: float
    logarithmic: bool

    @property
    def steps(self) -> int:
        """Steps from one end to the other; there is one cell more.

        >>> Grid(0, 2.5, 0.5, False).steps
        5
        """
        return round((self.high - self.low) / self.step)

    @property
    def is_whole(self) -> bool:
        """Whether every value of the scale is a whole number."""
        return self.low == round(self.low) and self.step == round(self.step)

    @property
    def cuts(self) -> Floats:
        """The latent scores at which one cell ends and the next begins, shape (steps,).

        >>> Grid(0, 3, 1, False).cuts.tolist()
        [0.5, 1.5, 2.5]
        """
        edges = self.low + (np.arange(self.steps) + 0.5) * self.step
        return np.log(edges) if self.logarithmic else edges

    def cell_of_latent(self, latent: Floats) -> Floats:
        """Return the cell in which a latent score falls, as whole numbers in floats."""
        if self.logarithmic:
            return guide_to_cuts(self).cells(latent)
        return self.cell_of(latent)

    def cell_of(self, score: Floats) -> Floats:
        """Return the cell of a score, or of the nearest value of the scale; NaN stays NaN."""
        cell = np.asarray(score - self.low)
        cell /= self.step
        return np.clip(np.rint(cell, out=cell), 0, self.steps, out=cell)

    def score_of(self, cell: Floats) -> Floats:
        """Return the score of a cell.

        >>> Grid(0, 1, 0.1, False).score_of(np.array([3.0])).tolist()
        [0.3]
        """
        score = self.low + self.step * cell
        if not self.is_whole:
            score = np.round(score, 9)  # 0.3, not 0.30000000000000004
        score += 0.0  # a latent -0.3 is rounded to -0.0, which would be written so
        return score


_PARTS: Final = 1024
"""Parts of the line that guide to the cut-points of a scale."""


class CutGuide:
    """Cut-points that rise, with a guide to them over equal parts of the line.

    >>> CutGuide(np.array([0.5, 1.5])).cells(np.array([-9.0, 0.5, 0.6, 2.0]))
    array([0., 0., 1., 2.])
    """

    def __init__(self, cuts: Floats) -> None:
        """Take the cut-points."""
        self.low = float(cuts[0])
        """Where the first part begins; what lies before it belongs to that part too."""
        self.per_unit = (_PARTS - 1) / max(float(cuts[-1]) - self.low, 1.0)
        """Parts in one unit of the line."""
        part = self._part(cuts)
        self.before = np.searchsorted(part, np.arange(_PARTS))
        """How many cut-points lie in the parts before each."""
        self.half = 1 << int(np.bincount(part).max()).bit_length() - 1
        """The first step of a search by halving among the cut-points of one part."""
        self.cuts = np.concatenate([cuts, np.full(2 * self.half, np.inf)])
        """The cut-points, and infinite ones so that a search finds its end."""

    def cells(self, latent: Floats) -> Floats:
        """Return how many cut-points lie below each latent score, as whole numbers in floats."""
        cell = self.before.take(self._part(latent))
        step = self.half
        while step:
            cell += step * (self.cuts.take(cell + (step - 1)) < latent)
            step //= 2
        return cell.astype(np.float64)

    def _part(self, latent: Floats) -> Integers:
        along = (latent - self.low) * self.per_unit
        return along.clip(0, _PARTS - 1).astype(np.int64)


@lru_cache(256)
def guide_to_cuts(grid: Grid) -> CutGuide:
    """Return the guide to a scale's cut-points."""
    return CutGuide(grid.cuts)

"""The values that a score can take, and where on them a latent score falls.

A scale is a grid: its values run from `low` to `high` in equal steps. Cells are counted from 0 at
the low end, whichever end is better.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from trialsim.arrays import Floats

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
            return np.searchsorted(self.cuts, latent).astype(np.float64)
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

"""A fair toss until an arm has its half of the patients, then the other."""

from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Floats
from trialsim.trial.allocation.procedure import Before


@dataclass(frozen=True, slots=True)
class Truncated:
    """The truncated binomial design (Blackwell and Hodges 1957, Ann Math Stat 28:449)."""

    half: int
    sizes: tuple[int, ...] = ()

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm).

        >>> before = Before(np.array([[[3, 1]], [[4, 2]]]), np.zeros(2, int), np.zeros((2, 1), int))
        >>> Truncated(4).chances(before).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
        """
        full = before.counts[:, 0] >= self.half
        first = np.select([full[:, 0], full[:, 1]], [0.0, 1.0], 0.5)
        return np.stack([first, 1 - first], axis=1)

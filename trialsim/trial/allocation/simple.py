"""Simple randomisation: a toss for each patient, whatever came before."""

from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Floats
from trialsim.trial.allocation.procedure import Before


@dataclass(frozen=True, slots=True)
class Toss:
    """Each arm with its share of the ratios."""

    ratios: tuple[int, ...]
    sizes: tuple[int, ...] = ()

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm).

        >>> before = Before(np.zeros((1, 1, 2), int), np.zeros(1, int), np.zeros((1, 1), int))
        >>> Toss((3, 1)).chances(before).tolist()
        [[0.75, 0.25]]
        """
        shares = np.array(self.ratios) / sum(self.ratios)
        return np.broadcast_to(shares, (len(before.counts), len(shares)))

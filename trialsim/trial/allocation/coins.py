"""Coins of two arms of equal ratio, which look at the difference between the arms alone."""

from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Floats
from trialsim.trial.allocation.procedure import Before


@dataclass(frozen=True, slots=True)
class TolerantCoin:
    """The arm that is behind with a probability, and for certain at the tolerance.

    Efron's biased coin (1971, Biometrika 58:403) has no tolerance; the big stick design (Soares and
    Wu 1983, Communications in Statistics 12:2017) has the probability 1/2 below it; Chen's (1999,
    Biometrics 55:1151) has both.
    """

    probability: float
    tolerance: float = np.inf
    sizes: tuple[int, ...] = ()

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm).

        >>> counts = np.array([[[3, 3]], [[4, 3]], [[3, 5]]])
        >>> before = Before(counts, np.zeros(3, np.int64), np.zeros((3, 1), np.int64))
        >>> TolerantCoin(0.75, tolerance=2).chances(before).tolist()
        [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]
        """
        ahead = before.counts[:, 0, 0] - before.counts[:, 0, 1]
        behind = np.where(abs(ahead) >= self.tolerance, 1.0, self.probability)
        first = np.select([ahead < 0, ahead > 0], [behind, 1 - behind], 0.5)
        return np.stack([first, 1 - first], axis=1)

"""Permuted blocks whose sizes are drawn as they begin."""

from dataclasses import dataclass

import numpy as np

from trialsim.arrays import Floats
from trialsim.trial.allocation.procedure import Before


@dataclass(frozen=True, slots=True)
class RandomBlocks:
    """What is left of the open block, each place equally likely.

    Blocks of any size have the arms in their ratio, so how often each arm will stand in the stratum
    when the open block is full follows from how many patients it will then have. With one size it
    gives the same arms, bit for bit, as `PermutedBlocks`.
    """

    ratios: tuple[int, ...]
    sizes: tuple[int, ...]

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm).

        >>> before = Before(np.array([[[3, 2]], [[2, 2]]]), np.array([6, 8]), np.zeros((2, 1), int))
        >>> RandomBlocks((1, 1), (2, 4)).chances(before).tolist()
        [[0.0, 1.0], [0.5, 0.5]]
        """
        ratios = np.array(self.ratios)
        left = before.ends[:, None] // ratios.sum() * ratios - before.counts[:, 0]
        chances: Floats = left / left.sum(axis=1, keepdims=True)
        return chances

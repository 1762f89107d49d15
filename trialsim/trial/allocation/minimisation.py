"""Minimisation: the arm that leaves the factors' classes most alike, with a high probability."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.trial.allocation.procedure import Before

_EQUAL: Final = 1e-9
"""Imbalances that differ by no more are equal: sums of roots have rounding errors."""


@dataclass(frozen=True, slots=True)
class PocockSimon:
    """Pocock and Simon 1975, Biometrics 31:103, for arms of equal ratio."""

    measure: str
    probability: float
    weights: tuple[float, ...]
    """Of each factor."""
    sizes: tuple[int, ...] = ()

    def imbalances(self, counts: Integers) -> Floats:
        """Return the weighted imbalance if the patient were given each arm, shape (row, arm).

        >>> counts = np.array([[[9, 12], [4, 7], [16, 15], [17, 18]]])
        >>> PocockSimon("range", 0.8, (1, 1, 1, 1)).imbalances(counts).tolist()
        [[6.0, 10.0]]
        """
        arms = counts.shape[-1]
        if arms == 2 and self.measure != "variance":  # sd and range are proportional then
            ahead = counts[..., 0] - counts[..., 1]
            unit = np.sqrt(0.5) if self.measure == "standard_deviation" else 1.0
            each = np.stack([abs(ahead + 1), abs(ahead - 1)], axis=-1) * unit
        else:
            then = counts[:, :, None, :] + np.eye(arms, dtype=np.int64)
            each = _MEASURES[self.measure](then)
        total: Floats = np.zeros((len(counts), arms))
        for factor, weight in enumerate(self.weights):  # in a fixed order, for the same bits
            total += weight * each[:, factor]
        return total

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm)."""
        imbalances = self.imbalances(before.counts)
        best = imbalances <= imbalances.min(axis=1, keepdims=True) + _EQUAL
        count, arms = best.sum(axis=1, keepdims=True), best.shape[1]
        other = (1 - self.probability) / (arms - 1)
        preferred = (self.probability + (count - 1) * other) / count
        chances: Floats = np.where(best, preferred, other)
        return chances


_MEASURES = {
    "range": lambda counts: counts.max(axis=-1) - counts.min(axis=-1),
    "variance": lambda counts: counts.var(axis=-1, ddof=1),
    "standard_deviation": lambda counts: counts.std(axis=-1, ddof=1),
}
"""Of the arms' numbers in a class, shape (..., arm)."""

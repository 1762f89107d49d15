"""Wei's urn: after each patient balls of the other arms are added."""

from dataclasses import dataclass

from trialsim.arrays import Floats
from trialsim.trial.allocation.procedure import Before


@dataclass(frozen=True, slots=True)
class WeisUrn:
    """UD(balls, added) for any number of arms (Wei 1978, Annals of Statistics 6:92)."""

    balls: int
    added: int
    sizes: tuple[int, ...] = ()

    def chances(self, before: Before) -> Floats:
        """Return the chance of each arm, shape (row, arm).

        >>> import numpy as np
        >>> before = Before(np.array([[[0, 0]], [[1, 0]]]), np.zeros(2, int), np.zeros((2, 1), int))
        >>> WeisUrn(1, 1).chances(before).tolist()[0], WeisUrn(0, 1).chances(before).tolist()
        ([0.5, 0.5], [[0.5, 0.5], [0.0, 1.0]])
        """
        counts = before.counts[:, 0]
        others = counts.sum(axis=1, keepdims=True) - counts
        balls = self.balls + self.added * others
        balls = balls + (balls.sum(axis=1, keepdims=True) == 0)  # an empty urn: a fair toss
        chances: Floats = balls / balls.sum(axis=1, keepdims=True)
        return chances

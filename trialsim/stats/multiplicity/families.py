"""Families that are tested in order: what a family has used of the level, the next cannot have.

Dmitrienko, Tamhane and Wiens (2008, Biometrical Journal 50:667), the general multistage gatekeeping
procedure. A family has the whole level left to pass on once all in it are rejected; one that was
tested by a truncated procedure has a part of it as soon as any are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trialsim.arrays import Floats


class Family(NamedTuple):
    """The tests of one family as they are by themselves."""

    adjusted: Floats
    """P-values adjusted within the family, shape (..., hypotheses)."""
    passed_on: Floats
    """The share of its level that is left after 0, 1, ... of its hypotheses are rejected."""


def passed_on(hypotheses: int, share: float = 1.0) -> Floats:
    """Return the share of a family's level that is left after 0, 1, ... rejections.

    Parameters
    ----------
    share
        How much of a truncated procedure is not Bonferroni's; 1 for what is not truncated.

    >>> passed_on(2).tolist(), passed_on(2, 0.5).tolist()
    ([0.0, 0.0, 1.0], [0.0, 0.25, 1.0])
    """
    rejected = np.arange(hypotheses + 1)
    return np.asarray(np.where(rejected == hypotheses, 1.0, (1 - share) * rejected / hypotheses))


def adjust_in_order(families: Sequence[Family]) -> list[Floats]:
    """Return the p-values of each family, adjusted for those before it too.

    At a level that the families before it leave a share s of, a hypothesis is rejected if its own
    adjusted p-value is at most s times the level. Shares change only at the adjusted p-values of
    earlier families, so the least level that rejects it lies at one of them or above.

    >>> first = Family(np.array([0.03]), passed_on(1))
    >>> second = Family(np.array([0.01, 0.04]), passed_on(2))
    >>> [one.tolist() for one in adjust_in_order([first, second])]
    [[0.03], [0.03, 0.04]]
    """
    batch = families[0].adjusted.shape[:-1]
    levels, found = np.zeros((*batch, 1)), list[Floats]()
    earlier: list[tuple[Floats, Floats]] = []
    for own, left in families:
        shares = np.ones(levels.shape)
        for adjusted, of_it in earlier:
            rejected = (adjusted[..., np.newaxis, :] <= levels[..., np.newaxis]).sum(axis=-1)
            shares = shares * of_it[rejected]
        some = shares > 0
        needed = own[..., np.newaxis] / np.where(some, shares, 1.0)[..., np.newaxis, :]
        reached = np.maximum(needed, levels[..., np.newaxis, :])
        least = np.where(some[..., np.newaxis, :], reached, 1.0).min(axis=-1)
        found.append(np.minimum(least, 1.0))
        earlier.append((found[-1], left))
        levels = np.concatenate([levels, found[-1]], axis=-1)
    return found

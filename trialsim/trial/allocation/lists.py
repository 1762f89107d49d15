"""Complete lists of each stratum, drawn up beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from trialsim.arrays import Floats, Integers
from trialsim.scenario.protocol.randomisation import ARM, numbered
from trialsim.trial.allocation.procedure import Before
from trialsim.trial.allocation.strata import Factor


@dataclass(frozen=True, slots=True)
class Lists:
    """The next place of the patient's stratum; a list that is used up begins again."""

    places: Integers
    """The arm at each place, all strata after one another."""
    starts: Integers
    """Where each stratum's list begins."""
    lengths: Integers
    """How long each stratum's list is, at least one place."""
    count: int
    """How many arms there are."""
    sizes: tuple[int, ...] = ()

    def chances(self, before: Before) -> Floats:
        """Return 1 for the arm of the next place, shape (row, arm)."""
        stratum = before.groups[:, 0]
        place = before.counts[:, 0].sum(axis=1) % self.lengths[stratum]
        arm = self.places[self.starts[stratum] + place]
        chances: Floats = (np.arange(self.count) == arm[:, None]).astype(np.float64)
        return chances


def lists_of(
    columns: Mapping[str, tuple[str, ...]], arms: tuple[str, ...], factors: tuple[Factor, ...]
) -> Lists:
    """Return the lists that the columns of a table are."""
    stratum = np.zeros(len(columns[ARM]), np.int64)
    for name, classes in factors:
        place = numbered(classes)
        stratum = stratum * len(classes) + np.array([place[cell] for cell in columns[name]])
    strata = prod(len(one.classes) for one in factors)
    order = np.argsort(stratum, kind="stable")
    lengths = np.bincount(stratum, minlength=strata)
    places = np.array([numbered(arms)[cell] for cell in columns[ARM]])[order]
    return Lists(places, np.cumsum(lengths) - lengths, lengths, len(arms))

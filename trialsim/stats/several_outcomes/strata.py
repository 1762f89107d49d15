"""Effects on several scales within strata, each patient compared with those of the same stratum.

The effect of a scale is the weighted mean of its effects in the strata, and as strata are of
different patients, two of them covary by the products of their weights: sum w_k w_l Sigma_kl.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from trialsim.arrays import Booleans, Floats, Integers
from trialsim.stats.ranks.stratified import StratumWeighting, shares_of_strata
from trialsim.stats.several_outcomes.joint_effects import CountedEffects, Scale


class StratifiedEffects:
    """The effects on several scales in strata, and their covariances once they are looked at."""

    def __init__(self, strata: Sequence[CountedEffects], weighting: StratumWeighting) -> None:
        """Take the effects in each stratum, and how much each counts."""
        self._strata = strata
        treated, control = (np.stack([getattr(one, arm) for one in strata], -1) for arm in _ARMS)
        null = np.stack(
            [np.diagonal(one.null_covariance, axis1=-2, axis2=-1) for one in strata], axis=-1
        )
        self._shares = shares_of_strata(treated, control, null, weighting)  # (..., scales, strata)

    @cached_property
    def effects(self) -> Floats:
        """The weighted mean of the strata, NaN where no stratum has both arms, (..., scales)."""
        each = np.stack([np.nan_to_num(one.effects) for one in self._strata], axis=-1)
        known = self._shares.any(axis=-1)
        return np.where(known, (self._shares * each).sum(axis=-1), np.nan)

    @cached_property
    def covariance(self) -> Floats:
        """Of the effects, by the placements; the null one in strata where a scale has none."""
        return self._summed([_known(one) for one in self._strata])

    @cached_property
    def null_covariance(self) -> Floats:
        """The same when the arms have one distribution in each stratum."""
        return self._summed([one.null_covariance for one in self._strata])

    def _summed(self, covariances: Sequence[Floats]) -> Floats:
        total = np.zeros(covariances[0].shape)
        for stratum, covariance in enumerate(covariances):
            share = self._shares[..., stratum]
            weights = share[..., :, np.newaxis] * share[..., np.newaxis, :]
            total = total + weights * np.nan_to_num(covariance)
        return total


_ARMS = ("treated", "control")


def within_strata(
    scales: Sequence[Scale],
    treated: Booleans,
    control: Booleans,
    stratum: Integers,
    strata: int,
    weighting: StratumWeighting = "van-elteren",
) -> StratifiedEffects:
    """Return the effects of scales within strata; see `StratumWeighting` of one scale.

    Parameters
    ----------
    stratum
        That of each patient, from 0, shape (..., patients).

    >>> cells = np.array([3, 1, 2, 0, 2, 1])
    >>> scale = Scale(cells, np.ones(6, bool), 4)
    >>> treated = np.array([True, False, True, False, True, False])
    >>> stratum = np.array([0, 0, 1, 1, 1, 1])
    >>> within_strata([scale], treated, ~treated, stratum, 2).effects.tolist()
    [1.0]
    """
    each = [
        CountedEffects(scales, treated & (stratum == one), control & (stratum == one))
        for one in range(strata)
    ]
    return StratifiedEffects(each, weighting)


def _known(one: CountedEffects) -> Floats:
    """Return the covariance of the placements, or the null one where a scale has no variance."""
    own = one.covariance
    variances = np.diagonal(own, axis1=-2, axis2=-1)
    sound = np.asarray((variances > 0).all(axis=-1))
    return np.where(sound[..., np.newaxis, np.newaxis], own, one.null_covariance)

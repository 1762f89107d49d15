"""A spending function says how much of the type I error may be spent by each share of information.

Lan and DeMets (1983), Biometrika 70:659. Nothing is spent at no information and all of it at full
information and beyond, so that bounds depend on the looks that were held, not on those planned. Of
a two-sided test each side spends half of alpha. The same functions spend the type II error on
futility.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike

from trialsim.arrays import Floats


class Spending(Protocol):
    """A way to spend an error rate over information."""

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction, cumulative, in the shape of both.

        Fractions are information over planned information: 0 spends nothing, 1 or more all of
        `alpha`, NaN (a look that is not held) stays NaN.
        """
        ...


@dataclass(frozen=True, slots=True)
class OBrienFlemingSpending:
    """Little early: 2 (1 - Phi(z / sqrt(t))), z the upper alpha/2 quantile (Lan and DeMets 1983).

    Its bounds resemble those of O'Brien and Fleming (1979).

    >>> OBrienFlemingSpending().spent([0.5, 1], 0.025).round(6).tolist()
    [0.001525, 0.025]
    """

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction."""
        t, level = _arguments(fractions, alpha)
        with np.errstate(divide="ignore"):
            spent = 2 * scipy.special.ndtr(scipy.special.ndtri(level / 2) / np.sqrt(t))
        return _ended(spent, t, level)


@dataclass(frozen=True, slots=True)
class PocockSpending:
    """Nearly even: alpha ln(1 + (e - 1) t) (Lan and DeMets 1983).

    Its bounds resemble those of Pocock (1977).

    >>> PocockSpending().spent([0.5, 1], 0.025).round(6).tolist()
    [0.015503, 0.025]
    """

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction."""
        t, level = _arguments(fractions, alpha)
        return _ended(level * np.log1p((np.e - 1) * t), t, level)


@dataclass(frozen=True, slots=True)
class HwangShihDeCani:
    """The gamma family, alpha (1 - exp(-gamma t)) / (1 - exp(-gamma)); alpha t where gamma is 0.

    Hwang, Shih and De Cani (1990), Statistics in Medicine 9:1439. -4 is near O'Brien and Fleming,
    1 near Pocock.

    >>> HwangShihDeCani(-4).spent([0.5, 1], 0.025).round(6).tolist()
    [0.00298, 0.025]
    """

    gamma: float

    def __post_init__(self) -> None:
        if not abs(self.gamma) <= 500:
            raise ValueError(f"gamma must be between -500 and 500 (got {self.gamma})")

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction."""
        t, level = _arguments(fractions, alpha)
        share = np.expm1(-self.gamma * t) / np.expm1(-self.gamma) if self.gamma else t
        return _ended(level * share, t, level)


@dataclass(frozen=True, slots=True)
class KimDeMets:
    """The power family, alpha t**rho (Kim and DeMets 1987, Biometrika 74:149); `rho` above 0.

    >>> KimDeMets(3).spent([0.5, 1], 0.025).tolist()
    [0.003125, 0.025]
    """

    rho: float

    def __post_init__(self) -> None:
        if not 0 < self.rho < np.inf:
            raise ValueError(f"rho must be above 0 (got {self.rho})")

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction."""
        t, level = _arguments(fractions, alpha)
        return _ended(level * t**self.rho, t, level)


@dataclass(frozen=True, slots=True)
class SpendingTable:
    """A table of one's own: cumulative shares of alpha at information fractions, straight between.

    Both rise; before the first fraction the line comes from (0, 0), after the last it goes to
    (1, 1).

    >>> SpendingTable((0.5, 0.8), (0.1, 0.4)).spent([0.25, 0.5, 0.65, 1], 0.02).round(4).tolist()
    [0.001, 0.002, 0.005, 0.02]
    """

    fractions: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.fractions) != len(self.shares) or not self.fractions:
            raise ValueError(
                f"a spending table needs a share for every fraction "
                f"(got {len(self.fractions)} fractions, {len(self.shares)} shares)"
            )
        if any(after <= before for before, after in pairwise((0.0, *self.fractions, 1 + 1e-12))):
            raise ValueError(f"fractions must rise between 0 and 1 (got {list(self.fractions)})")
        if any(after < before for before, after in pairwise((0.0, *self.shares, 1.0))):
            raise ValueError(f"shares must not fall, between 0 and 1 (got {list(self.shares)})")

    def spent(self, fractions: ArrayLike, alpha: ArrayLike) -> Floats:
        """Return the error spent by each information fraction."""
        t, level = _arguments(fractions, alpha)
        places, shares = [0.0, *self.fractions, 1.0], [0.0, *self.shares, 1.0]
        return _ended(level * np.interp(t, places, shares), t, level)


def _arguments(fractions: ArrayLike, alpha: ArrayLike) -> tuple[Floats, Floats]:
    """Return fractions between 0 and 1, and the error to spend, in one shape."""
    level = np.asarray(alpha, float)
    if not np.all((level > 0) & (level < 1)):
        raise ValueError(f"alpha must be between 0 and 1 (got {level.tolist()})")
    t, level = np.broadcast_arrays(np.asarray(fractions, float), level)
    return np.clip(t, 0, 1), level


def _ended(spent: Floats, t: Floats, level: Floats) -> Floats:
    """Return the error spent, exactly all of it at full information."""
    return np.asarray(np.where(t >= 1, level, spent))

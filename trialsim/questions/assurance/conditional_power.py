"""Power as it depends on the true effect, from the trials run under each of several effects."""

from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import wilson_interval


class ConditionalPower(NamedTuple):
    """The share of successes at each effect, in rising order of effects, shape (effects,)."""

    effect: Floats
    trials: Floats
    power: Floats
    mcse: Floats
    smoothed: Floats
    """The isotonic fit: success in favour of the treated is never rarer for a larger effect."""

    def at(self, effects: Floats) -> Floats:
        """Return the smoothed power at other effects, on straight lines between those known.

        Beyond the last it stays as it is there.

        >>> known = conditional_power(*map(np.array, ([0.5, 0.6], [5.0, 60.0], [100.0, 100.0])))
        >>> known.at(np.array([0.4, 0.55, 0.6])).round(3).tolist()
        [0.05, 0.325, 0.6]
        """
        return np.asarray(np.interp(effects, self.effect, self.smoothed))


def conditional_power(effects: Floats, successes: Floats, trials: Floats) -> ConditionalPower:
    """Return the power at each effect; trials under the same effect are put together.

    Effects of which no trial is known are left out.

    >>> found = conditional_power(*map(np.array, ([0.6, 0.5, 0.6], [9.0, 1.0, 7.0], [10.0] * 3)))
    >>> found.effect.tolist(), found.power.tolist()
    ([0.5, 0.6], [0.1, 0.8])
    """
    from scipy.optimize import isotonic_regression

    known = trials > 0
    distinct, place = np.unique(effects[known], return_inverse=True)
    won, tried = (np.bincount(place, counts[known]).astype(float) for counts in (successes, trials))
    shares = wilson_interval(won, tried)
    fit = isotonic_regression(shares.estimate, weights=tried).x
    return ConditionalPower(distinct, tried, shares.estimate, shares.mcse, fit)


_SMALLEST: Final = 1e-12
"""An SD, where estimates do not differ at all."""


class Line(NamedTuple):
    """Estimates as they rise with the true effect, and their SD about it."""

    level: float
    slope: float
    sd: float

    def at(self, effects: Floats) -> Floats:
        """Return the mean estimate under effects."""
        return self.level + self.slope * effects


def fitted_line(effects: Floats, estimates: Floats) -> Line:
    """Return the least-squares line of estimates, one a trial, on true effects; NaN is left out.

    >>> fitted_line(np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.59, 0.68])).slope.__round__(12)
    0.9
    """
    known = np.isfinite(estimates)
    x, y = effects[known], estimates[known]
    away = x - x.mean()
    spread = float((away**2).sum())
    slope = float((away * y).sum() / spread) if spread > 0 else 0.0
    level = float(y.mean() - slope * x.mean())
    sd = float(np.sqrt(((y - level - slope * x) ** 2).mean()))
    return Line(level, slope, max(sd, _SMALLEST))

"""Trials of a stratum share one effect, so they are a cluster of a stratified sample.

The mean over strata has the error of the trials within each stratum and, beside it, that of having
drawn only one effect from the stratum: the spread inside it of what is to be expected under an
effect.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.questions.assurance.prior import Prior
from trialsim.scenario.outcomes.outcome import NO_EFFECT
from trialsim.stats.monte_carlo import Proportion, wilson_interval

_POINTS: Final = 64
"""Places in a stratum at which it is read how much moves within it."""


class StratifiedMean(NamedTuple):
    """A mean over strata, and the two parts of its Monte Carlo error."""

    estimate: float
    of_trials: float
    """What the finite number of trials under each effect leaves of error."""
    of_draws: float
    """What drawing one effect in each stratum leaves of error."""

    @property
    def mcse(self) -> float:
        """Monte Carlo standard error, of both causes together."""
        return math.hypot(self.of_trials, self.of_draws)

    def share(self, trials: int) -> Proportion:
        """Return a share with Wilson's interval, of as many trials as would leave its error.

        A share of 0 or 1 has the interval of the trials that there are: its error says nothing.
        """
        variance, p = self.mcse**2, self.estimate
        count = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else float(trials)
        ends = wilson_interval(p * count, count)
        return Proportion(np.asarray(p), np.asarray(self.mcse), ends.low, ends.high)


@dataclass(frozen=True, slots=True)
class Strata:
    """The strata of a prior."""

    prior: Prior
    count: int

    def mean(self, values: Floats, expected: Callable[[Floats], Floats]) -> StratifiedMean:
        """Return the mean of one value a trial, in the order of strata, shape (trials,).

        `expected` says what to expect of a trial under each of several effects. NaN marks a trial
        that failed and is left out.
        """
        by_stratum = values.reshape(self.count, -1)
        known = np.isfinite(by_stratum)
        trials = known.sum(axis=1)
        means = np.where(known, by_stratum, 0.0).sum(axis=1) / np.where(trials > 0, trials, np.nan)
        residuals = np.where(known, by_stratum - means[:, None], 0.0)
        variances = (residuals**2).sum(axis=1) / np.maximum(trials - 1, 1) / np.maximum(trials, 1)
        inside = expected(self.prior.at(self.points)).var(axis=1)
        strata = int((trials > 0).sum())
        return StratifiedMean(
            float(np.nanmean(means)) if strata else math.nan,
            math.sqrt(variances.sum()) / max(strata, 1),
            math.sqrt(inside.sum()) / self.count,
        )

    @property
    def points(self) -> Floats:
        """Numbers in (0, 1) spread evenly over each stratum, shape (strata, points)."""
        inside = (np.arange(_POINTS) + 0.5) / _POINTS
        return (np.arange(self.count)[:, None] + inside) / self.count

    def is_point_mass(self, effects: Floats) -> Booleans:
        """Return which effects are none at all, where the prior has a point mass there."""
        if self.prior.no_effect == 0:
            return np.zeros(effects.shape, np.bool_)
        return np.asarray(effects == NO_EFFECT[self.prior.anchor])

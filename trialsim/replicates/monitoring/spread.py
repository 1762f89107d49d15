"""A number of single trials: its mean, and where most of them fall."""

from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.arrays import Floats
from trialsim.stats.monte_carlo import Mean, Proportion, mean_over_replicates

_QUANTILES: Final = (0.05, 0.5, 0.95)


class Spread(NamedTuple):
    """A number over replicates: its mean, with error, and the central 90% of single trials."""

    mean: Mean
    low: float
    median: float
    high: float
    at_most: float
    """Share of trials that have the largest value that any has."""

    def to_dict(self) -> dict[str, float]:
        """Return it as plain values, for JSON."""
        ends = {"low": self.low, "median": self.median, "high": self.high}
        return {**plain(self.mean), **ends, "at_most": self.at_most}


def spread_of(values: Floats) -> Spread:
    """Return the spread of one number a replicate, NaN left out; all NaN where nothing is left.

    >>> spread_of(np.array([1.0, 2.0, np.nan, 3.0])).median
    2.0
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return Spread(mean_over_replicates(values), *[float("nan")] * 4)
    low, median, high = (float(one) for one in np.quantile(known, _QUANTILES))
    most = float((known == known.max()).mean())
    return Spread(mean_over_replicates(values), low, median, high, most)


def plain(summary: Mean | Proportion) -> dict[str, Any]:
    """Return a summary as numbers by name; the estimate itself is the mean."""
    numbers = {name: float(value) for name, value in summary._asdict().items()}
    return {"mean": numbers.pop("estimate"), **numbers}

"""A number of single trials: its mean, and where most of them fall."""

from typing import Any, Final, NamedTuple

import numpy as np

from trialsim.arrays import Booleans, Floats
from trialsim.stats.monte_carlo import (
    Mean,
    Proportion,
    Quantile,
    mean_over_replicates,
    quantile_over_replicates,
    wilson_interval,
)

_QUANTILES: Final = (0.05, 0.5, 0.95)


class Spread(NamedTuple):
    """A number over replicates: its mean and the central 90% of single trials, with errors."""

    mean: Mean
    low: Quantile
    """The 5% quantile; each of the three with 95% limits of its Monte Carlo error."""
    median: Quantile
    high: Quantile
    at_most: Proportion
    """Share of trials that have the largest value that any has."""

    @property
    def quantiles(self) -> tuple[Quantile, Quantile, Quantile]:
        """The quantiles in order."""
        return self.low, self.median, self.high

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        told: dict[str, Any] = {**plain(self.mean)}
        for name, found in zip(("low", "median", "high"), self.quantiles, strict=True):
            told |= {name: float(found.estimate), f"{name}_ci": [*map(float, found[1:])]}
        return {**told, **with_error("at_most", self.at_most)}


def spread_of(values: Floats) -> Spread:
    """Return the spread of one number a replicate, NaN left out; all NaN where nothing is left.

    >>> spread_of(np.array([1.0, 2.0, np.nan, 3.0])).median.estimate.item()
    2.0
    """
    known = values[np.isfinite(values)]
    at_most = wilson_interval(np.count_nonzero(known == known.max(initial=-np.inf)), known.size)
    low, median, high = (quantile_over_replicates(known, share) for share in _QUANTILES)
    return Spread(mean_over_replicates(values), low, median, high, at_most)


def share_of(happened: Floats | Booleans) -> Proportion:
    """Return the share of replicates in which something happened, those that failed left out.

    >>> share_of(np.array([1.0, 0.0, np.nan, 1.0])).estimate.round(4).item()
    0.6667
    """
    return wilson_interval(np.nansum(happened), np.isfinite(happened).sum())


def with_error(name: str, found: Mean | Proportion) -> dict[str, float]:
    """Return a number by its name with its error, and with its interval if it is a proportion.

    >>> with_error("held", wilson_interval(8, 10))["held_high"] > 0.94
    True
    """
    told = {name: float(found.estimate), f"{name}_mcse": float(found.mcse)}
    if isinstance(found, Proportion):
        told |= {f"{name}_low": float(found.low), f"{name}_high": float(found.high)}
    return told


def plain(summary: Mean | Quantile | Proportion) -> dict[str, float]:
    """Return a summary as numbers by name; the estimate itself is the mean."""
    numbers = {name: float(value) for name, value in summary._asdict().items()}
    return {"mean": numbers.pop("estimate"), **numbers}

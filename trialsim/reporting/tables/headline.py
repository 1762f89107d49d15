"""The headline numbers of a report."""

from typing import NamedTuple

from trialsim.replicates.result import PowerResult
from trialsim.reporting.tables.page import Cell, number
from trialsim.stats.monte_carlo import Mean, Proportion


class Tile(NamedTuple):
    """One number, large, with its Monte Carlo uncertainty."""

    label: str
    name: str
    """The name under which it stands in the data of the page."""
    value: float | None
    """None where no trial gives it."""
    text: str
    error: str
    """Its interval, or its Monte Carlo standard error."""


def headline(result: PowerResult, without_effect: PowerResult | None) -> list[Tile]:
    """Return the numbers at the head of the report of a run."""
    estimate, duration = result.estimate, result.mean_of("duration_days")
    tiles = [_share("Power", "run.power", result.favoured)]
    if without_effect is not None:
        tiles.append(_share("Type I error", "null.rejections.mean", without_effect.rejections))
    beside_truth = [
        _bias(result),
        _share("Coverage", "run.coverage.mean", result.coverage),
    ]
    return [
        *tiles,
        _mean(f"Mean {result.quantity.name}", "run.estimate.mean", estimate, 3),
        *(beside_truth if result.estimand.is_target else []),
        _mean("Days to the last visit", "run.duration_days.mean", duration, 0),
    ]


def _bias(result: PowerResult) -> Tile:
    """Return the bias; the median one where too many ratios are 0 or infinite for a mean."""
    if result.has_mean:
        return _mean("Bias", "run.bias.mean", result.bias, 4)
    median = result.median_bias
    low, high = (f"{end:.4f}" for end in (median.low, median.high))
    value = number(float(median.estimate), 4)
    return _tile("Median bias", "run.median_bias.median", value, f"95% {low} to {high}")


def _share(label: str, name: str, share: Proportion) -> Tile:
    low, high = number(float(share.low), 3).text, number(float(share.high), 3).text
    return _tile(label, name, number(float(share.estimate), 3), f"95% {low} to {high}")


def _mean(label: str, name: str, mean: Mean, digits: int) -> Tile:
    error = f"Monte Carlo SE {number(float(mean.mcse), digits + 1).text}"
    return _tile(label, name, number(float(mean.estimate), digits), error)


def _tile(label: str, name: str, cell: Cell, error: str) -> Tile:
    """Return a tile; a number that no trial gives has no standard error either."""
    return Tile(label, name, cell.value, cell.text, error if cell.value is not None else "no trial")

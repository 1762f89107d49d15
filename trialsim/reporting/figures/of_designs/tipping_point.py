"""What is left of the conclusion as patients who left are taken to have done worse."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.questions.tipping_point import TippingPoint
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
    to_ends,
)
from trialsim.reporting.tables.captions import caption_of, caption_of_one
from trialsim.reporting.text.robustness import quartiles_in_words, shift_in_words

_MOST_TICKS: Final = 12
_BANDS: Final = (
    "Bands along the lines are 95% Monte Carlo intervals; the grey one goes from the first to the "
    "third quartile of the tipping point."
)


def tipping_point_data(result: TippingPoint) -> DataFrame:
    """Return a row for each delta: power and share tipped with their errors; of one trial its own.

    Of one trial these are estimate, low, high, p_value and favoured.
    """
    return result.to_frame()


@styled
def tipping_point_figure(result: TippingPoint, width: float = WIDTH) -> Drawing:
    """Draw power and the share of conclusions that changed by delta; of one trial its estimate."""
    one = result.replicates == 1
    bars = "Bars are the trial's own intervals." if one else _BANDS
    about, words = (
        (result.scenario, result.digest, result.seed),
        (shift_in_words(result), bars, result.search),
    )
    caption = caption_of_one(*about, 0, *words) if one else caption_of(result, *words)
    drawing, (axes,) = page("Tipping point", caption, width, 3.6)
    data = tipping_point_data(result)
    if one:
        _estimates(axes, result, data)
    else:
        _shares(axes, data)
    _tipping(axes, result)
    axes.set_xlabel("delta, points")
    if len(result.deltas) <= _MOST_TICKS:
        axes.set_xticks(result.deltas)
    if result.deltas[-1] < result.deltas[0]:
        axes.invert_xaxis()
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def _shares(axes: Axes, data: DataFrame) -> None:
    labels = {
        "power": "power",
        "tipped": "conclusions changed, of those at the first delta",
    }
    markers = ("o-", "s--")
    for colour, marker, (name, label) in zip(shades(2), markers, labels.items(), strict=True):
        band = data[f"{name}_low"], data[f"{name}_high"]
        axes.fill_between(data["delta"], *band, color=colour, alpha=0.15, linewidth=0)
        axes.plot(data["delta"], data[name], marker, color=colour, markersize=4, label=label)
    axes.set_ylim(0.0, 1.02)
    axes.set_ylabel("share of trials")


def _tipping(axes: Axes, result: TippingPoint) -> None:
    """Draw the tipping point of one trial as a line, of many the quartiles as a band."""
    one, (quarter, half, rest) = result.replicates == 1, result.quartiles.values()
    if np.isfinite(half.estimate):
        told = f"tipping point {half.estimate:.4g}" if one else quartiles_in_words(result)
        axes.axvline(float(half.estimate), color=INK, linewidth=1, linestyle="--", label=told)
    if not one and np.isfinite(quarter.estimate):
        end = rest.estimate if np.isfinite(rest.estimate) else result.deltas[-1]
        axes.axvspan(float(quarter.estimate), float(end), color=INK, alpha=0.06, linewidth=0)


def _estimates(axes: Axes, result: TippingPoint, data: DataFrame) -> None:
    (colour, _) = shades(2)
    named, ends = result.quantity.name, to_ends(data, "estimate")
    axes.errorbar(
        data["delta"], data["estimate"], ends, fmt="o", color=colour, capsize=3, label=named
    )
    null = result.quantity.null
    axes.axhline(null, color=INK, linewidth=0.8, linestyle=":", label=f"no effect: {null:g}")
    axes.set_ylabel(named)

"""What is left of the conclusion as patients who left are taken to have done worse."""

from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.questions.tipping_point import GRID, TippingPoint
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.tables.captions import caption_of, caption_of_one


def tipping_point_data(result: TippingPoint) -> DataFrame:
    """Return a row for each delta: power and share tipped with their errors; of one trial its own.

    Of one trial these are estimate, low, high, p_value and favoured.
    """
    return result.to_frame()


@styled
def tipping_point_figure(result: TippingPoint, width: float = WIDTH) -> Drawing:
    """Draw power and the share of conclusions that changed by delta; of one trial its estimate."""
    one = result.replicates == 1
    told = "Scores imputed after the event are made better by delta points."
    bars = "Bars are the trial's own intervals." if one else "Bands are 95% Monte Carlo intervals."
    about, words = (result.scenario, result.digest, result.seed), (told, bars, GRID)
    caption = caption_of_one(*about, 0, *words) if one else caption_of(result, *words)
    drawing, (axes,) = page("Tipping point", caption, width, 3.6)
    data = tipping_point_data(result)
    if one:
        _estimates(axes, result, data)
    else:
        _shares(axes, data)
    axes.set_xlabel("delta, points")
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


def _estimates(axes: Axes, result: TippingPoint, data: DataFrame) -> None:
    (colour, _) = shades(2)
    ends = [data["estimate"] - data["low"], data["high"] - data["estimate"]]
    named = result.quantity.name
    axes.errorbar(
        data["delta"], data["estimate"], ends, fmt="o", color=colour, capsize=3, label=named
    )
    null = result.quantity.null
    axes.axhline(null, color=INK, linewidth=0.8, linestyle=":", label=f"no effect: {null:g}")
    axes.set_ylabel(named)

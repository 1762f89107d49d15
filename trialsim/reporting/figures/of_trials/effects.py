"""The results of one trial: the primary analysis and the secondary ones."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.analysis.analyse import Analysis
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import broken
from trialsim.reporting.figures.canvas.style import INK, WIDTH, grid, page, styled
from trialsim.reporting.tables.captions import caption_of_analysis
from trialsim.scenario.words.labels import spoken

_IN_POINTS: Final = "mean difference"
"""The quantity that has the unit of its outcome."""


def effects_data(result: Analysis) -> DataFrame:
    """Return a row for each analysis of the quantity of the primary one, which is first."""
    frame = result.to_frame()
    return frame[frame["quantity"] == result.primary.quantity].reset_index(drop=True)


@styled
def effects_figure(result: Analysis, width: float = WIDTH) -> Drawing:
    """Draw each estimate with its interval, the primary one on top."""
    data = effects_data(result)
    left_out = 1 + len(result.secondary) - len(data)
    further = [f"{left_out} analyses of another quantity are not drawn."] if left_out else []
    if result.primary.quantity == _IN_POINTS and len(data) > 1:
        further.append("Each difference is in the unit of its own outcome.")
    drawing, (axes,) = page(
        f"{result.primary.quantity[0].upper()}{result.primary.quantity[1:]} in one trial",
        caption_of_analysis(result, "Lines are the planned confidence intervals.", *further),
        width,
        1.5 + 0.3 * len(data),
    )
    places = np.arange(len(data))
    error = [data["estimate"] - data["low"], data["high"] - data["estimate"]]
    axes.errorbar(data["estimate"], places, xerr=error, fmt="o", color="#1d2f6f", capsize=2.5)
    axes.plot(data["estimate"][:1], places[:1], "D", color="#1d2f6f", markersize=8)
    axes.axvline(result.primary.null, color=INK, linestyle=":")
    axes.set_yticks(places, [broken(spoken(name), int(width * 5)) for name in data["analysis"]])
    axes.set_ylim(len(data) - 0.5, -0.5)
    axes.set_xlabel(f"{result.primary.quantity}; dotted: no effect")
    values = axes.secondary_yaxis("right")
    values.set_yticks(places, [_told(*row) for row in data[["estimate", "low", "high"]].values])
    for side in (axes, values):
        side.tick_params(axis="y", length=0)
    values.spines["right"].set_visible(False)
    grid(axes, "x")
    return drawing


def _told(estimate: float, low: float, high: float) -> str:
    return f"{estimate:.3f} ({low:.3f} to {high:.3f})".replace("-", "\N{MINUS SIGN}")

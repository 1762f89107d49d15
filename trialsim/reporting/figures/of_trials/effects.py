"""The results of one trial: the primary analysis and the secondary ones."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.analysis.analyse import Analysis
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import broken
from trialsim.reporting.figures.canvas.style import (
    INK,
    WIDTH,
    beside_rows,
    grid,
    page,
    styled,
    to_ends,
)
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
    draw_estimates(axes, data, result)
    beside_rows(
        axes,
        [broken(spoken(name), int(width * 5)) for name in data["analysis"]],
        [estimate_in_words(row) for row in data.to_dict("records")],
    )
    grid(axes, "x")
    return drawing


def draw_estimates(axes: Axes, data: DataFrame, result: Analysis) -> None:
    """Draw each estimate with its interval, the first larger, and where there is no effect."""
    places, colour = np.arange(len(data)), "#1d2f6f"
    error = to_ends(data, "estimate")
    axes.errorbar(data["estimate"], places, xerr=error, fmt="o", color=colour, capsize=2.5)
    axes.plot(data["estimate"][:1], places[:1], "D", color=colour, markersize=8)
    axes.axvline(result.primary.null, color=INK, linestyle=":")
    axes.set_xlabel(f"{result.primary.quantity}; dotted: no effect")


def estimate_in_words(row: Mapping[Any, Any]) -> str:
    """Return an estimate with its interval."""
    told = f"{row['estimate']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
    return told.replace("-", "\N{MINUS SIGN}")

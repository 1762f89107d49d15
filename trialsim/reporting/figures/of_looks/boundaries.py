"""The bounds of a plan of looks against the information, on z and on the scale of the effect."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.questions.monitoring.bounds import BoundsResult
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    LINES,
    MARKERS,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.tables.captions import caption_of_bounds

_SIDES: Final = {
    "efficacy": "stop for efficacy at or above",
    "futility": "stop for futility below",
    "harm": "stop for harm at or below",
}

_MOST_NUMBERS: Final = 6
"""Of more looks than these the numbers beside the marks would lie on one another."""


def boundaries_data(result: BoundsResult) -> DataFrame:
    """Return a row for each look and the last analysis: its information, and its bounds.

    Columns: look, share (of the planned information), patients, day, and z and effect of each
    bound that the plan has: efficacy, futility, harm (of a two-sided test). NaN where a look has
    no such bound, and in `effect` where the information is not planned.
    """
    rows = []
    for look in result.looks:
        row = {"look": look.name, "share": look.share, "patients": look.patients, "day": look.day}
        last = look is result.looks[-1]
        row |= {"efficacy_z": look.efficacy.z, "efficacy_effect": look.efficacy.effect}
        if result.sides == 2:
            row |= {"harm_z": look.harm.z, "harm_effect": look.harm.effect}
        if not last:
            row |= {"futility_z": look.futility.z, "futility_effect": look.futility.effect}
        rows.append(row)
    table = DataFrame(rows).replace([np.inf, -np.inf], np.nan)
    if table["futility_z"].isna().all():
        return table.drop(columns=["futility_z", "futility_effect"])
    return table


@styled
def boundaries_figure(result: BoundsResult, width: float = WIDTH) -> Drawing:
    """Draw the bounds on z, and below on the effect where the information is planned."""
    data = boundaries_data(result)
    with_effect = bool(data["efficacy_effect"].notna().any())
    drawing, axes = page(
        "Bounds of the looks",
        caption_of_bounds(result, _places(data), "Bounds apply at the looks alone."),
        width,
        5.2 if with_effect else 3.6,
        rows=2 if with_effect else 1,
        sharex=True,
    )
    _draw(axes[0], data, "z")
    axes[0].axhline(0.0, color=INK, linestyle=":", linewidth=1.0, label="no effect")
    axes[0].set_ylabel("z")
    if with_effect:
        _draw(axes[1], data, "effect")
        axes[1].axhline(result.null, color=INK, linestyle=":", linewidth=1.0)
        axes[1].set_ylabel(result.quantity)
        if result.is_ratio:
            axes[1].set_yscale("log")
    axes[-1].set_xlabel("share of the planned information")
    axes[-1].set_xlim(0.0, 1.06)
    legend_above(axes[0], width)
    return drawing


def _draw(axes: Axes, data: DataFrame, scale: str) -> None:
    colours = shades(len(_SIDES))
    for place, (side, label) in enumerate(_SIDES.items()):
        column = f"{side}_{scale}"
        if column not in data:
            continue
        here = data[data[column].notna()]
        axes.plot(
            here["share"],
            here[column],
            color=colours[place],
            linestyle=LINES[place],
            marker=MARKERS[place],
            markersize=5,
            label=label,
        )
        above = side == "efficacy"
        for share, value in zip(here["share"], here[column], strict=True):
            if len(data) > _MOST_NUMBERS:
                break
            axes.annotate(
                f"{value:.3g}".replace("-", "\N{MINUS SIGN}"),
                (share, value),
                xytext=(0, 5 if above else -5),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=7.5,
            )
    axes.margins(y=0.2)
    grid(axes, "y")


def _places(data: DataFrame) -> str:
    told = (
        f"{name} at {share:.3g}" for name, share in zip(data["look"], data["share"], strict=True)
    )
    return f"Share of the planned information: {', '.join(told)}."

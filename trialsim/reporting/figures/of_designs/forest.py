"""Paired differences of each variant from the base, as a forest plot."""

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.arrays import Integers
from trialsim.errors import InputError, Problem, nearest
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import QUANTITIES, broken, signed
from trialsim.reporting.figures.canvas.style import (
    INK,
    NORMAL,
    PALE,
    WIDTH,
    beside_rows,
    grid,
    legend_above,
    page,
    styled,
    to_ends,
)
from trialsim.reporting.tables.captions import caption_of


def differences_data(result: WhatIf, quantity: str = "power") -> DataFrame:
    """Return a row for each alternative: name, value, difference, mcse, low and high.

    `unpaired_low` and `unpaired_high` are the ends of the 95% interval that independent runs of
    both would have; of a power those of Newcombe (1998), Statistics in Medicine 17:873, method 10.

    Raises
    ------
    InputError
        If the quantity is not compared.
    """
    check_quantity(quantity)
    frame = result.frame
    base = frame.iloc[0]
    error = "mcse" if quantity == "power" else f"{quantity}_mcse"
    change = "difference" if quantity == "power" else f"{quantity}_difference"
    table = DataFrame(
        {
            "name": frame["name"],
            "value": frame[quantity],
            "difference": frame[change],
            "mcse": frame[f"{change}_mcse"],
        }
    )
    half = NORMAL * table["mcse"]
    table["low"], table["high"] = table["difference"] - half, table["difference"] + half
    if quantity == "power":
        table["low"], table["high"] = frame["difference_low"], frame["difference_high"]
    below = above = NORMAL * np.hypot(frame[error], base[error])
    if quantity == "power":
        below = np.hypot(frame["power"] - frame["low"], base["high"] - base["power"])
        above = np.hypot(frame["high"] - frame["power"], base["power"] - base["low"])
    table["unpaired_low"] = table["difference"] - below
    table["unpaired_high"] = table["difference"] + above
    return table.iloc[1:].reset_index(drop=True)


def check_quantity(quantity: str) -> None:
    """Refuse a quantity that studies are not compared on."""
    if quantity not in QUANTITIES:
        rule = f"must be one of {', '.join(QUANTITIES)}{nearest(quantity, QUANTITIES)}"
        raise InputError([Problem("quantity", rule, quantity)])


@styled
def differences_figure(result: WhatIf, quantity: str = "power", width: float = WIDTH) -> Drawing:
    """Draw the difference of each variant from the base, with its paired 95% interval."""
    data = differences_data(result, quantity)
    names = [broken(row.label, int(width * 5)) for row in result.rows[1:]]
    lines = [max(name.count("\n") + 1, 1) for name in names]
    base = float(result.frame.iloc[0][quantity])
    drawing, (axes,) = page(
        f"Differences from {result.scenario}, whose {QUANTITIES[quantity]} is {base:.4g}",
        caption_of(result, "Differences are paired with the base, trial by trial."),
        width,
        1.6 + 0.17 * sum(lines) + 0.12 * len(lines),
    )
    places = np.arange(len(data))
    _draw_intervals(axes, data, places)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    of_logarithm = quantity == "estimate" and result.rows[0].scenario.analysis.quantity.is_ratio
    scale = "the logarithm of the " if of_logarithm else ""
    axes.set_xlabel(f"change in {scale}{QUANTITIES[quantity]}")
    axes.margins(x=0.08)
    beside_rows(axes, names, [signed(one) for one in data["difference"]])
    grid(axes, "x")
    legend_above(axes, width)
    return drawing


def _draw_intervals(axes: Axes, data: DataFrame, places: Integers) -> None:
    """Draw the paired interval of each difference over the one that unpaired runs would have."""
    axes.errorbar(
        data["difference"],
        places,
        xerr=to_ends(data, "difference", "unpaired_low", "unpaired_high"),
        fmt="none",
        ecolor=PALE,
        elinewidth=5,
        label="95% interval of unpaired runs",
    )
    axes.errorbar(
        data["difference"],
        places,
        xerr=to_ends(data, "difference"),
        fmt="o",
        color="#1d2f6f",
        markersize=4.5,
        capsize=2.5,
        label="difference, 95% paired interval",
    )

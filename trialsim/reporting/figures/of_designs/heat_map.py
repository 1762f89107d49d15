"""Two numbers of a study varied together: a cell for each combination."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from pandas import DataFrame

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import QUANTITIES, with_unit
from trialsim.reporting.figures.canvas.style import SHADED, WIDTH, page, styled
from trialsim.reporting.figures.of_designs.forest import check_quantity
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.programme import value_at
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.words.labels import path_in_words


def heat_map_data(result: WhatIf, quantity: str = "power") -> DataFrame:
    """Return a row for each combination of the grid: the two paths' values, and the quantity.

    Raises
    ------
    InputError
        If not two paths were varied together, or the quantity is not compared.
    """
    check_quantity(quantity)
    rows = [row for row in result.rows if set(row.alternative.changes) == set(result.paths)]
    if len(result.paths) != 2 or not rows:
        rule = "must be a grid of two paths, for a heat map"
        raise InputError([Problem("changes", rule, ", ".join(result.paths) or None)])
    across, up = result.paths
    values = [row.to_dict()[quantity] for row in rows]
    return DataFrame(
        {
            across: [value_at(row.scenario, across) for row in rows],
            up: [value_at(row.scenario, up) for row in rows],
            quantity: values,
        }
    )


MARK: Final = "#c2185b"
"""Seen on every shade."""
TARGETS: Final = {0.8: "dashed", 0.9: "solid"}
"""Powers whose contours are drawn, and how."""
_TOLD: Final = " Lines: a power of 0.8 (dashed) and 0.9 (solid), between the middles of cells."


@styled
def heat_map_figure(result: WhatIf, quantity: str = "power", width: float = WIDTH) -> Drawing:
    """Draw the grid, the first path across and the second upwards, its numbers in the cells.

    The cell of the base has a frame, and contours lead through the cells where the power is 80% and
    90%, in a straight line between the values of neighbouring cells.
    """
    data = heat_map_data(result, quantity)
    across, up = result.paths
    columns, rows = (list(dict.fromkeys(data[path])) for path in (across, up))
    cells = np.full((len(rows), len(columns)), np.nan)
    for x, y, value in data.itertuples(index=False):
        cells[rows.index(y), columns.index(x)] = value
    study = result.rows[0].scenario
    first, second = (path_in_words(path, study) for path in (across, up))
    drawing, (axes,) = page(
        f"{QUANTITIES[quantity].capitalize()} by {first} and {second}",
        caption_of(
            result,
            f"Varied: {across} and {up}, with common random numbers in all cells. Frame: the base."
            + (_TOLD if quantity == "power" else ""),
        ),
        width,
        1.7 + 0.42 * len(rows),
    )
    if quantity == "power":
        _mark_targets(axes, cells)
    _mark_base(axes, columns, rows, [value_at(study, path) for path in (across, up)])
    shown = axes.pcolormesh(cells, cmap=SHADED, edgecolors="white", linewidth=1.0)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [as_written(one) for one in columns])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [as_written(one) for one in rows])
    axes.tick_params(length=0)
    axes.set_xlabel(with_unit(across, study))
    axes.set_ylabel(with_unit(up, study))
    drawing.colorbar(shown, ax=axes, label=QUANTITIES[quantity])
    lowest, highest = np.nanmin(cells), np.nanmax(cells)
    digits = ".3f" if quantity in ("power", "estimate") else ".4g"
    if width / len(columns) > 0.55:
        for (y, x), value in np.ndenumerate(cells):
            dark = value < (lowest + highest) / 2
            ink = "white" if dark else "black"
            axes.text(
                x + 0.5,
                y + 0.5,
                f"{value:{digits}}",
                ha="center",
                va="center",
                color=ink,
                size=7.5,
                zorder=5,
            )
    return drawing


def _mark_targets(axes: Axes, cells: Floats) -> None:
    """Draw where the power reaches its usual targets, between the middles of the cells."""
    low, high = np.nanmin(cells), np.nanmax(cells)
    levels = [target for target in TARGETS if low < target < high]
    if min(cells.shape) < 2 or not levels or not np.isfinite(cells).all():
        return
    up, across = (np.arange(length) + 0.5 for length in cells.shape)
    how = [TARGETS[level] for level in levels]
    axes.contour(across, up, cells, levels, colors=MARK, linewidths=1.2, linestyles=how, zorder=3)


def _mark_base(axes: Axes, columns: list[Any], rows: list[Any], base: list[Any]) -> None:
    """Draw a frame round the cell that has both values of the base, if one has."""
    if base[0] in columns and base[1] in rows:
        corner = columns.index(base[0]), rows.index(base[1])
        frame = Rectangle(corner, 1, 1, fill=False, edgecolor=MARK, linewidth=2.0, zorder=4)
        axes.add_patch(frame)

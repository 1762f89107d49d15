"""Two numbers of a study varied together: a cell for each combination."""

import numpy as np
from pandas import DataFrame

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


@styled
def heat_map_figure(result: WhatIf, quantity: str = "power", width: float = WIDTH) -> Drawing:
    """Draw the grid, the first path across and the second upwards, its numbers in the cells."""
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
            f"Varied: {across} and {up}, with common random numbers in all cells.",
        ),
        width,
        1.7 + 0.42 * len(rows),
    )
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
                x + 0.5, y + 0.5, f"{value:{digits}}", ha="center", va="center", color=ink, size=7.5
            )
    return drawing

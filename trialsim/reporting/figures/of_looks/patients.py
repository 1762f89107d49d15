"""Who is in when a board looks: endpoints known, patients who wait, and those still to come."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.replicates.monitoring.monitored import of_look
from trialsim.replicates.monitoring.spread import with_error
from trialsim.replicates.result import PowerResult
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    HATCHES,
    INK,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.figures.of_looks.words import looks_of
from trialsim.reporting.tables.captions import caption_of
from trialsim.stats.monte_carlo import mean_over_replicates

_PARTS: Final = {
    "known": "endpoint known",
    "waiting": "randomised, endpoint to come",
    "before_decision": "randomised between cut and decision",
    "to_come": "not randomised by the decision",
}


def patients_data(result: PowerResult) -> DataFrame:
    """Return a row for each look: its day, and the mean patients in each state, with MC error.

    Means are over the trials that held the look. States: known (endpoint known at the data cut),
    waiting (randomised, endpoint to come), before_decision (randomised between cut and decision)
    and to_come (what a stop would save: those planned less those randomised by the decision).

    Raises
    ------
    InputError
        If the study has no looks.
    """
    looks, columns = looks_of(result), result.columns
    rows = []
    for name in looks.names:
        held = columns[of_look(name, "held")] == 1
        if not held.any():
            continue
        by_decision = columns[of_look(name, "randomised_by_decision")]
        randomised = columns[of_look(name, "randomised")]
        states = {
            "known": columns[of_look(name, "known")],
            "waiting": columns[of_look(name, "waiting")],
            "before_decision": by_decision - randomised,
            "to_come": np.where(held, columns["planned_patients"], np.nan) - by_decision,
        }
        day = with_error("day", looks.at(name, "day"))
        row = {"look": name, **day, "trials": int(held.sum())}
        for state, values in states.items():
            row |= with_error(state, mean_over_replicates(values))
        rows.append(row)
    return DataFrame(rows)


@styled
def patients_figure(result: PowerResult, width: float = WIDTH) -> Drawing:
    """Draw for each look how many patients are known, wait, come before its decision, and after."""
    data = patients_data(result)
    told = (
        "Means over the trials that held the look, up to the patients that each was to randomise; "
        "a stop saves those alone who are not randomised by the decision."
    )
    height = 1.9 + 0.45 * len(data)
    drawing, (axes,) = page("Patients at each look", caption_of(result, told), width, height)
    left = np.zeros(len(data))
    places = np.arange(len(data))
    whole = float(data[list(_PARTS)].sum(axis=1).max())
    for place, (state, label) in enumerate(_PARTS.items()):
        values = data[state].to_numpy()
        colour = shades(len(_PARTS))[place]
        axes.barh(
            places,
            values,
            0.62,
            left=left,
            color=colour,
            hatch=HATCHES[place],
            edgecolor=INK,
            linewidth=0.4,
            label=label,
        )
        for y, (start, value) in enumerate(zip(left, values, strict=True)):
            if value > 0.06 * whole:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
                axes.text(start + value / 2, y, f"{value:.0f}", ha="center", va="center", bbox=box)
        left = left + values
    days = zip(data["look"], data["day"], strict=True)
    axes.set_yticks(places, [f"{name}\nday {day:.0f}" for name, day in days])
    axes.invert_yaxis()
    axes.set_xlabel("patients (mean number)")
    grid(axes, "x")
    legend_above(axes, width)
    return drawing

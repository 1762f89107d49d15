"""Where trials end, and why."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.replicates.monitoring.looks import FINAL
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
from trialsim.stats.monte_carlo import wilson_interval

_ENDS: Final = {
    "efficacy": "rejects in favour of the treated",
    "futility": "stops for futility",
    "harm": "rejects in favour of the control",
    "none": "ends without rejecting",
}


def stopping_data(result: PowerResult) -> DataFrame:
    """Return a row for each look or the last analysis, and each way to end there.

    Columns: look, end (efficacy, futility, harm, or none: the last analysis does not reject),
    trials, probability among all finished trials, its Monte Carlo error, low, high. Ways in which
    no trial ended anywhere are left out.

    Raises
    ------
    InputError
        If the study has no looks.
    """
    looks, columns = looks_of(result), result.columns
    finished = looks.finished
    favoured, rejected = columns["favoured"] == 1, columns["rejected"] == 1
    futile = columns["stopped_for_futility"] == 1
    ways = {
        "efficacy": favoured,
        "futility": futile,
        "harm": rejected & ~favoured,
        "none": ~rejected & ~futile,
    }
    rows = []
    for place, name in enumerate((*looks.names, FINAL)):
        for end, happened in ways.items():
            if not (happened & finished).any():
                continue
            trials = int((happened & finished & (columns["stop"] == place)).sum())
            share = wilson_interval(np.asarray(trials), np.asarray(int(finished.sum())))
            rows.append({"look": name, "end": end, "trials": trials, **share._asdict()})
    table = DataFrame(rows).rename(columns={"estimate": "probability"})
    return table.astype({"probability": float, "mcse": float, "low": float, "high": float})


@styled
def stopping_figure(result: PowerResult, width: float = WIDTH) -> Drawing:
    """Draw the probability to end at each look, and at the last analysis, in each way."""
    data = stopping_data(result)
    told = "Bars of all looks add up to 1; lines are 95% Monte Carlo intervals."
    drawing, (axes,) = page("Where trials end", caption_of(result, told), width, 3.6)
    names = list(dict.fromkeys(data["look"]))
    ends = [end for end in _ENDS if end in set(data["end"])]
    size = 0.8 / len(ends)
    for place, (end, colour) in enumerate(zip(ends, shades(len(ends)), strict=True)):
        here = data[data["end"] == end]
        at = np.arange(len(names)) + (place - (len(ends) - 1) / 2) * size
        error = [here["probability"] - here["low"], here["high"] - here["probability"]]
        possible = np.asarray(here["probability"] > 0)
        axes.bar(
            at,
            here["probability"],
            size,
            color=colour,
            hatch=HATCHES[place],
            edgecolor=INK,
            linewidth=0.4,
            label=_ENDS[end],
        )
        bars = np.where(possible, np.asarray(error), np.nan)
        axes.errorbar(
            at, here["probability"], bars, fmt="none", ecolor=INK, elinewidth=1, capsize=2
        )
        for x, top, value in zip(
            at[possible], here["high"][possible], here["probability"][possible], strict=True
        ):
            axes.annotate(
                f"{value:.3f}",
                (x, top),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("look")
    axes.set_ylabel("probability")
    axes.set_ylim(0.0, min(1.0, 1.12 * float(data["high"].max())))
    grid(axes, "y")
    legend_above(axes, width)
    return drawing

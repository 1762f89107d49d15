"""A swimmer plot: for each patient a lane of infusions, visits, and the end of participation."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from pandas import DataFrame, concat

from trialsim.clock import DAY
from trialsim.datasets import BEGUN
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
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.words.labels import in_words
from trialsim.trial.conduct import STATUS_OF_LACK

MOST: Final = 40
"""Lanes drawn by default."""
_MARKS: Final[dict[str, dict[str, Any]]] = {
    "visit attended": {"marker": "o", "markerfacecolor": INK},
    "visit missed": {"marker": "o", "markerfacecolor": "white"},
    "infusion missed": {"marker": "|", "markersize": 7, "color": "#a13a6b"},
    "infusions stopped": {"marker": "s", "markerfacecolor": "white", "markersize": 5},
    "rescued": {"marker": "^", "markerfacecolor": "white", "markersize": 5},
    "switched": {"marker": "D", "markerfacecolor": "white", "markersize": 4},
    "withdrawn": {"marker": "X", "markerfacecolor": "white", "markersize": 8},
    "died": {"marker": "P", "markerfacecolor": "black", "markersize": 8},
}


def lanes_data(trials: Trials, patients: int = MOST) -> DataFrame:
    """Return the course of the first patients of the first trial, in days since randomisation.

    Columns: subject, arm, event, start and end in days since randomisation (equal for what takes no
    time). "infusions given" spans consecutive infusions with none missed between them; "in
    the trial" goes from randomisation to the last planned visit or to the exit.
    """
    tables = {name: _first(trials, table, patients) for name, table in trials.tables.items()}
    start = tables["subjects"].set_index("subject")["randomised_minute"]
    infusions, visits, ends = (tables[name] for name in ("infusions", "visits", "disposition"))
    missed = infusions["status"].isin(["refused", *STATUS_OF_LACK.values()])
    attended, absent = visits["status"] == "attended", visits["status"] == "missed"
    left = ends["status"].isin(["withdrawn", "died"])
    last = visits.groupby("subject")["due_minute"].max()
    until = ends.set_index("subject")["ended_minute"].where(left.to_numpy()).fillna(last)
    parts = [
        _spans(ends, "in the trial", start, start, until),
        _runs(infusions, start),
        _points(infusions[missed], "infusion missed", "due_minute", start),
        _points(visits[attended], "visit attended", "actual_minute", start),
        _points(visits[absent], "visit missed", "due_minute", start),
        _points(
            ends[ends["treatment_discontinued"]], "infusions stopped", "discontinued_minute", start
        ),
        *(
            _points(ends[ends[f"{name}_minute"].notna()], name, f"{name}_minute", start)
            for name in BEGUN.values()
            if f"{name}_minute" in ends
        ),
        *(
            _points(ends[ends["status"] == status], status, "ended_minute", start)
            for status in ("withdrawn", "died")
        ),
    ]
    return concat([part for part in parts if len(part)], ignore_index=True)


@styled
def lanes_figure(trials: Trials, patients: int = MOST, width: float = WIDTH) -> Drawing:
    """Draw the lanes of the first patients, in order of randomisation."""
    data = lanes_data(trials, patients)
    subjects = sorted(data["subject"].unique())
    drawing, (axes,) = page(
        f"Swimmer plot of the first {len(subjects)} patients of a trial",
        trials.caption(),
        width,
        2.0 + 0.14 * len(subjects),
    )
    arms = list(trials.scenario.design.arms)
    colours = dict(zip(arms, shades(len(arms)), strict=True))
    whole = data[data["event"] == "in the trial"]
    _add_lines(axes, whole, "#b5b5b5", 0.8, "in the trial")
    given = data[data["event"] == "infusions given"]
    for arm in arms:
        _add_lines(
            axes, given[given["arm"] == arm], colours[arm], 4.2, f"infusions, {in_words(arm)}"
        )
    for event, marks in _MARKS.items():
        one = data[data["event"] == event]
        if len(one):
            style = {"color": INK, "markersize": 4, "linestyle": "none", **marks}
            axes.plot(one["start"], one["subject"], label=event, markeredgewidth=0.8, **style)
    axes.set_ylim(max(subjects) + 1, 0)
    axes.set_yticks([one for one in subjects if one == 1 or one % 5 == 0])
    axes.margins(x=0.02)
    axes.set_xlabel("days since randomisation")
    axes.set_ylabel("patient, in order of randomisation")
    grid(axes, "x")
    legend_above(axes, width)
    return drawing


def _first(trials: Trials, table: DataFrame, patients: int) -> DataFrame:
    """Return the rows of the first trial and its first patients."""
    mine = table[table["replicate"] == trials.replicates[0]]
    return mine[mine["subject"] <= patients] if "subject" in mine else mine


def _spans(table: DataFrame, event: str, origin: Any, start: Any, end: Any) -> DataFrame:
    subjects = table["subject"].to_numpy()
    begin, stop = (((one - origin) / DAY).loc[subjects].to_numpy(float) for one in (start, end))
    told = {"subject": subjects, "arm": table["arm"].astype(str).to_numpy(), "event": event}
    return DataFrame({**told, "start": begin, "end": stop})


def _points(table: DataFrame, event: str, column: str, origin: Any) -> DataFrame:
    since = table[column].to_numpy(float) - origin.loc[table["subject"]].to_numpy(float)
    told = {"subject": table["subject"].to_numpy(), "arm": table["arm"].astype(str).to_numpy()}
    return DataFrame({**told, "event": event, "start": since / DAY, "end": since / DAY})


def _runs(infusions: DataFrame, origin: Any) -> DataFrame:
    """Return infusions given in a row as one span, half a day longer at each end."""
    given = infusions["status"] == "given"
    begins = given & ~given.groupby(infusions["subject"]).shift(1, fill_value=False)
    points = _points(infusions[given], "infusions given", "start_minute", origin)
    run = begins[given].cumsum().to_numpy()
    spans = points.groupby(run, as_index=False).agg(
        {"subject": "first", "arm": "first", "event": "first", "start": "min", "end": "max"}
    )
    return spans.assign(start=spans["start"] - 0.4, end=spans["end"] + 0.4)


def _add_lines(axes: Axes, spans: DataFrame, colour: str, width: float, label: str) -> None:
    places = spans[["start", "subject", "end", "subject"]].to_numpy(np.float64)
    lines = LineCollection(list(places.reshape(-1, 2, 2)), colors=colour, linewidths=width)
    lines.set_capstyle("butt")
    lines.set_label(label)
    axes.add_collection(lines)

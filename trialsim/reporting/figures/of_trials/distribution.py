"""The distribution of a score by arm and visit, which on a bounded scale is often U-shaped."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from pandas import DataFrame

from trialsim.arrays import Floats
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import INK, SHADED, WIDTH, legend_above, page, styled
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.words.labels import in_words

_INNER: Final = 6
"""Groups of scores between the two ends of a scale."""
_DARK: Final = 1.5
"""Sum of red, green and blue below which writing is white."""
_DEAD: Final = (0.0, 0.0, 0.0, 1.0)
"""Black, which no score is."""
_WRITTEN: Final = 0.07
"""Shares from which on there is room for a number."""


def distribution_data(trials: Trials, outcome: str | None = None) -> DataFrame:
    """Return a row for each visit, arm and group of scores: low, high, patients, share.

    The ends of the scale stand alone; between them are groups of equally many scores. Where
    patients may die, the dead are a group without scores, and shares are of the seen and the dead.
    """
    name = trials.outcome(outcome)
    scale = trials.scenario.outcomes[name].grid
    scores = trials.scores(name)
    scores = scores.assign(cell=scale.cell_of(scores["score"].to_numpy()))
    groups = cell_groups(scale.steps)
    dead = trials.dead() if trials.may_die else {}
    rows: list[dict[str, Any]] = []
    for (visit, arm), cells in scores.groupby(["visit", "arm"], observed=True)["cell"]:
        for first, last in groups:
            low, high = scale.score_of(np.array([first, last], np.float64)).tolist()
            patients = int(cells.between(first, last).sum())
            rows.append(
                {"visit": visit, "arm": arm, "low": low, "high": high, "patients": patients}
            )
        if dead:
            ends = {"low": math.nan, "high": math.nan, "patients": dead[str(visit), str(arm)]}
            rows.append({"visit": visit, "arm": arm, **ends})
    table = DataFrame(rows)
    counted = table.groupby(["visit", "arm"], observed=True)["patients"].transform("sum")
    return table.assign(share=table["patients"] / counted)


def cell_groups(steps: int) -> list[tuple[int, int]]:
    """Return the two end cells of a scale, and between them groups of equally many, first to last.

    >>> cell_groups(57)
    [(0, 0), (1, 10), (11, 20), (21, 30), (31, 40), (41, 50), (51, 56), (57, 57)]
    >>> cell_groups(1)
    [(0, 0), (1, 1)]
    """
    size = max(math.ceil((steps - 1) / _INNER), 1)
    inner = [(first, min(first + size, steps) - 1) for first in range(1, steps, size)]
    return [(0, 0), *inner, (steps, steps)]


_HEIGHT: Final = 0.66
"""Of a bar; what is left has the lines between the arms of a visit."""


@styled
def distribution_figure(
    trials: Trials, outcome: str | None = None, width: float = WIDTH
) -> Drawing:
    """Draw a bar of 100% for each visit and arm, stacked from the lowest score to the highest.

    The best score is the lightest; a score that nobody has is not in the legend. The dead, where
    patients may die, stand at the worse end.
    """
    scale = trials.scenario.outcomes[trials.outcome(outcome)]
    data = distribution_data(trials, outcome)
    of_whom = "seen at the visit or dead" if trials.may_die else "seen at the visit"
    visits, arms = list(dict.fromkeys(data["visit"])), list(trials.scenario.design.arms)
    drawing, (axes,) = page(
        f"{scale.label}, distribution by arm and visit",
        trials.caption(f"Shares of those {of_whom}, written from {_WRITTEN:.0%} on."),
        width,
        1.8 + len(visits) * (0.3 * len(arms) + 0.1),
    )
    rows = [(visit, arm) for visit in visits for arm in arms]
    places = [row + 0.4 * (row // len(arms)) for row in range(len(rows))]
    alive, dead = data[data["low"].notna()], data[data["low"].isna()]
    groups = alive.groupby(["low", "high"], as_index=False)["patients"].sum()
    occurs = (groups["patients"] > 0).to_numpy()
    ends = groups.loc[occurs, ["low", "high"]].to_numpy().tolist()
    shares = alive.set_index(["visit", "arm", "low"])["share"]
    stacked = [[float(shares.get((*row, low), 0.0)) for row in rows] for low, _ in ends]
    lightest_is_best = np.linspace(0, 1, len(groups))[:: scale.sign]
    colours = [colormaps[SHADED](share) for share in lightest_is_best[occurs].tolist()]
    labels = [_told(low, high) for low, high in ends]
    if dead["patients"].sum() > 0:
        at = 0 if scale.better == "higher" else len(labels)
        of_dead = dead.set_index(["visit", "arm"])["share"]
        stacked.insert(at, [float(of_dead.get(row, 0.0)) for row in rows])
        colours.insert(at, _DEAD)
        labels.insert(at, "dead")
    _stack(axes, places, stacked, colours)
    _connect(axes, places, np.cumsum(stacked, axis=0)[:-1], len(arms))
    axes.set_yticks(places, [f"{in_words(visit)}, {in_words(arm)}" for visit, arm in rows])
    axes.set_ylim(max(places) + 0.6, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"patients {of_whom} (%)")
    handles = [
        Patch(facecolor=colour, edgecolor=INK, linewidth=0.4, label=label)
        for label, colour in zip(labels, colours, strict=True)
    ]
    legend_above(axes, width, handles, f"score ({scale.unit}, {scale.better} is better)")
    return drawing


def _stack(
    axes: Axes,
    places: Sequence[float],
    stacked: Sequence[Sequence[float]],
    colours: Sequence[tuple[float, ...]],
) -> None:
    """Draw the shares of each group of scores, a bar for each place, one group upon the other."""
    bars: dict[str, Any] = {"height": _HEIGHT, "edgecolor": "white", "linewidth": 0.6}
    words: dict[str, Any] = {"ha": "center", "va": "center", "size": 6.8}
    left = np.zeros(len(places))
    for shares, colour in zip(stacked, colours, strict=True):
        axes.barh(places, shares, left=left, color=colour, **bars)
        ink = "white" if sum(colour[:3]) < _DARK else "black"
        for start, share, place in zip(left.tolist(), shares, places, strict=True):
            if share >= _WRITTEN:
                axes.text(start + share / 2, place, f"{share:.0%}", color=ink, **words)
        left += shares


def _connect(axes: Axes, places: Sequence[float], ends: Floats, arms: int) -> None:
    """Join the ends of each group of scores in the bars of one visit, as Grotta bars are joined."""
    for row in range(len(places) - 1):
        if (row + 1) % arms:
            between = places[row] + _HEIGHT / 2, places[row + 1] - _HEIGHT / 2
            for before, after in ends[:, row : row + 2]:
                axes.plot((before, after), between, color=INK, linewidth=0.5)


def _told(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"

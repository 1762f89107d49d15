"""The graph by which analyses share the level: who has how much of it, and who inherits it."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.text import Text
from pandas import DataFrame

from trialsim.errors import InputError, Problem
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import broken
from trialsim.reporting.figures.canvas.style import INK, SHADES, WIDTH, page, styled
from trialsim.reporting.tables.captions import caption_of_study
from trialsim.scenario.plan.multiplicity import GraphPlan
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words

_ROW: Final = 1.25
"""Inches between rows of analyses."""
_LETTERS: Final = 1.7
"""Of a name before it is broken, for an inch of the figure's width."""


def graph_data(study: Scenario) -> DataFrame:
    """Return a row for each arrow, and for each analysis that begins with a share of the level.

    Columns: analysis (from which), to (which inherits; empty for a weight), share.
    """
    graph = _graph(study)
    weights = [(name, "", share) for name, share in graph.weights.items() if share]
    arrows = [
        (name, to, share)
        for name, row in graph.transitions.items()
        for to, share in row.items()
        if share
    ]
    return DataFrame([*weights, *arrows], columns=["analysis", "to", "share"])


@styled
def graph_figure(study: Scenario, width: float = WIDTH) -> Drawing:
    """Draw the analyses in rows, by how many must be rejected before any level can reach them."""
    rows = _rows(_graph(study))
    drawing, (axes,) = page(
        f"How the level of {study.analysis.alpha:g} is shared",
        caption_of_study(
            study,
            "In a box: an analysis, and its share of the level before anything is rejected. "
            "On an arrow: the share of its level that a rejected analysis passes on.",
        ),
        width,
        _ROW * len(rows) + 1.0,
    )
    places = {
        name: ((place + 1) / (len(row) + 1) * width, -_ROW * depth)
        for depth, row in enumerate(rows)
        for place, name in enumerate(row)
    }
    data = graph_data(study)
    arrows = data[data["to"] != ""]
    weights = dict(zip(data["analysis"][data["to"] == ""], data["share"], strict=False))
    boxes = {}
    for name, place in places.items():
        boxes[name] = _analysis(axes, place, _worded(name, weights.get(name, 0.0), width))
    for name, to, share in arrows.itertuples(index=False):
        _arrow(axes, boxes[name], boxes[to], f"{share:.2g}")
    axes.set_xlim(0.0, width)
    axes.set_ylim(-_ROW * (len(rows) - 0.4), 0.6 * _ROW)
    axes.set_aspect("equal")
    axes.axis("off")
    return drawing


def _graph(study: Scenario) -> GraphPlan:
    graph = study.analysis.multiplicity
    if not isinstance(graph, GraphPlan):
        rule = "must be a graph (procedure: graph) for this figure"
        raise InputError([Problem("analysis.multiplicity", rule, graph.procedure)])
    return graph


def _rows(graph: GraphPlan) -> list[list[str]]:
    """Return the analyses by how many arrows away they are from one that has a weight."""
    rows = [[name for name, share in graph.weights.items() if share]]
    seen = set(rows[0])
    while rows[-1]:
        passed = (graph.transitions.get(name, {}) for name in rows[-1])
        reached = dict.fromkeys(to for row in passed for to, share in row.items() if share)
        rows.append([name for name in reached if name not in seen])
        seen |= set(rows[-1])
    return rows[:-1]


def _worded(name: str, weight: float, width: float) -> str:
    return f"{broken(in_words(name), round(_LETTERS * width))}\n{weight:.2g}"


def _analysis(axes: Axes, place: tuple[float, float], text: str) -> Text:
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": INK, "linewidth": 1.0}
    return axes.text(
        *place, text, ha="center", va="center", size=7.5, color=INK, bbox=box, zorder=1
    )


def _arrow(axes: Axes, first: Text, second: Text, share: str) -> None:
    """Draw an arrow between boxes that bends to its left, so that one back lies beside it."""
    begin, end = first.get_position(), second.get_position()
    across, down = end[0] - begin[0], end[1] - begin[1]
    bend = 0.3 if begin[1] == end[1] else 0.2
    axes.annotate(
        "",
        xy=end,
        xytext=begin,
        arrowprops={
            "arrowstyle": "-|>",
            "color": SHADES[0],
            "linewidth": 0.9,
            "patchA": first.get_bbox_patch(),
            "patchB": second.get_bbox_patch(),
            "shrinkA": 1,
            "shrinkB": 2,
            "connectionstyle": f"arc3,rad={bend}",
        },
        zorder=2,  # after the boxes, at whose edges it ends
    )
    where = (
        begin[0] + 0.5 * (across + bend * down),
        begin[1] + 0.5 * (down - bend * across),
    )
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    axes.text(
        *where, share, ha="center", va="center", size=6.5, color=SHADES[0], bbox=box, zorder=3
    )

"""One look for every figure, which grey printing and colour blindness take nothing from.

What differs in colour differs in lightness too, and in line style, marker or hatch. A figure is
drawn from matplotlib's defaults and this style alone, whatever a notebook has set.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from textwrap import fill
from typing import Any, Final, ParamSpec

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import blended_transform_factory
from pandas import DataFrame

from trialsim.reporting.figures.canvas.drawing import Drawing, any_letters

NORMAL: Final = 1.959963984540054
"""Standard errors that a 95% interval reaches to either side."""
WIDTH: Final = 7.0
"""Inches, of a figure across a page."""
INK: Final = "#222222"
PALE: Final = "#c9c9c9"
SHADES: Final = ("#1d2f6f", "#a13a6b", "#3f958c", "#f2a33a")
"""From dark to light, so that their order stays in grey."""
LINES: Final = ("-", "--", "-.", ":")
MARKERS: Final = ("o", "s", "^", "D")
HATCHES: Final = ("", "////", "\\\\\\\\", "xxxx")
"""Lines alone: a hatch of dots makes a large file."""
SHADED: Final = "cividis"
"""The colour map for quantities: from dark to light, also for the colour-blind."""
STYLE: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "hatch.linewidth": 0.6,
    "legend.borderaxespad": 0.2,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a label is a dollar
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
_LETTERS: Final = 11.3
"""That an inch of the title holds; the caption's are smaller."""
_CAPTION_LETTERS: Final = 19.0
_LEGEND_LETTERS: Final = 15.0
_SPARE: Final = 0.1
"""Inches on the right, for half of a tick's label that comes or goes with the width."""
_SYMBOL: Final = 6
"""Letters' room that a symbol of the legend takes, with the space around it."""

P = ParamSpec("P")


def styled(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """Let a function draw in this style and leave the caller's as it was."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        with style.context(STYLE, after_reset=True), any_letters():
            drawing = draw(*args, **kwargs)
            if layout := drawing.get_layout_engine():
                layout.execute(drawing)
                drawing.set_layout_engine("none")  # laid out again, it would move by a hair
        return drawing

    return drawn


def page(
    title: str, caption: str, width: float, height: float, rows: int = 1, **options: Any
) -> tuple[Drawing, Sequence[Axes]]:
    """Return a drawing with a title above and a caption below, and its axes from the top.

    A narrow one is somewhat taller, since its words take more lines.
    """
    taller = 0.3 * max(WIDTH - width, 0.0)
    room = (0.0, 0.0, 1.0 - _SPARE / width, 1.0)
    layout = ConstrainedLayoutEngine(rect=room, h_pad=0.06, w_pad=0.06)
    drawing = Drawing(title, caption, figsize=(width, height + taller), layout=layout)
    begin = {"left": 0.01}  # a legend that starts at the edge keeps the room left of the axes
    axes = drawing.subplots(rows, 1, squeeze=False, gridspec_kw=begin, **options)[:, 0].tolist()
    wrapped = fill(title, int(width * _LETTERS))
    drawing.suptitle(wrapped, x=0.012, ha="left", size=10, weight="bold", color=INK)
    small = fill(caption, int(width * _CAPTION_LETTERS))
    drawing.supxlabel(small, x=0.012, ha="left", size=6.8, color="#555555")
    return drawing, axes


def grid(axes: Axes, which: str) -> None:
    """Draw faint lines across an axis, "x" or "y"."""
    lines = axes.xaxis if which == "x" else axes.yaxis
    lines.grid(True, color="#e3e3e3", linewidth=0.7)


def beside_rows(axes: Axes, names: Sequence[str], told: Sequence[str]) -> None:
    """Name rows at the left, from the top, and say what each of them shows at the right."""
    places = range(len(names))
    values = axes.secondary_yaxis("right")
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    values.set_yticks(places, told)
    for side in (axes, values):
        side.tick_params(axis="y", length=0)
    values.spines["right"].set_visible(False)


def to_ends(data: DataFrame, of: str, low: str = "low", high: str = "high") -> list[Any]:
    """Return how far an interval reaches from its middle, downwards and upwards."""
    return [data[of] - data[low], data[high] - data[of]]


def shades(count: int) -> list[str]:
    """Return so many colours, as far apart in lightness as they can be.

    >>> shades(2)
    ['#1d2f6f', '#f2a33a']
    """
    last = len(SHADES) - 1
    return [SHADES[round(place * last / max(count - 1, 1)) % len(SHADES)] for place in range(count)]


def legend_above(
    axes: Axes, width: float, handles: Sequence[Artist] | None = None, title: str | None = None
) -> None:
    """Put the legend above the axes, in as many columns as the width has room for."""
    shown = list(handles) if handles is not None else axes.get_legend_handles_labels()[0]
    if not shown:
        return
    labels = [str(handle.get_label()) for handle in shown]
    room = int((width - 0.2) * _LEGEND_LETTERS)
    columns = next(n for n in range(len(labels), 0, -1) if n == 1 or _legend(labels, n) <= room)
    axes.legend(
        handles=shown,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=blended_transform_factory(axes.figure.transFigure, axes.transAxes),
        ncols=columns,
        title=title,
        alignment="left",
        columnspacing=1.4,
    )


def _legend(labels: Sequence[str], columns: int) -> int:
    """Return the letters that a legend is wide, filled column by column.

    >>> _legend(["a", "bcd", "ef"], 2)
    17
    """
    longer, shorter = len(labels) % columns, len(labels) // columns
    left, total = list(labels), 0
    for column in range(columns):
        count = shorter + (column < longer)
        total += max(map(len, left[:count])) + _SYMBOL
        left = left[count:]
    return total

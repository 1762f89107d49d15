"""Which assumption matters most: each varied alone, the widest bar on top."""

from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from pandas import DataFrame

from trialsim.errors import InputError, Problem
from trialsim.questions.what_if.what_if import WhatIf
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import QUANTITIES, broken
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
from trialsim.reporting.figures.of_designs.forest import check_quantity, differences_data
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.programme import value_at
from trialsim.scenario.validation.problems import as_written
from trialsim.scenario.words.labels import path_in_words, spoken

_SIDES: Final = ("lower value than the base", "higher value than the base", "another value")


def tornado_data(result: WhatIf, quantity: str = "power") -> DataFrame:
    """Return a row for each path and value that was varied alone, the widest path first.

    Columns: path, setting, side (lower, higher or other than the base's), value, difference, low,
    high, and swing, the distance that the path's values span, the base among them.

    Raises
    ------
    InputError
        If no path was varied alone, or the quantity is not compared.
    """
    check_quantity(quantity)
    base = result.rows[0].scenario
    differences = differences_data(result, quantity)
    rows: list[dict[str, Any]] = []
    for place, row in enumerate(result.rows[1:]):
        if len(row.alternative.changes) == 1:
            (path,) = row.alternative.changes
            setting = value_at(row.scenario, path)
            side = _side(setting, value_at(base, path))
            told = {"path": path, "setting": as_written(setting), "side": side}
            measured = differences.loc[place, ["value", "difference", "low", "high"]]
            rows.append(told | dict(measured))
    if not rows:
        raise InputError([Problem("changes", "must vary each path alone, for a tornado")])
    table = DataFrame(rows)
    spans = table.groupby("path")["difference"].agg(["min", "max"])
    swing = spans["max"].clip(lower=0) - spans["min"].clip(upper=0)
    table["swing"] = table["path"].map(swing)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


@styled
def tornado_figure(result: WhatIf, quantity: str = "power", width: float = WIDTH) -> Drawing:
    """Draw a bar from the base to each value's result, a row for each path."""
    data = tornado_data(result, quantity)
    paths = list(dict.fromkeys(data["path"]))
    base, study = float(result.frame.iloc[0][quantity]), result.rows[0].scenario
    drawing, (axes,) = page(
        f"Assumptions varied one at a time, {result.scenario}",
        caption_of(result, "Thin lines are 95% intervals of the outermost, paired with the base."),
        width,
        1.7 + 0.5 * len(paths),
    )
    colours = dict(zip(_SIDES, [*shades(2), "#9a9a9a"], strict=True))
    hatches = dict(zip(_SIDES, HATCHES, strict=False))
    for bar in data.sort_values("difference", key=abs, ascending=False).to_dict("records"):
        at, colour, hatch = paths.index(bar["path"]), colours[bar["side"]], hatches[bar["side"]]
        style: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.5, "height": 0.6}
        axes.barh(at, bar["difference"], left=base, color=colour, hatch=hatch, **style)
    _add_settings(axes, data, paths, base)
    axes.axvline(base, color=INK, linewidth=1.0)
    axes.set_yticks(
        range(len(paths)),
        [broken(spoken(path_in_words(path, study)), int(width * 5)) for path in paths],
    )
    axes.set_ylim(len(paths) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"{QUANTITIES[quantity]}; base {base:.4g}")
    axes.margins(x=0.14)
    grid(axes, "x")
    handles = [
        Patch(facecolor=colours[side], hatch=hatches[side], edgecolor=INK, label=side)
        for side in _SIDES
        if (data["side"] == side).any()
    ]
    legend_above(axes, width, handles)
    return drawing


def _add_settings(axes: Axes, data: DataFrame, paths: list[str], base: float) -> None:
    """Write the values of each path beside its bars, and draw the intervals of the outermost."""
    for path, bars in data.groupby("path"):
        at, gain = paths.index(str(path)), bars["difference"] >= 0
        for side, better in ((bars[gain], True), (bars[~gain], False)):
            if side.empty:
                continue
            ordered = side.sort_values("difference")
            low, high = ordered[["low", "high"]].to_numpy()[-1 if better else 0] + base
            axes.plot([low, high], [at, at], color=INK, linewidth=1.0)
            axes.annotate(
                ", ".join(ordered["setting"]),
                (high if better else low, at),
                (4 if better else -4, 0),
                textcoords="offset points",
                ha="left" if better else "right",
                va="center",
                size=7.5,
            )


def _side(setting: Any, base: Any) -> str:
    numbers = all(isinstance(one, int | float) for one in (setting, base))
    if not numbers or isinstance(setting, bool):
        return _SIDES[2]
    return _SIDES[0] if setting < base else _SIDES[1]

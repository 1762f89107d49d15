"""The true value of each estimand, and what the analyses that are for it find on average."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.analysis.potential import variable_of
from trialsim.questions.estimands.result import Analysed, Estimands
from trialsim.replicates.estimands import analyses_of
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    MARKERS,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.stats.monte_carlo import Mean

_NORMAL: Final = 1.959963984540054
_TRUE: Final = "true value"


def truths_data(result: Estimands) -> DataFrame:
    """Return a row for each estimand, `of` its true value, and for each analysis that is for it.

    Columns: estimand, of, value, mcse, low, high; the ends are of the 95% Monte Carlo interval.
    What has no value, such as the effect in an empty stratum, has no row.
    """
    plan = result.study.analysis
    rows = []
    for name in result.named:
        found = {_TRUE: result.truth_of(plan, name).mean}
        found |= {one.name: one.estimate for one in _comparable(result) if one.estimand == name}
        rows += [_row(name, of, one) for of, one in found.items() if np.isfinite(one.estimate)]
    return DataFrame(rows, columns=["estimand", "of", "value", "mcse", "low", "high"])


def _comparable(result: Estimands) -> list[Analysed]:
    """Return the analyses that summarise the primary variable as the primary analysis does."""
    primary, plans = result.study.analysis, analyses_of(result.study)
    return [
        one
        for one in result.analysed
        if one.quantity == primary.quantity and variable_of(plans[one.name]) == variable_of(primary)
    ]


def _row(estimand: str, of: str, found: Mean) -> dict[str, Any]:
    value, half = float(found.estimate), _NORMAL * float(found.mcse)
    ends = {"low": value - half, "high": value + half}
    return {"estimand": estimand, "of": of, "value": value, "mcse": float(found.mcse), **ends}


@styled
def truths_figure(result: Estimands, width: float = WIDTH) -> Drawing:
    """Draw the true value of each estimand, and beside it the mean estimates of its analyses."""
    data, named = truths_data(result), list(result.named)
    quantity = result.study.analysis.quantity
    caption = caption_of(
        result,
        "Bars are 95% Monte Carlo intervals; where there is none to see, it is narrower than the "
        "symbol. Each analysis stands in the row of the estimand that it is for.",
    )
    drawing, (axes,) = page(
        "True values of the estimands, and what analyses find",
        caption,
        width,
        1.5 + 0.4 * len(named),
    )
    _draw(axes, data, named)
    axes.axvline(quantity.null, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(named)), [spoken(name) for name in named])
    axes.set_ylim(len(named) - 0.5, -0.5)
    axes.set_xlabel(quantity.name)
    axes.margins(x=0.08)
    true = {row.estimand: f"{row.value:.3f}" for row in data.itertuples() if row.of == _TRUE}
    values = axes.secondary_yaxis("right")
    values.set_yticks(range(len(named)), [true.get(name, "no value") for name in named])
    for side in (axes, values):
        side.tick_params(axis="y", length=0)
    values.spines["right"].set_visible(False)
    grid(axes, "x")
    legend_above(axes, width)
    return drawing


def _draw(axes: Axes, data: DataFrame, named: list[str]) -> None:
    """Draw each series, the true values above, those of an estimand one under the other."""
    series = list(dict.fromkeys(data["of"]))
    colours = [INK, *shades(max(len(series) - 1, 1))]
    for place, of in enumerate(series):
        rows = data[data["of"] == of]
        y = [_height(data, named, one, of) for one in rows["estimand"]]
        axes.errorbar(
            rows["value"],
            y,
            xerr=[rows["value"] - rows["low"], rows["high"] - rows["value"]],
            fmt="D" if of == _TRUE else MARKERS[place % len(MARKERS)],
            color=colours[place],
            markerfacecolor=colours[place] if of == _TRUE else "white",
            markersize=5,
            capsize=2.5,
            label=of if of == _TRUE else f"{in_words(of)}, mean estimate",
        )


def _height(data: DataFrame, named: list[str], estimand: str, of: str) -> float:
    """Return where what is of an estimand stands: around its row, one under the other."""
    together = list(data[data["estimand"] == estimand]["of"])
    return named.index(estimand) + 0.22 * (together.index(of) - (len(together) - 1) / 2)

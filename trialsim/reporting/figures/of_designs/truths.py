"""The true value of each estimand, and what the analyses that are for it find on average."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.analysis.methods.registry import measurements
from trialsim.analysis.potential import Variable, variable_of
from trialsim.questions.estimands.result import Analysed, Estimands
from trialsim.replicates.estimands import analyses_of
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    NORMAL,
    WIDTH,
    beside_rows,
    grid,
    legend_above,
    page,
    shades,
    styled,
    to_ends,
)
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.words.labels import in_words, spoken
from trialsim.stats.monte_carlo import Mean

_TRUE: Final = "true value"
_ROOM: Final = 0.2
"""Of the width, for the name of what stands farthest to the right."""
_APART: Final = 0.36
"""Of a row, between what stands in it."""


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

    def variables(plan: AnalysisPlan) -> list[Variable]:
        return [variable_of(one) for one in measurements(plan)]

    primary, plans = result.study.analysis, analyses_of(result.study)
    return [
        one
        for one in result.analysed
        if one.quantity == primary.quantity and variables(plans[one.name]) == variables(primary)
    ]


def _row(estimand: str, of: str, found: Mean) -> dict[str, Any]:
    value, half = float(found.estimate), NORMAL * float(found.mcse)
    ends = {"low": value - half, "high": value + half}
    return {"estimand": estimand, "of": of, "value": value, "mcse": float(found.mcse), **ends}


def left_out_in_words(names: Iterable[str]) -> str:
    """Return a sentence on the analyses that estimate another quantity; none where all are shown.

    >>> left_out_in_words(["mixed_model"])
    'Left out, as it has another quantity or variable: mixed model.'
    """
    named = [in_words(name) for name in names]
    if not named:
        return ""
    why = "it has" if len(named) == 1 else "they have"
    return f"Left out, as {why} another quantity or variable: {', '.join(named)}."


@styled
def truths_figure(result: Estimands, width: float = WIDTH) -> Drawing:
    """Draw the true value of each estimand, and beside it the mean estimates of its analyses."""
    data, named = truths_data(result), list(result.named)
    quantity = result.study.analysis.quantity
    shown = {one.name for one in _comparable(result)}
    caption = caption_of(
        result,
        "Bars are 95% Monte Carlo intervals; where there is none to see, it is narrower than the "
        "symbol. Each analysis stands in the row of the estimand that it is for.",
        *filter(None, [left_out_in_words(one for one in _analyses(result) if one not in shown)]),
    )
    most = data.groupby("estimand").size().max()
    drawing, (axes,) = page(
        "True values of the estimands, and what analyses find",
        caption,
        width,
        1.4 + len(named) * max(0.17 * most, 0.34),
    )
    axes.axvline(quantity.null, color=INK, linewidth=0.8, linestyle=":")
    _draw(axes, data, named)
    axes.set_xlabel(quantity.name)
    true = {row.estimand: f"{row.value:.3f}" for row in data.itertuples() if row.of == _TRUE}
    beside_rows(axes, [*map(spoken, named)], [true.get(name, "no value") for name in named])
    grid(axes, "x")
    legend_above(axes, width)
    return drawing


def _analyses(result: Estimands) -> list[str]:
    """Return the names of the analyses that have a true value beside them."""
    return [one.name for one in result.analysed]


def _draw(axes: Axes, data: DataFrame, named: list[str]) -> None:
    """Draw true values and mean estimates, those of an estimand one under the other and named."""
    (colour, _) = shades(2)
    heights = np.array(
        [_height(data, named, *one) for one in zip(data["estimand"], data["of"], strict=True)]
    )
    is_true = (data["of"] == _TRUE).to_numpy()
    for which, label, symbol, ink, inside in (
        (is_true, _TRUE, "D", INK, INK),
        (~is_true, "mean estimate of an analysis", "o", colour, "white"),
    ):
        rows = data[which]
        axes.errorbar(
            rows["value"],
            heights[which],
            xerr=to_ends(rows, "value"),
            fmt=symbol,
            color=ink,
            markerfacecolor=inside,
            markersize=4.5,
            capsize=2.5,
            label=label,
        )
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + _ROOM * (high - low))
    for place in np.flatnonzero(~is_true):
        row = data.iloc[place]
        at = float(row["high"]), float(heights[place])
        axes.annotate(
            in_words(str(row["of"])),
            at,
            (5, 0),
            textcoords="offset points",
            va="center",
            size=7,
            color=colour,
        )


def _height(data: DataFrame, named: list[str], estimand: str, of: str) -> float:
    """Return where what is of an estimand stands: around its row, one under the other."""
    together = list(data[data["estimand"] == estimand]["of"])
    apart = min(_APART, 0.8 / len(together))
    return named.index(estimand) + apart * (together.index(of) - (len(together) - 1) / 2)

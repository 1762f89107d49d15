"""The bias of each analysis as more scores are missing or follow an event."""

from matplotlib.axes import Axes
from pandas import DataFrame

from trialsim.questions.estimands.missingness import Missingness
from trialsim.replicates.estimands import analyses_of
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    LINES,
    MARKERS,
    NORMAL,
    SHADES,
    WIDTH,
    grid,
    legend_above,
    page,
    styled,
    to_ends,
)
from trialsim.reporting.figures.of_designs.truths import left_out_in_words
from trialsim.reporting.tables.captions import caption_of
from trialsim.scenario.words.labels import in_words


def missingness_data(result: Missingness) -> DataFrame:
    """Return a row for each analysis and variant, by the share affected: bias, mcse, low, high.

    Analyses that estimate another quantity than the primary one, or have no true value, are left
    out, as their biases have another unit.
    """
    frame = result.to_frame()
    study = result.found[0].study
    alike = [
        name
        for name, plan in analyses_of(study).items()
        if plan.quantity == study.analysis.quantity
    ]
    kept = frame[frame["analysis"].isin(alike) & frame["bias"].notna()]
    table = kept[["analysis", "estimand", "variant", "affected", "bias"]].copy()
    table["mcse"] = kept["bias_mcse"]
    table = table.astype({"bias": float, "mcse": float})
    half = NORMAL * table["mcse"]
    table["low"], table["high"] = table["bias"] - half, table["bias"] + half
    order = {name: place for place, name in enumerate(alike)}
    return table.sort_values(
        ["analysis", "affected"], key=lambda one: one.map(order) if one.name == "analysis" else one
    ).reset_index(drop=True)


@styled
def missingness_figure(result: Missingness, width: float = WIDTH) -> Drawing:
    """Draw the bias of each analysis by the share of patients whose score is affected."""
    data, study = missingness_data(result), result.found[0].study
    shown = set(data["analysis"])
    whose = "each analysis is for" if result.estimand is None else in_words(result.estimand)
    caption = caption_of(
        result,
        "Across: those alive at the visit whose score there is missing or follows an event. Bars "
        "are 95% Monte Carlo intervals; all points are of the same trials, drawn a hair apart.",
        *filter(None, [left_out_in_words(one for one in analyses_of(study) if one not in shown)]),
    )
    drawing, (axes,) = page(f"Bias beside the estimand {whose}", caption, width, 3.8)
    _draw(axes, data)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set_xlabel("share of scores missing or after an event")
    log = "the logarithm of the " if study.analysis.quantity.is_ratio else ""
    axes.set_ylabel(f"bias of {log}{study.analysis.quantity.name}")
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def _draw(axes: Axes, data: DataFrame) -> None:
    """Draw a line for each analysis, each a hair to the right of the one before."""
    apart = 0.004 * (data["affected"].max() - data["affected"].min())
    for place, (analysis, rows) in enumerate(data.groupby("analysis", sort=False)):
        again = place // len(SHADES)
        axes.errorbar(
            rows["affected"] + apart * place,
            rows["bias"],
            to_ends(rows, "bias"),
            color=SHADES[place % len(SHADES)],
            linestyle=LINES[(place + again) % len(LINES)],
            marker=MARKERS[(place + again) % len(MARKERS)],
            markersize=4,
            elinewidth=0.7,
            capsize=2,
            label=in_words(str(analysis)),
        )

"""The distribution of estimates over simulated trials, with the truth and a published value."""

from typing import Any

import numpy as np
from matplotlib.ticker import LogFormatter
from pandas import DataFrame

from trialsim.errors import RunError
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
from trialsim.reporting.tables.captions import caption_of


def estimate_data(result: PowerResult, bins: int = 40) -> DataFrame:
    """Return a row for each bin of estimates: low, high, trials, and how many reject in favour.

    Bins of a ratio are equally wide on the log scale; a ratio of 0 or infinity is left out.

    Raises
    ------
    RunError
        If no trial has an estimate.
    """
    estimates, rejected = result.columns["estimate"], result.columns["favoured"]
    known = np.isfinite(estimates)
    if result.quantity.is_ratio:
        known &= estimates > 0
    if not known.any():
        raise RunError("no trial has an estimate to draw")
    if result.quantity.is_ratio:
        edges = np.exp(np.histogram_bin_edges(np.log(estimates[known]), bins))
        edges[[0, -1]] = estimates[known].min(), estimates[known].max()
    else:
        edges = np.histogram_bin_edges(estimates[known], bins)
    trials, _ = np.histogram(estimates[known], edges)
    rejecting, _ = np.histogram(estimates[known & (rejected == 1)], edges)
    return DataFrame(
        {"low": edges[:-1], "high": edges[1:], "trials": trials, "rejecting": rejecting}
    )


@styled
def estimate_figure(
    result: PowerResult, published: float | None = None, width: float = WIDTH
) -> Drawing:
    """Draw the distribution of the estimate, with the truth and a published value if given."""
    data = estimate_data(result)
    drawing, (axes,) = page("Estimates of single trials", _caption(result, published), width, 3.6)
    dark, light = shades(2)
    size = data["high"] - data["low"]
    options: dict[str, Any] = {"width": size, "align": "edge", "edgecolor": INK, "linewidth": 0.4}
    axes.bar(
        data["low"],
        data["rejecting"],
        color=dark,
        label=f"rejects {result.shown}" if result.claim == "superiority" else result.shown,
        **options,
    )
    axes.bar(
        data["low"],
        data["trials"] - data["rejecting"],
        bottom=data["rejecting"],
        color=light,
        hatch=HATCHES[1],
        label="does not",
        **options,
    )
    axes.axvline(result.quantity.null, color=INK, linestyle=":", label="no effect")
    truth = float(result.truth.estimate)
    axes.axvline(truth, color="#d1495b", linewidth=2.2, label=f"true effect: {truth:.3g}")
    if published is not None:
        axes.plot(
            [published],
            [1.0],
            "v",
            color=INK,
            markersize=8,
            clip_on=False,
            transform=axes.get_xaxis_transform(),
            label=f"published: {published:.3g}",
        )
    if result.quantity.is_ratio:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(LogFormatter())  # plain numbers, not powers
        axes.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.set_xlabel(f"estimate of the {result.quantity.name}")
    axes.set_ylabel("simulated trials (number)")
    axes.set_ylim(0, 1.08 * float(data["trials"].max()))
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def _caption(result: PowerResult, published: float | None) -> str:
    estimates = result.columns["estimate"][np.isfinite(result.columns["estimate"])]
    low, high = np.quantile(estimates, [0.025, 0.975])
    told = [f"95% of trials estimate {low:.3f} to {high:.3f}; power {result.power:.4f}."]
    if published is not None:
        below = np.mean(estimates <= published)
        told.append(f"{below:.1%} of them estimate no more than what was published.")
    return caption_of(result, *told)

"""Patients randomised over time, and how far simulated trials of one design vary."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import INK, WIDTH, grid, legend_above, page, styled
from trialsim.reporting.figures.canvas.trials import Trials

_QUANTILES: Final = {
    "low_95": 0.025,
    "low_50": 0.25,
    "median": 0.5,
    "high_50": 0.75,
    "high_95": 0.975,
}
_MOST_DAYS: Final = 200


def recruitment_data(trials: Trials) -> DataFrame:
    """Return patients randomised by the end of each day shown: median and ranges over trials.

    Columns: day, low_95, low_50, median, high_50, high_95; the number of a complete trial
    stays. Days are counted from the trial's first, and at most 200 of them are shown.
    """
    subjects = trials.tables["subjects"]
    days = subjects["randomised_day"].to_numpy(np.int64)
    _, trial = np.unique(subjects["replicate"].to_numpy(), return_inverse=True)
    last = int(days.max())
    daily = np.zeros((len(trials.replicates), last + 1), np.int64)
    np.add.at(daily, (trial, days), 1)
    shown = np.unique(np.linspace(0, last, min(last + 1, _MOST_DAYS)).round().astype(np.int64))
    total = daily.cumsum(axis=1)[:, shown]
    ranges = np.quantile(total, list(_QUANTILES.values()), axis=0)
    return DataFrame({"day": shown, **dict(zip(_QUANTILES, ranges, strict=True))})


@styled
def recruitment_figure(trials: Trials, width: float = WIDTH) -> Drawing:
    """Draw cumulative recruitment, with ranges where there are several trials."""
    data = recruitment_data(trials)
    drawing, (axes,) = page("Recruitment", trials.caption(), width, 3.5)
    if len(trials.replicates) > 1:
        outer, inner = (("low_95", "high_95"), ("low_50", "high_50"))
        for (low, high), shade, share in ((outer, "#d5dbee", 95), (inner, "#8f9ecf", 50)):
            axes.fill_between(
                data["day"], data[low], data[high], color=shade, label=f"central {share}% of trials"
            )
    label = "median over trials" if len(trials.replicates) > 1 else "this trial"
    axes.step(data["day"], data["median"], where="post", color="#1d2f6f", label=label)
    planned = trials.scenario.design.patients
    axes.axhline(planned, color=INK, linestyle=":", label=f"planned: {planned:,}")
    for site in trials.scenario.operations.sites.values():
        axes.plot([site.activation_day] * 2, [0, 0.03 * planned], color=INK, linewidth=0.9)
    axes.plot([], [], color=INK, marker="|", linestyle="none", label="site activated")
    axes.set_xlabel("day of the trial")
    axes.set_ylabel("patients randomised (number)")
    axes.set_xlim(0, None)
    axes.set_ylim(0, None)
    grid(axes, "y")
    legend_above(axes, width)
    return drawing

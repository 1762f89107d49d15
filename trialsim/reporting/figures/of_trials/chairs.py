"""How many infusion chairs of a site are in use at each hour of the clinic's day."""

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from trialsim.clock import DAY, HOUR
from trialsim.errors import InputError, Problem, nearest
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


def chairs_data(trials: Trials, site: str | None = None) -> DataFrame:
    """Return a row for each hour of the day at a site, by default the one with most infusions.

    Columns: site, hour, days, mean (chairs in use), peak_median and peak_most (most in use at once
    within the hour, the median of days and the largest). Days without an infusion there are
    excluded; of several trials the days are pooled.

    Raises
    ------
    InputError
        If there is no such site.
    """
    infusions = trials.tables["infusions"]
    infusions = infusions[infusions["status"] == "given"]
    sites = trials.tables["subjects"][["replicate", "subject", "site"]]
    placed = infusions.merge(sites, on=["replicate", "subject"], how="left")
    known = list(trials.scenario.operations.sites)
    if site is None:
        site = str(placed["site"].value_counts().idxmax())
    if site not in known:
        rule = f"must be a site of the study{nearest(site, known)}"
        raise InputError([Problem("site", rule, site)])
    here = placed[placed["site"] == site]
    minutes = trials.scenario.operations.infusion_minutes
    used = [
        _in_use(one["start_minute"].to_numpy(np.int64), minutes)
        for _, one in here.groupby("replicate")
    ]
    by_hour = np.concatenate([np.zeros((0, DAY // HOUR, HOUR)), *used])
    by_hour = by_hour[by_hour.any(axis=(1, 2))]
    if not len(by_hour):
        by_hour = np.zeros((1, DAY // HOUR, HOUR))
    peaks = by_hour.max(axis=2)
    return DataFrame(
        {
            "site": site,
            "hour": np.arange(DAY // HOUR),
            "days": len(by_hour) if len(here) else 0,
            "mean": by_hour.mean(axis=(0, 2)),
            "peak_median": np.median(peaks, axis=0),
            "peak_most": peaks.max(axis=0),
        }
    )


@styled
def chairs_figure(trials: Trials, site: str | None = None, width: float = WIDTH) -> Drawing:
    """Draw chairs in use by hour: the mean, the busiest day, and how many chairs there are."""
    data = chairs_data(trials, site)
    operations = trials.scenario.operations
    days = int(data["days"].iloc[0])
    drawing, (axes,) = page(
        f"Infusion chairs in use at {in_words(data['site'].iloc[0])}",
        trials.caption(f"Over the {days:,} days with an infusion there."),
        width,
        3.4,
    )
    dark, light = shades(2)
    options: dict[str, Any] = {"align": "edge", "edgecolor": INK, "linewidth": 0.4}
    shown = data[data["peak_most"].cumsum().gt(0) & data["peak_most"][::-1].cumsum()[::-1].gt(0)]
    axes.bar(
        shown["hour"],
        shown["peak_most"],
        width=1.0,
        color=light,
        hatch="////",
        label="maximum at once, on any day",
        **options,
    )
    axes.bar(
        shown["hour"] + 0.2, shown["mean"], width=0.6, color=dark, label="mean over days", **options
    )
    chairs = operations.infusion_chairs_per_site
    if chairs is not None:
        axes.axhline(chairs, color=INK, linestyle="--", label=f"chairs at the site: {chairs}")
    for hour in (operations.clinic_opens_hour, operations.clinic_closes_hour):
        axes.axvline(hour, color=INK, linestyle=":", linewidth=0.9)
    axes.plot([], [], color=INK, linestyle=":", linewidth=0.9, label="clinic opens, last start")
    axes.set_xlabel("hour of the day")
    axes.set_ylabel("chairs in use (number)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def _in_use(starts: np.ndarray, minutes: int) -> np.ndarray:
    """Return chairs in use at each minute, shape (day, hour, minute)."""
    first = starts.min() // DAY * DAY
    days = (starts.max() + minutes - first) // DAY + 1
    change = np.zeros(days * DAY + 1, np.int64)
    np.add.at(change, starts - first, 1)
    np.add.at(change, starts - first + minutes, -1)
    return change[:-1].cumsum().reshape(days, DAY // HOUR, HOUR)

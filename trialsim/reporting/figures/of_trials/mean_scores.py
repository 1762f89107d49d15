"""Mean scores by arm and visit, with their intervals."""

import numpy as np
import scipy  # its parts load when they are first used
from pandas import DataFrame

from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    LINES,
    MARKERS,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.figures.canvas.trials import Trials


def mean_scores_data(trials: Trials, outcome: str | None = None) -> DataFrame:
    """Return a row for each visit and arm: days since onset, patients, mean, sd, low, high.

    Of several trials the patients are put together. The 95% interval is Student's.
    """
    scores = trials.scores(trials.outcome(outcome))
    groups = scores.groupby(["visit", "arm"], observed=True)
    table = groups.agg(
        days_since_onset=("days_since_onset", "mean"),
        patients=("score", "size"),
        mean=("score", "mean"),
        sd=("score", "std"),
    ).reset_index()
    freedom = np.maximum(table["patients"] - 1, 1)
    half = scipy.special.stdtrit(freedom, 0.975) * table["sd"] / np.sqrt(table["patients"])
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)


@styled
def mean_scores_figure(trials: Trials, outcome: str | None = None, width: float = WIDTH) -> Drawing:
    """Draw the mean score of each arm over the time since onset."""
    name = trials.outcome(outcome)
    scale = trials.scenario.outcomes[name]
    data = mean_scores_data(trials, outcome)
    drawing, (axes,) = page(
        f"{scale.label}, mean by arm and visit",
        trials.caption(
            "Bars are 95% intervals of the mean of those seen at the visit; "
            f"{scale.better} is better."
        ),
        width,
        3.7,
    )
    arms = list(trials.scenario.design.arms)
    apart = _days_apart(data, len(arms))
    for place, (arm, colour) in enumerate(zip(arms, shades(len(arms)), strict=True)):
        one = data[data["arm"] == arm]
        aside = (place - (len(arms) - 1) / 2) * apart
        axes.errorbar(
            one["days_since_onset"] + aside,
            one["mean"],
            [one["mean"] - one["low"], one["high"] - one["mean"]],
            color=colour,
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            capsize=3,
            label=arm,
        )
    axes.set_xlabel("days since onset (mean of the visit)")
    axes.set_ylabel(f"mean ({scale.low:g} to {scale.high:g} {scale.unit})")
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def _days_apart(data: DataFrame, arms: int) -> float:
    """Return how far the points of one visit are set apart, so that no two visits mingle."""
    days = data.groupby("visit", observed=True)["days_since_onset"].mean().sort_values()
    widest = 0.01 * float(days.max())
    nearest = float(days.diff().min())
    return min(widest, 0.5 * nearest / arms) if np.isfinite(nearest) else widest

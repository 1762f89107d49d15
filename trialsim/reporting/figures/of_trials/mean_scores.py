"""Mean scores by arm and visit, with their intervals."""

import numpy as np
import scipy  # its parts load when they are first used
from matplotlib.transforms import ScaledTranslation
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
from trialsim.scenario.words.labels import in_words

_APART = 4.0
"""Points between the marks of two arms at one visit, which are of the same day."""


def mean_scores_data(trials: Trials, outcome: str | None = None) -> DataFrame:
    """Return a row for each visit and arm: days, patients, mean, sd, low, high and how many died.

    Of several trials the patients are pooled. The 95% interval is Student's. A mean is of those
    seen alive; `dead` had died by the visit.
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
    dead = trials.dead()
    died = [dead[visit, arm] for visit, arm in zip(table["visit"], table["arm"], strict=True)]
    return table.assign(low=table["mean"] - half, high=table["mean"] + half, dead=died)


def _of_the_dead(trials: Trials, data: DataFrame) -> str:
    """Return a sentence on those whom no mean holds, where patients may die."""
    if not trials.may_die:
        return ""
    last = data[data["visit"] == data["visit"].iloc[-1]]
    each = zip(last["dead"], last["arm"], strict=True)
    told = ", ".join(f"{count} ({in_words(arm)})" for count, arm in each)
    return f" Dead by the last visit, and in no mean: {told}."


@styled
def mean_scores_figure(trials: Trials, outcome: str | None = None, width: float = WIDTH) -> Drawing:
    """Draw the mean score of each arm over the time since onset."""
    name = trials.outcome(outcome)
    scale = trials.scenario.outcomes[name]
    data = mean_scores_data(trials, outcome)
    drawing, (axes,) = page(
        f"{scale.label}, mean by arm and visit",
        trials.caption(
            "Bars are 95% intervals of the mean of those seen, arms offset for legibility; "
            f"{scale.better} is better.{_of_the_dead(trials, data)}"
        ),
        width,
        3.7,
    )
    arms = list(trials.scenario.design.arms)
    for place, (arm, colour) in enumerate(zip(arms, shades(len(arms)), strict=True)):
        one = data[data["arm"] == arm]
        aside = (place - (len(arms) - 1) / 2) * _APART / 72
        drawn = axes.errorbar(
            one["days_since_onset"],
            one["mean"],
            [one["mean"] - one["low"], one["high"] - one["mean"]],
            color=colour,
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            capsize=3,
            label=in_words(arm),
        )
        offset = ScaledTranslation(aside, 0, drawing.dpi_scale_trans)
        for artist in drawn.get_children():
            artist.set_transform(axes.transData + offset)
    visits = data.groupby("visit", observed=True)["days_since_onset"].mean()
    if len(visits) == 1:  # no span of time: a day to either side, and one tick
        axes.set_xlim(visits.iloc[0] - 1, visits.iloc[0] + 1)
        axes.set_xticks([visits.iloc[0]], [f"{in_words(visits.index[0])}: {visits.iloc[0]:.0f}"])
    axes.set_xlabel("days since onset (mean of the visit)")
    axes.set_ylabel(f"mean ({scale.low:g} to {scale.high:g} {scale.unit})")
    grid(axes, "y")
    legend_above(axes, width)
    return drawing

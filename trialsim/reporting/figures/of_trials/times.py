"""Kaplan-Meier curves of a time to an event by arm, with the patients at risk."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator
from pandas import DataFrame, concat

from trialsim.analysis.data import Data
from trialsim.analysis.methods.time_to_event.times import days_of, times_of
from trialsim.errors import InputError, Problem
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    LINES,
    WIDTH,
    grid,
    legend_above,
    page,
    shades,
    styled,
)
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.plan import labelled
from trialsim.stats.time_to_event.at_risk import count_at_risk, kaplan_meier


@dataclass(frozen=True, slots=True)
class Timed:
    """An analysis that compares times, with its plan."""

    name: str
    plan: AnalysisPlan
    method: EventMethod


def timed(scenario: Scenario, analysis: str | None = None) -> Timed:
    """Return an analysis that compares times, the first of the plan unless told otherwise.

    Raises
    ------
    InputError
        If there is none.
    """
    found = {
        name: Timed(name, plan, plan.test)
        for name, plan in scenario.analysis.every.items()
        if isinstance(plan.test, EventMethod)
    }
    if not found:
        rule = (
            "must be of times to an event, as log_rank and restricted_mean are: the plan has none"
        )
        raise InputError([Problem("analysis", rule, analysis)])
    name = next(iter(found)) if analysis is None else analysis
    if name not in found:
        rule = f"must be an analysis of times to an event: {', '.join(found)}"
        raise InputError([Problem("analysis", rule, name)])
    return found[name]


def has_times(scenario: Scenario) -> bool:
    """Return whether any analysis of a study compares times."""
    return any(isinstance(one.test, EventMethod) for one in scenario.analysis.every.values())


def times_data(trials: Trials, analysis: str | None = None) -> DataFrame:
    """Return a row for each arm and day: patients at risk, events, and the share with an event.

    Of several trials the patients are pooled. The share is 1 less the Kaplan-Meier curve.
    """
    one = timed(trials.scenario, analysis)
    data = Data(trials.batch, one.plan)
    times, last = times_of(data, one.method), days_of(data, one.method.recovers)
    rows = []
    for arm, among in zip((one.plan.treated, one.plan.control), data.arms, strict=True):
        who = times.followed & among
        counts = count_at_risk(times.day[who], times.event[who], np.zeros(who.sum(), int), 1, last)
        rows.append(
            DataFrame(
                {
                    "arm": arm,
                    "day": np.arange(last),
                    "at_risk": counts.at_risk[0].astype(int),
                    "events": counts.events[0].astype(int),
                    "share": 1 - kaplan_meier(counts)[0],
                }
            )
        )
    return concat(rows, ignore_index=True)


@styled
def times_figure(trials: Trials, analysis: str | None = None, width: float = WIDTH) -> Drawing:
    """Draw the share of each arm with the event over the days, and how many are at risk."""
    one, data = timed(trials.scenario, analysis), times_data(trials, analysis)
    plan = labelled(one.plan, trials.scenario.outcomes)
    event = one.method.event_in_words(plan)
    title = f"Time to {event}"
    drawing, (axes, below) = page(
        title,
        trials.caption(
            "Curves are 1 less Kaplan and Meier's; below are the patients at risk. "
            f"{one.method.death_in_words(plan, '')}"
        ),
        width,
        4.2,
        2,
        height_ratios=[5, 1],
        sharex=True,
    )
    arms = [one.plan.treated, one.plan.control]
    for place, (arm, colour) in enumerate(zip(arms, shades(2), strict=True)):
        curve = data[data["arm"] == arm]
        axes.step(
            curve["day"],
            curve["share"],
            where="post",
            color=colour,
            linestyle=LINES[place % len(LINES)],
            label=in_words(arm),
        )
    axes.set_ylabel("share with the event")
    axes.set_ylim(0, max(0.05, min(1.0, 1.15 * float(np.nanmax(data["share"].fillna(0))))))
    grid(axes, "y")
    _numbers_at_risk(below, data, arms)
    legend_above(axes, width)
    return drawing


def _numbers_at_risk(axes: Axes, data: DataFrame, arms: list[str]) -> None:
    """Write how many of each arm are at risk on some days, a line for each arm."""
    last = int(data["day"].max())
    days = np.unique(np.linspace(0, last, 7).round().astype(int))
    axes.set_xlim(-0.02 * last, 1.03 * last)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    for place, arm in enumerate(arms):
        at_risk = data[data["arm"] == arm].set_index("day")["at_risk"]
        for day in days.tolist():
            axes.text(day, place, f"{at_risk[day]:,}", ha="center", va="center", size=8)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(arms)))))
    axes.yaxis.set_major_formatter(FixedFormatter([in_words(arm) for arm in arms]))
    axes.xaxis.set_major_locator(FixedLocator(days.tolist()))
    axes.tick_params(axis="y", length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("days since randomisation; patients at risk on them")

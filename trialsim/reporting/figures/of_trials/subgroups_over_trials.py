"""The mean effect in subgroups over simulated trials, with its scatter, as a forest plot."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.analysis.methods.subgroups.interaction import apart
from trialsim.analysis.primary import analyse_data
from trialsim.analysis.secondary import every_analysis
from trialsim.arrays import Booleans, Floats
from trialsim.errors import InputError, Problem
from trialsim.replicates.monitoring.spread import share_of
from trialsim.replicates.result import mean_of
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.labels import broken
from trialsim.reporting.figures.canvas.style import INK, WIDTH, beside_rows, grid, page, styled
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.reporting.figures.of_trials.subgroups import EVERYBODY, RULE
from trialsim.scenario.plan.choices import PRIMARY, Quantity
from trialsim.scenario.plan.methods.subgroups.interaction import OTHERS, Interaction

_LIMIT = 1.96
"""Standard errors that a 95% interval of a mean reaches to either side."""


def subgroups_over_trials_data(trials: Trials) -> DataFrame:
    """Return a row for everybody and for each subgroup, with how often its test rejects.

    `mean` with its Monte Carlo error `mcse`, of a ratio the geometric mean, and `low_of_trials` and
    `high_of_trials`, the central 95% of trials, are of the estimates. `rejecting` is the share of
    trials in which the row's analysis rejects, as the plan adjusts it; of the rows that a test of
    interaction compares, which `interaction` numbers from 1, it is that test's.

    Raises
    ------
    InputError
        If the study analyses no subgroup.
    """
    rows = list(_rows(trials))
    if len(rows) == 1:
        raise InputError([Problem("analysis.secondary", RULE)])
    return DataFrame(rows)


def _rows(trials: Trials) -> Iterator[dict[str, Any]]:
    batch, plans = trials.batch, trials.scenario.analysis.every
    found = every_analysis(batch, trials.scenario.analysis)
    first, known = plans[PRIMARY].quantity, set()
    tests = 0
    for name, one in found.items():
        plan = plans[name]
        if isinstance(plan.test, Interaction):
            tests += 1
            groups = apart(Data(batch, plan), plan.test)
            for label, data in zip((plan.test.subgroup.label, OTHERS), groups, strict=True):
                if data.plan.quantity == first:
                    estimate = analyse_data(data).estimate
                    known.add(label)
                    yield _row(label, name, estimate, first, one.rejected, tests)
        elif plan.quantity == first and (name == PRIMARY or plan.subgroup is not None):
            label = EVERYBODY if plan.subgroup is None else plan.subgroup.label
            if label not in known:
                known.add(label)
                yield _row(label, name, one.found.estimate, first, one.rejected, 0)


def _row(
    subgroup: str,
    analysis: str,
    estimates: Floats,
    quantity: Quantity,
    rejected: Booleans,
    interaction: int,
) -> dict[str, Any]:
    mean, share = mean_of(estimates, quantity), share_of(rejected.astype(np.float64))
    low, high = np.nanquantile(estimates, [0.025, 0.975])
    return {
        "subgroup": subgroup,
        "analysis": analysis,
        "trials": int(np.isfinite(estimates).sum()),
        "mean": float(mean.estimate),
        "mcse": float(mean.mcse),
        "low_of_trials": float(low),
        "high_of_trials": float(high),
        "interaction": interaction,
        "rejecting": float(share.estimate),
        "rejecting_mcse": float(share.mcse),
    }


@styled
def subgroups_over_trials_figure(trials: Trials, width: float = WIDTH) -> Drawing:
    """Draw the mean estimate in each subgroup, its error and scatter, and what tests reject."""
    data, quantity = subgroups_over_trials_data(trials), trials.scenario.analysis.quantity
    drawing, (axes,) = page(
        f"{quantity.name[0].upper()}{quantity.name[1:]} by subgroup, over trials",
        trials.caption(
            "Thin: central 95% of trials; thick: 95% Monte Carlo interval of the mean.",
            "Rejecting: share of trials in which the analysis, or the interaction, does.",
        ),
        width,
        1.7 + 0.4 * len(data),
    )
    places, colour = np.arange(len(data)), "#1d2f6f"
    axes.hlines(places, data["low_of_trials"], data["high_of_trials"], color=colour, linewidth=1)
    axes.hlines(places, *_limits(data, quantity), color=colour, linewidth=5, alpha=0.55)
    axes.plot(data["mean"], places, "D", color=colour, markersize=5, linestyle="none")
    axes.axvline(quantity.null, color=INK, linestyle=":")
    if quantity.is_ratio:
        axes.set_xscale("log")
    axes.set_xlabel(f"{quantity.name}; dotted: no effect")
    beside_rows(
        axes,
        [broken(name, int(width * 5)) for name in data["subgroup"]],
        [_told(row) for row in data.to_dict("records")],
    )
    grid(axes, "x")
    return drawing


def _limits(data: DataFrame, quantity: Quantity) -> tuple[Floats, Floats]:
    """Return the interval of each mean; the error of a ratio's is by the delta method."""
    mean, error = data["mean"].to_numpy(), _LIMIT * data["mcse"].to_numpy()
    if quantity.is_ratio:
        spread = np.exp(error / mean)
        return mean / spread, mean * spread
    return mean - error, mean + error


def _told(row: dict[Any, Any]) -> str:
    """Return the mean with its error, and what its analysis, or a test's first row, rejects."""
    told = f"{row['mean']:.3f} (MCSE {row['mcse']:.3f})"
    if row["interaction"] and row["subgroup"] == OTHERS:
        return told
    what = "interaction rejecting" if row["interaction"] else "rejecting"
    return f"{told}\n{what} {row['rejecting']:.3f} ({row['rejecting_mcse']:.3f})"

"""The effect by dose: what trials estimate, and the curves that their dose findings choose."""

from typing import Final

import numpy as np
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.analysis.methods.dose_finding.mcp_mod import DoseResponse, dose_response
from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.reporting.figures.canvas.drawing import Drawing
from trialsim.reporting.figures.canvas.style import (
    INK,
    SHADES,
    WIDTH,
    grid,
    legend_above,
    page,
    styled,
)
from trialsim.reporting.figures.canvas.trials import Trials
from trialsim.scenario.plan.methods.dose_finding.mcp_mod import McpMod
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

_POINTS: Final = 61


def dose_response_data(trials: Trials) -> DataFrame:
    """Return the estimate at each dose of the study, and the chosen curves along all doses.

    Columns: what (estimate or curve), dose, median, low, high, and trials, how many have one. Of
    one trial low and high are the interval of an estimate; of several all three are quantiles over
    trials, the central 95%.

    Raises
    ------
    InputError
        If the study looks for no target dose.
    """
    found = _found(trials)
    rows = [
        {"what": "estimate", "dose": dose, **_summary(found.estimate[:, place])}
        for place, dose in enumerate(found.doses)
    ]
    if len(found.estimate) == 1:
        for place, row in enumerate(rows):
            row |= {"low": float(found.low[0, place]), "high": float(found.high[0, place])}
    rows += [
        {"what": "curve", "dose": dose, **_summary(found.curve[:, place])}
        for place, dose in enumerate(found.along)
    ]
    return DataFrame(rows)


def _found(trials: Trials) -> DoseResponse:
    """Analyse the trials again, which come out the same by their addresses."""
    method = trials.scenario.analysis.test
    if not isinstance(method, McpMod) or method.target is None:
        rule = "must be mcp_mod with a target: the study fits no curve to its doses"
        raise InputError([Problem("analysis.test", rule, method.method)])
    replicates = range(trials.replicates[0], trials.replicates[-1] + 1)
    batch = simulate_batch(trials.scenario, Streams(trials.seed, replicates))
    return dose_response(Data(batch, trials.scenario.analysis), method, _POINTS)


def _summary(values: Floats) -> dict[str, float]:
    known = values[~np.isnan(values)]
    middle = np.quantile(known, [0.5, 0.025, 0.975]) if len(known) else np.full(3, np.nan)
    return dict(zip(("median", "low", "high"), middle.tolist(), strict=True)) | {
        "trials": len(known)
    }


@styled
def dose_response_figure(trials: Trials, width: float = WIDTH) -> Drawing:
    """Draw estimates by dose, and the curve of one trial or the scatter of those of several."""
    data, plan = dose_response_data(trials), trials.scenario.analysis
    assert isinstance(plan.test, McpMod)
    target = float(plan.test.target or 0.0)
    estimates, curve = (data[data["what"] == name] for name in ("estimate", "curve"))
    several, drawn = len(trials.replicates) > 1, int(curve["trials"].max())
    told = (
        f"Curves of the {drawn:,} trials in which a shape is significant; estimates of all. "
        "Bars and band: central 95% of trials."
        if several
        else f"Bars: {100 * plan.confidence:g}% intervals of the estimates, without a curve."
    )
    drawing, (axes,) = page("Effect by dose", trials.caption(told), width, 3.6)
    if drawn:
        if several:
            axes.fill_between(curve["dose"], curve["low"], curve["high"], color="#d5dbee")
        label = "curve, median" if several else "chosen curve"
        axes.plot(curve["dose"], curve["median"], color=SHADES[0], label=label)
    bars = [
        estimates["median"] - estimates["low"],
        estimates["high"] - estimates["median"],
    ]
    axes.errorbar(
        estimates["dose"],
        estimates["median"],
        yerr=np.abs(np.array(bars)),
        fmt="o",
        color=SHADES[1],
        capsize=2.5,
        label="estimate, median" if several else "estimate",
    )
    quantity = plan.quantity
    axes.axhline(quantity.null, color=INK, linestyle=":", label=f"no effect: {quantity.null:g}")
    axes.axhline(target, color=INK, linestyle="--", label=f"target: {target:g}")
    axes.set_xlabel(f"dose ({unit_of(trials)})")
    axes.set_ylabel(quantity.name)
    axes.set_xlim(0, None)
    grid(axes, "y")
    legend_above(axes, width)
    return drawing


def unit_of(trials: Trials) -> str:
    """Return the unit of the doses of a study."""
    design, plan = trials.scenario.design, trials.scenario.analysis
    return str(design.arms[plan.treated].dose_unit)

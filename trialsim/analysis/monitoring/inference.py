"""What is estimated when a trial that looks has ended."""

from typing import NamedTuple

import numpy as np

from trialsim.analysis.comparison import Comparison
from trialsim.analysis.monitoring.monitored import Monitored
from trialsim.arrays import Floats, Integers
from trialsim.scenario.monitoring.effect_scale import reported
from trialsim.stats.p_values import normal_p_value


class Estimated(NamedTuple):
    """An estimate and its interval as the plan reports them, each array of shape (replicate,)."""

    estimate: Floats
    low: Floats
    high: Floats


def last_comparison(monitored: Monitored, counts: Integers) -> Comparison:
    """Return the plan's comparison of the last data, as if there had been no looks."""
    finished = monitored.finished
    return finished.compared(finished.plan, monitored.at_last, counts)


def nominal_p_value(monitored: Monitored) -> Floats:
    """Return the p-value of the analysis that ended each trial, not adjusted for the looks."""
    return normal_p_value(monitored.at_stop(monitored.z), monitored.finished.plan.alternative)


def adjusted(monitored: Monitored, naive: Estimated) -> Estimated:
    """Return the estimate and the interval that the plan reports after looks."""
    monitoring = monitored.plan.monitoring
    low, high = naive.low, naive.high
    if monitoring.interval == "repeated":
        low, high = _repeated(monitored)
    return Estimated(naive.estimate, low, high)


def _repeated(monitored: Monitored) -> tuple[Floats, Floats]:
    """Return the repeated confidence interval of the analysis that ended each trial.

    The effect -+ the bound over the root of the information (Jennison and Turnbull 2000, chapter
    9), valid whatever the reason for stopping; without end where the bound is not reachable.
    """
    effect = monitored.at_stop(monitored.found.effect)
    information = monitored.at_stop(monitored.found.information)
    bound = monitored.at_stop(monitored.bounds.efficacy)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = bound / np.sqrt(information)
    half = np.where(information > 0, half, np.inf)
    centre = np.where(np.isfinite(effect), effect, monitored.plan.null)
    least, most = _ends(monitored)
    ends = np.clip(centre - half, least, most), np.clip(centre + half, least, most)
    low, high = (reported(monitored.finished.plan, end) for end in ends)
    return low, high


def _ends(monitored: Monitored) -> tuple[float, float]:
    """Return the least and the most that an effect can be, on the scale of the statistic."""
    match monitored.finished.plan.quantity.name:
        case "Mann-Whitney effect" | "win odds" | "net benefit":
            return 0.0, 1.0
        case "risk difference":
            return -1.0, 1.0
    return -np.inf, np.inf

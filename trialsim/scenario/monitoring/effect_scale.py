"""The scale on which a plan's estimate is normal with a variance, and back to the reported one.

Statistics at looks live on it: the Mann-Whitney effect itself for whatever derives from it, the
logarithm of a ratio of odds, and every other estimate as it is.
"""

from typing import Any

import numpy as np

from trialsim.arrays import Floats
from trialsim.scenario.plan.analysis_plan import AnalysisPlan


def natural(plan: AnalysisPlan, reported: Any) -> Floats:
    """Return reported effects on the scale of the statistic.

    A win odds w is the Mann-Whitney effect w / (1 + w), a net benefit b is (1 + b) / 2, and an odds
    ratio its logarithm.
    """
    value = np.asarray(reported, float)
    match plan.quantity.name:
        case "win odds":
            with np.errstate(invalid="ignore"):
                return np.asarray(np.where(np.isinf(value), 1.0, value / (1 + value)))
        case "net benefit":
            return (1 + value) / 2
        case "odds ratio":
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(value))
        case _:
            return value


def reported(plan: AnalysisPlan, effect: Any) -> Floats:
    """Return effects on the scale of the statistic as the plan reports them."""
    value = np.asarray(effect, float)
    match plan.quantity.name:
        case "win odds":
            value = np.clip(value, 0.0, 1.0)
            with np.errstate(divide="ignore"):
                return np.asarray(value / (1 - value))
        case "net benefit":
            return 2 * value - 1
        case "odds ratio":
            return np.asarray(np.exp(value))
        case _:
            return value


def null_effect(plan: AnalysisPlan) -> float:
    """Return the effect of no difference on the scale of the statistic."""
    return float(natural(plan, plan.quantity.null))


def is_possible(plan: AnalysisPlan, effect: float) -> bool:
    """Return whether an effect, in the unit of the estimate, can be; neither of its ends can."""
    least, most = possible_between(plan)
    return least < effect < most


def possible_between(plan: AnalysisPlan) -> tuple[float, float]:
    """Return between what the reported effect can lie."""
    with np.errstate(divide="ignore"):
        least, most = (float(reported(plan, end)) for end in ends(plan))
    return least, most


def possible(plan: AnalysisPlan) -> str:
    """Say what a reported effect can be, as a message has it."""
    least, most = possible_between(plan)
    if np.isinf(most):
        return "a number" if np.isinf(least) else f"above {least:g}"
    return f"between {least:g} and {most:g}"


def ends(plan: AnalysisPlan) -> tuple[float, float]:
    """Return the least and the most that an effect can be, on the scale of the statistic."""
    match plan.quantity.name:
        case "Mann-Whitney effect" | "win odds" | "net benefit":
            return 0.0, 1.0
        case "risk difference":
            return -1.0, 1.0
    return -np.inf, np.inf

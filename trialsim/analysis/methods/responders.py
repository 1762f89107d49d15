"""Shares of patients at or beyond a threshold."""

import math

from trialsim.analysis.comparison import Comparison, without_statistic
from trialsim.analysis.data import Data
from trialsim.analysis.endpoint import WORST
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.responders import Responders


def compare(data: Data, method: Responders) -> Comparison:
    """Return the comparison of each replicate."""
    from trialsim.stats.means_and_proportions.responders import fisher_exact, responder_difference

    first = cell_of(method.threshold, data.outcome, data.plan)
    counts = data.counts[:, 0]
    treated, control = (
        (arm[:, first:].sum(axis=1), arm.sum(axis=1)) for arm in (counts[:, 0], counts[:, 1])
    )
    found = responder_difference(*treated, *control, confidence=data.plan.confidence)
    p_value = fisher_exact(*treated, *control, alternative=data.plan.alternative)
    return Comparison(*found, without_statistic(p_value), p_value, treated[1], control[1])


def cell_of(points: float, outcome: Outcome, plan: AnalysisPlan) -> int:
    """Return the cell of a score, or of a change; better ones are in the cells from it on."""
    low, high = outcome.low, outcome.high
    if plan.measure == "change":
        low, high = low - high, high - low
    above = (points - low if outcome.sign > 0 else high - points) / outcome.step
    return WORST + 1 + math.ceil(round(above, 9))

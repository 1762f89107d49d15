"""Shares of patients at or beyond a threshold."""

from trialsim.analysis.comparison import Comparison, without_statistic
from trialsim.analysis.counts import cell_of
from trialsim.analysis.data import Data
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

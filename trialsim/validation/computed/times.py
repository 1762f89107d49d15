"""Times to an event: log-rank tests and hazard ratios."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtr

from trialsim.stats.time_to_event.at_risk import AtRisk, count_at_risk
from trialsim.stats.time_to_event.hazard_ratio import hazard_ratio
from trialsim.stats.time_to_event.log_rank import log_rank

Given = dict[str, Any]


def at_risk_of(given: Given, arm: str, stratum: str | None = None) -> AtRisk:
    """Count who is at risk, the arms in alphabetical order, by stratum if there is one."""
    first, strata = np.unique(given[arm], return_inverse=True)[1], 1
    if stratum is not None:
        names, within = np.unique(given[stratum], return_inverse=True)
        first, strata = within * 2 + first, len(names)
    day, event = np.array(given["time"]), np.array(given["event"], np.bool_)
    found = count_at_risk(day, event, first, 2 * strata, int(day.max()) + 1)
    return AtRisk(*(one.reshape(strata, 2, -1) for one in found))


def leukaemia(given: Given) -> Given:
    counts = at_risk_of(given, "arm")
    test, efron = log_rank(counts), hazard_ratio(counts, "efron")
    return {
        "logrank_chi2": test.z**2,
        "p": 2 * ndtr(-np.abs(test.z)),
        "cox_loghr_efron": efron.log_ratio,
        "cox_se_efron": efron.standard_error,
        "cox_loghr_breslow": hazard_ratio(counts, "breslow").log_ratio,
    }


def lung_cancer(given: Given) -> Given:
    plain, stratified = (log_rank(at_risk_of(given, "sex", one)) for one in (None, "ecog"))
    return {"logrank_chi2": plain.z**2, "stratified_chi2": stratified.z**2}


FOUND: dict[str, Callable[[Given], Given]] = {
    "tte.freireich": leukaemia,
    "tte.lung": lung_cancer,
}

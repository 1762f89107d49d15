"""Trials that look at their data before the end: bounds on z, and how often they are crossed."""

from trialsim.stats.sequential.boundaries import (
    Bounds,
    beta_spending_bounds,
    beta_spending_drift,
    completed_bounds,
    spending_bounds,
    wang_tsiatis_bounds,
)
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
    z_for_conditional_power,
    z_for_predictive_power,
)
from trialsim.stats.sequential.crossing import (
    Crossing,
    crossing_probabilities,
    drift_for_power,
    expected_fraction,
    inflation_factor,
)
from trialsim.stats.sequential.futility_scales import LookScales, Scale
from trialsim.stats.sequential.spending import (
    HwangShihDeCani,
    KimDeMets,
    OBrienFlemingSpending,
    PocockSpending,
    Spending,
    SpendingTable,
)

__all__ = [
    "Bounds",
    "Crossing",
    "HwangShihDeCani",
    "KimDeMets",
    "LookScales",
    "OBrienFlemingSpending",
    "PocockSpending",
    "Scale",
    "Spending",
    "SpendingTable",
    "beta_spending_bounds",
    "beta_spending_drift",
    "completed_bounds",
    "conditional_power",
    "crossing_probabilities",
    "drift_for_power",
    "expected_fraction",
    "inflation_factor",
    "predictive_power",
    "spending_bounds",
    "trend_drift",
    "wang_tsiatis_bounds",
    "z_for_conditional_power",
    "z_for_predictive_power",
]

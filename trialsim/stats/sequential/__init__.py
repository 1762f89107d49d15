"""Trials that look at their data before the end: bounds on z, and how often they are crossed."""

from trialsim.stats.sequential.boundaries import (
    Bounds,
    beta_spending_bounds,
    beta_spending_drift,
    completed_bounds,
    spending_bounds,
    wang_tsiatis_bounds,
)
from trialsim.stats.sequential.crossing import (
    Crossing,
    crossing_probabilities,
    drift_for_power,
    expected_fraction,
    inflation_factor,
)
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
    "OBrienFlemingSpending",
    "PocockSpending",
    "Spending",
    "SpendingTable",
    "beta_spending_bounds",
    "beta_spending_drift",
    "completed_bounds",
    "crossing_probabilities",
    "drift_for_power",
    "expected_fraction",
    "inflation_factor",
    "spending_bounds",
    "wang_tsiatis_bounds",
]

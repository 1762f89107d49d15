"""The patients that an unblinded rule asks for, given z at its look."""

import numpy as np
from numpy.typing import ArrayLike

from trialsim.arrays import Floats
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.monitoring.re_estimation import ReEstimation
from trialsim.stats.sequential.re_estimation import (
    patients_for_conditional_power,
    promising_patients,
    promising_zone,
)


def least_power_of(plan: BoundaryPlan, rule: ReEstimation) -> float:
    """Return the conditional power from which a rule adds patients: 0 of one without a zone."""
    if rule.by != "promising_zone":
        return 0.0
    if rule.least_power is not None:
        return rule.least_power
    share = float(plan.fractions[plan.monitoring.names.index(rule.at)])
    critical = float(plan.planned.efficacy[-1])
    zone = promising_zone(share, rule.at_most / plan.patients, rule.power, critical)
    return float(zone.least_power)


def patients_by_trend(
    plan: BoundaryPlan, rule: ReEstimation, z: ArrayLike, first: ArrayLike
) -> Floats:
    """Return the patients of the two arms that an unblinded rule asks for, not rounded.

    `first` are the patients analysed at the look, in both arms. The most of the plan bounds what
    a promising zone gives; the caller bounds the rest.
    """
    planned, critical = sum(plan.compared), float(plan.planned.efficacy[-1])
    if rule.by == "conditional_power":
        wanted = patients_for_conditional_power(z, first, planned, rule.power, critical)
        return np.maximum(wanted, planned)
    most = rule.at_most * planned / plan.patients
    least = least_power_of(plan, rule)
    return promising_patients(z, first, planned, most, rule.power, critical, least)

"""The number of patients set again at a look, from pooled data or the difference of the arms."""

import numpy as np

from trialsim.analysis.counts import cell_of
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.moments import Moments
from trialsim.analysis.monitoring.statistics import Statistics
from trialsim.arrays import Floats, Integers, divide
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.monitoring.effect_scale import natural
from trialsim.scenario.monitoring.re_estimation import ReEstimation
from trialsim.scenario.monitoring.trend_sizes import patients_by_trend
from trialsim.scenario.plan.methods.means import MeanMethod
from trialsim.scenario.plan.methods.proportional_odds import ProportionalOdds
from trialsim.scenario.plan.methods.responders import Responders
from trialsim.stats.sequential.re_estimation import (
    Aim,
    blinded_mean_patients,
    blinded_odds_patients,
    blinded_proportion_patients,
    blinded_rank_patients,
)


def patients_after(
    finished: FinishedTrial,
    plan: BoundaryPlan,
    moments: Moments,
    at_look: Statistics,
    counts: Integers,
) -> Integers:
    """Return the patients that each trial is to randomise, shape (replicate,).

    The number stays as planned where no look is performed or it shows nothing, and where all were
    randomised by the decision: recruitment that has closed is not reopened. It is never below
    those who are randomised by then.

    Parameters
    ----------
    at_look
        What the look found, shape (replicate,).
    counts
        The analysed at the look by stratum, arm and cell, shape (replicate, stratum, 2, cells).
    """
    rule = plan.monitoring.re_estimation
    planned = np.full(finished.replicates, plan.patients)
    if rule is None:
        return planned
    look = plan.monitoring.names.index(rule.at)
    share = sum(plan.compared) / plan.patients
    wanted = _wanted(finished, plan, rule, at_look, counts, moments.known[:, look]) / share
    in_already = moments.randomised_by_decision[:, look]
    bounded = np.clip(np.nan_to_num(wanted, nan=plan.patients), rule.at_least, rule.at_most)
    whole = np.maximum(np.ceil(np.round(bounded, 6)).astype(np.int64), in_already)
    can = moments.reached[:, look] & (at_look.information > 0) & (in_already < plan.patients)
    return np.where(can, whole, planned)


def _wanted(
    finished: FinishedTrial,
    plan: BoundaryPlan,
    rule: ReEstimation,
    at_look: Statistics,
    counts: Integers,
    known: Integers,
) -> Floats:
    """Return the patients of the two arms that the rule requires, not rounded."""
    if rule.by == "blinded":
        fixed = _blinded(finished, plan, rule, counts.sum(axis=(1, 2)), known)
        return fixed * plan.inflation(rule.power)
    first = np.clip(at_look.patients, 1, sum(plan.compared) - 1)
    return patients_by_trend(plan, rule, at_look.z, first)


def _blinded(
    finished: FinishedTrial,
    plan: BoundaryPlan,
    rule: ReEstimation,
    pooled: Integers,
    known: Integers,
) -> Floats:
    """Return the patients that the pooled scores require of one analysis, shape (replicate,)."""
    analysis, planned = plan.analysis, plan.monitoring.planned_effect
    effect = float(rule.effect if rule.effect is not None else planned or np.nan)
    treated_share = plan.compared[0] / sum(plan.compared)
    analysed = pooled.sum(axis=1)
    of_both = known * sum(plan.compared) / plan.patients
    missing = np.clip(1 - divide(analysed, of_both, 1.0), 0.0, 0.99)
    aim = Aim(rule.power, analysis.alpha, plan.sides, treated_share, missing)
    outcome = finished.trial.scenario.outcomes[analysis.endpoint]
    if isinstance(analysis.test, MeanMethod):
        places = np.arange(pooled.shape[1])
        mean = divide((pooled * places).sum(axis=1), analysed, np.nan)
        squares = (pooled * (places - mean[:, None]) ** 2).sum(axis=1)
        variance = divide(squares, analysed - 1, np.nan) * outcome.step**2
        return blinded_mean_patients(variance, effect, aim)
    if isinstance(analysis.test, Responders):
        first = cell_of(analysis.test.threshold, outcome, analysis)
        shares = divide(pooled[:, first:].sum(axis=1), analysed, np.nan)
        return blinded_proportion_patients(shares, effect, aim)
    if isinstance(analysis.test, ProportionalOdds):
        return blinded_odds_patients(pooled, effect, aim)
    return blinded_rank_patients(pooled, float(natural(analysis, effect)), aim)

"""The power of Wei and Lachin's test by a formula, from its expected effects and their covariance.

The mean of several effects is a sum of jointly normal numbers, and so normal itself: its power
follows from the effects that the trial is expected to show and from how they vary together, both
of the study as it is conducted and analysed.
"""

from typing import Final, NamedTuple

import numpy as np

from trialsim.analysis.data import Data
from trialsim.analysis.methods.several_outcomes import joint_of
from trialsim.questions.count_power import ClosedForm
from trialsim.scenario.plan.methods.several_outcomes import WeiLachin
from trialsim.scenario.programme import Programme, Study
from trialsim.scenario.scenario import Scenario
from trialsim.stats.planning.sample_size import Planned, normal_sum
from trialsim.stats.several_outcomes.joint_effects import JointEffects
from trialsim.stats.several_outcomes.multivariate import shares_of_scales
from trialsim.streams import Streams, derived_seed
from trialsim.trial.trial import simulate_batch

TRIALS: Final = 512
"""Simulated for the expected effects and covariances; more would cost time and tell little."""
_BATCH: Final = 64
_PURPOSE: Final = "normal sum"


class NormalSum(NamedTuple):
    """The test as the formula sees it, for any number of randomised patients."""

    effect: float
    """The expected mean of the effects, in favour of the treated above 0.5."""
    mcse: float
    """Its Monte Carlo standard error."""
    planned: Planned


class PowerByFormula(NamedTuple):
    """The power of a study by a formula."""

    power: float
    mcse: float
    """Monte Carlo standard error, from that of the expected effects, by the slope in them."""


def expected_sum(scenario: Scenario, trials: int = TRIALS, seed: int = 2016) -> NormalSum | None:
    """Return the expected sum of effects of a study and its standard deviations.

    None where the primary analysis is another, claims a margin, imputes scores several times or
    looks for the control to be better, and where the effects do not favour the treated.
    """
    plan = scenario.analysis
    if not isinstance(plan.test, WeiLachin) or plan.claim != "superiority":
        return None
    if plan.missing == "multiple_imputation" or plan.alternative == "less":
        return None
    own, parts = derived_seed(seed, _PURPOSE), []
    for start in range(0, trials, _BATCH):
        streams = Streams(own, range(start, min(start + _BATCH, trials)))
        joint = joint_of(Data(simulate_batch(scenario, streams), plan), plan.test)
        parts.append(JointEffects(joint.effects, joint.covariance, joint.null_covariance))
    each = JointEffects(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    mean = JointEffects(*(np.nanmean(field, axis=0) for field in each))
    shares = shares_of_scales(mean, plan.test.weighting)
    sums = np.nan_to_num(each.effects) @ shares
    effect, mcse = float(sums.mean()), float(sums.std(ddof=1) / np.sqrt(trials))
    if not effect > 0.5:
        return None
    test = mean.null_covariance if plan.test.variance == "null_variance" else mean.covariance
    patients = scenario.design.patients
    planned = normal_sum(mean.effects - 0.5, test * patients, mean.covariance * patients, shares)
    return NormalSum(effect, mcse, planned)


def patients_by_normal_sum(
    scenario: Scenario, power: float, trials: int = TRIALS, seed: int = 2016
) -> ClosedForm | None:
    """Return the patients for a power by the normal sum; None where it does not apply."""
    found, plan = expected_sum(scenario, trials, seed), scenario.analysis
    if found is None:
        return None
    patients = float(found.planned.patients(power, plan.alpha, plan.sides))
    return ClosedForm(patients, 2 * patients * found.mcse / (found.effect - 0.5), "normal sum")


def power_by_normal_sum(
    study: Study, trials: int = TRIALS, seed: int = 2016
) -> PowerByFormula | None:
    """Return the power of a trial by the normal sum, without looks and of its primary analysis.

    None where it does not apply, or success is another.
    """
    if isinstance(study, Programme) or study.monitoring is not None:
        return None
    scenario, plan = study, study.analysis
    found = None if plan.needs_every_analysis else expected_sum(scenario, trials, seed)
    if found is None:
        return None
    moved = found.planned._replace(distance=found.planned.distance + found.mcse)
    power, higher = (
        float(one.power(scenario.design.patients, plan.alpha, plan.sides))
        for one in (found.planned, moved)
    )
    return PowerByFormula(power, higher - power)

"""What is estimated when a trial that looks has ended."""

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.monitored import Monitored, last_estimates
from trialsim.arrays import Floats, divide
from trialsim.scenario.monitoring.effect_scale import ends, reported
from trialsim.stats.p_values import normal_p_value
from trialsim.stats.sequential.stagewise import stagewise_inference


class Estimated(NamedTuple):
    """An estimate and its interval as the plan reports them, each array of shape (replicate,)."""

    estimate: Floats
    low: Floats
    high: Floats


def nominal_p_value(monitored: Monitored) -> Floats:
    """Return the p-value of the analysis that ended each trial, not adjusted for the looks."""
    return normal_p_value(monitored.at_stop(monitored.z), monitored.finished.plan.alternative)


def naive(monitored: Monitored) -> Estimated:
    """Return the estimate and the interval of the last data, as if there had been no looks."""
    last = monitored.last
    return Estimated(last.estimate, last.low, last.high)


def adjusted(monitored: Monitored) -> Estimated:
    """Return the estimate and the interval that the plan reports after looks."""
    monitoring = monitored.plan.monitoring
    estimate, low, high = naive(monitored)
    if monitoring.interval == "repeated":
        low, high = _repeated(monitored)
    if monitoring.final.test != "conventional":
        if monitoring.estimate == "median_unbiased":
            estimate = _of_combination(monitored)
    elif monitoring.estimate == "median_unbiased" or monitoring.interval == "stagewise":
        staged = _stagewise(monitored)
        if monitoring.estimate == "median_unbiased":
            estimate = staged.estimate
        if monitoring.interval == "stagewise":
            low, high = staged.low, staged.high
    return Estimated(estimate, low, high)


def adjusted_estimates(finished: FinishedTrial, cuts: Sequence[Monitored]) -> list[Floats]:
    """Return the estimate alone that the plan of each cut of a batch reports after looks."""
    unbiased = [cut.plan.monitoring.estimate == "median_unbiased" for cut in cuts]
    of_last = iter(last_estimates(finished, [*compress(cuts, np.logical_not(unbiased))]))
    return [
        _median_unbiased(cut) if adjusts else next(of_last)
        for cut, adjusts in zip(cuts, unbiased, strict=True)
    ]


def _median_unbiased(monitored: Monitored) -> Floats:
    if monitored.plan.monitoring.final.test != "conventional":
        return _of_combination(monitored)
    return _stagewise(monitored).estimate


def _stagewise(monitored: Monitored) -> Estimated:
    """Return the median unbiased estimate and the interval by stage-wise ordering.

    They are of the data on which the decision rests, for which they are exact. To put those who
    waited in their place (the deletion method) is not median unbiased where many wait: in CARS-1
    with a Pocock look at half of the patients, of whom a third more wait, 60% of the estimates lie
    below the truth. A stop for futility is in the order where it is binding, or the plan says so:
    they are exact then where the board obeys it. NaN where the data have no information.
    """
    plan = monitored.finished.plan
    informations = np.where(monitored.held, monitored.found.information, np.nan)
    lower = np.full(informations.shape, -np.inf)
    if monitored.plan.sides == 2:
        lower = -monitored.bounds.efficacy
    if monitored.plan.monitoring.orders_futility:
        lower = np.fmax(lower, monitored.bounds.futility)
    found = stagewise_inference(
        monitored.at_stop(monitored.z),
        monitored.stop,
        informations,
        monitored.bounds.efficacy,
        plan.confidence,
        lower,
    )
    limits = ends(plan)
    effects = (found.estimate, found.lower, found.upper)
    return Estimated(
        *(reported(plan, np.clip(monitored.plan.null + effect, *limits)) for effect in effects)
    )


def _of_combination(monitored: Monitored) -> Floats:
    """Return the effect under which the combined test is as likely to exceed z as not.

    It is the median unbiased estimate where no look stops for efficacy (Brannath, Posch and Bauer
    2002, JASA 97:236), whatever size followed. NaN where the data have no information.
    """
    return reported(monitored.finished.plan, _centre(monitored))


def _centre(monitored: Monitored) -> Floats:
    """Return the effect at which what was tested has z 0, on the scale of the statistic."""
    if monitored.plan.monitoring.final.test == "conventional":
        return monitored.at_stop(monitored.found.effect)
    z, information = (monitored.at_stop(one) for one in (monitored.z, monitored.information))
    away = divide(z, np.sqrt(information), np.nan)
    return np.asarray(np.clip(monitored.plan.null + away, *ends(monitored.finished.plan)))


def _repeated(monitored: Monitored) -> tuple[Floats, Floats]:
    """Return the repeated confidence interval of the analysis that ended each trial.

    The effect -+ the bound over the root of the information (Jennison and Turnbull 2000, chapter
    9), with the bounds of the confidence level and without futility: valid whatever the reason for
    stopping; without end where the bound is not reachable. Of stages combined with weights, effect
    and information are those in the combined z (Lehmacher and Wassmer 1999, Biometrics 55:1286).
    """
    effect = _centre(monitored)
    information = monitored.at_stop(monitored.information)
    of_confidence = monitored.plan.of_confidence
    bounds = of_confidence.held(monitored.fractions_of_bounds, monitored.found.information)
    bound = monitored.at_stop(bounds.efficacy)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = bound / np.sqrt(information)
    half = np.where(information > 0, half, np.inf)
    centre = np.where(np.isfinite(effect), effect, monitored.plan.null)
    least, most = ends(monitored.finished.plan)
    limits = np.clip(centre - half, least, most), np.clip(centre + half, least, most)
    low, high = (reported(monitored.finished.plan, limit) for limit in limits)
    return low, high

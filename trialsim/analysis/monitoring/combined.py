"""The z that looks and the last analysis test, and its information: of all, or of stages."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.statistics import Statistics, statistics
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.stats.sequential.combination import (
    combined_information,
    combined_z,
    fisher_p_value,
)


class Tested(NamedTuple):
    """What each analysis tests, each array of shape (replicate, look + 1)."""

    z: Floats
    information: Floats
    """About the effect in z, whose mean is the distance from no effect times its root."""


def tested_by(
    finished: FinishedTrial,
    plan: BoundaryPlan,
    found: Statistics,
    held: Booleans,
    minutes: Integers,
    sizes: Integers,
) -> Tested:
    """Return what each analysis tests by the plan's final test.

    `found` is the conventional statistic of each, `held` where it has information, `minutes` those
    of the looks, `sizes` how many patients each trial has at its end. The stages are those of the
    looks that were held: where none was, the last analysis is the conventional one. The information
    in Fisher's product is NaN: it has no z whose mean moves with the effect alone.
    """
    match plan.monitoring.final.test:
        case "conventional":
            return Tested(found.z, found.information)
        case "fisher":
            included = _included(finished, plan, minutes, sizes)
            z = _by_product(found, _stages(finished, held, included), held)
            return Tested(z, np.full_like(z, np.nan))
        case "inverse_normal" | "cui_hung_wang":
            included = _included(finished, plan, minutes, sizes)
            return _weighted(plan, _stages(finished, held, included), held)


def _included(
    finished: FinishedTrial, plan: BoundaryPlan, minutes: Integers, sizes: Integers
) -> list[Booleans]:
    """Return who is in each look and in the last analysis, each of shape (replicate, patient)."""
    planned = finished.first(plan.patients)
    looks = [planned & (finished.known <= minute[:, None]) for minute in minutes.T]
    return [*looks, np.arange(planned.shape[1]) < sizes[:, None]]


def _stages(finished: FinishedTrial, held: Booleans, included: Sequence[Booleans]) -> Statistics:
    """Return the statistic of those whom each analysis adds to the one held before it.

    Ranks are those of the stage's own patients among themselves. The gain of the statistic of all
    patients, which compares later patients with earlier ones too, is independent of the first
    stage only in large samples; the own ranks are so whatever the sizes, given the first stage, and
    however these were chosen after it.
    """
    before = np.zeros_like(included[0])
    alone = []
    for place, now in enumerate(included):
        alone.append(now & ~before)
        before = np.where(held[:, place, None], now, before)
    return statistics(finished, alone)


def _weighted(plan: BoundaryPlan, stages: Statistics, held: Booleans) -> Tested:
    """Combine the stages' z with the planned gains of information as weights, by Lehmacher-Wassmer.

    A stage without information of its own adds noise by none: its z is 0, its weight stays. Where
    nothing was held, z and the information are 0.
    """
    reached = np.maximum.accumulate(np.where(held, plan.fractions, 0.0), axis=1)
    gained = np.diff(reached, axis=1, prepend=0.0)
    weights = np.where(held, gained, np.nan)
    z = combined_z(stages.z, weights)
    information = combined_information(stages.information, weights)
    return Tested(np.nan_to_num(z), np.nan_to_num(information))


def _by_product(found: Statistics, stages: Statistics, held: Booleans) -> Floats:
    """Combine two stages by the product of p-values, towards the side that it favours more."""
    first, second = found.z[:, 0], stages.z[:, -1]
    towards = []
    for side in (1.0, -1.0):
        p_values = scipy.special.ndtr(-side * np.stack([first, second], axis=1))
        towards.append(-scipy.special.ndtri(fisher_p_value(p_values)))
    above, below = towards
    combined = np.where(above >= below, above, -below)
    last = np.where(held[:, 0], combined, found.z[:, -1])
    return np.stack([first, last], axis=1)

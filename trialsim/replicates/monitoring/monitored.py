"""The numbers that are kept of each replicate of a trial that looks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from trialsim.analysis.counts import mean_scores
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.inference import (
    adjusted,
    adjusted_estimates,
    naive,
    nominal_p_value,
)
from trialsim.analysis.monitoring.monitored import Monitored, monitor, monitor_each
from trialsim.analysis.monitoring.patients import exits_of
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY
from trialsim.replicates.true_effect import cells_for_truth
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.monitoring.effect_scale import reported
from trialsim.scenario.scenario import Scenario

OVER_LOOKS: Final = (
    "naive_estimate",
    "naive_low",
    "naive_high",
    "randomised",
    "planned_patients",
    "analysed_at_stop",
    "stop",
    "stop_z",
    "stopped_for_efficacy",
    "stopped_for_harm",
    "stopped_for_futility",
    "stopped_for_information",
    "reversed",
)
"""Kept of each replicate that looks: `stop` is the place of the analysis that ended it, from 0."""
OF_A_LOOK: Final = (
    "held",
    "day",
    "known",
    "randomised",
    "waiting",
    "randomised_by_decision",
    "share",
    "z",
    "effect",
    "bound",
    "efficacy",
    "harm",
    "futility",
    "full_information",
)
"""Kept of each look, as `look.NAME.WHAT`; NaN where the look was not held or came after a stop."""
PREFIX: Final = "look."


def of_look(look: str, what: str) -> str:
    """Return the name of what is kept of one look.

    >>> of_look("first", "z")
    'look.first.z'
    """
    return f"{PREFIX}{look}.{what}"


def monitored_names(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of what is kept beside of a trial that looks; none of one that does not."""
    if scenario.monitoring is None:
        return ()
    each = (of_look(name, what) for name in scenario.monitoring.names for what in OF_A_LOOK)
    return (*OVER_LOOKS, *each)


def largest(scenario: Scenario) -> Scenario:
    """Return the study with the most patients that a look may require, to be cut afterwards."""
    rule = scenario.monitoring and scenario.monitoring.re_estimation
    if not rule or rule.at_most == scenario.design.patients:
        return scenario
    design = scenario.design.model_copy(update={"patients": rule.at_most})
    return scenario.model_copy(update={"design": design})


def monitored_quantities(finished: FinishedTrial, plan: BoundaryPlan) -> dict[str, Floats]:
    """Return the numbers that are kept of each replicate under a plan of looks."""
    monitored = monitor(finished, plan)
    numbers = {**_at_the_end(monitored), **_stops(monitored), **_looks(monitored)}
    return {name: np.asarray(number, np.float64) for name, number in numbers.items()}


RECUT: Final = (
    "estimate",
    "favoured",
    "rejected",
    "screened",
    "duration_days",
    "infusions_given",
    "randomised",
)
"""What a comparison of plans of looks keeps of each replicate, of trials that are cut again."""


def recut_quantities(
    finished: FinishedTrial, plans: Sequence[BoundaryPlan], kept: Sequence[str] = RECUT
) -> list[dict[str, Floats]]:
    """Return some of the numbers that plans of looks are compared by, as a run alone has them."""
    cuts = monitor_each(finished, plans)
    numbers: list[dict[str, Floats | Integers | Booleans]] = [
        {"favoured": cut.favoured, "rejected": cut.rejected} for cut in cuts
    ]
    if "estimate" in kept:
        for found, estimate in zip(numbers, adjusted_estimates(finished, cuts), strict=True):
            found["estimate"] = estimate
    for found, cut in zip(numbers, cuts, strict=True):
        if not found.keys() >= set(kept):
            found |= _conduct(cut, ("last_visit", "infusions_given"))
    return [{name: np.asarray(found[name], np.float64) for name in kept} for found in numbers]


def _at_the_end(monitored: Monitored) -> Mapping[str, Floats | Integers]:
    """Return what is kept of any trial, as the looks left this one."""
    finished, analysis = monitored.finished, monitored.finished.plan
    last = monitored.last
    outcome = finished.trial.scenario.outcomes[analysis.endpoint]
    means = mean_scores(monitored.counts, outcome, analysis)
    return {
        **adjusted(monitored)._asdict(),
        "p_value": nominal_p_value(monitored),
        "rejected": monitored.rejected,
        "favoured": monitored.favoured,
        "truth_over": monitored.planned.truth.over,
        "truth_under": monitored.planned.truth.under,
        **cells_for_truth(monitored.planned.complete),
        "treated_analysed": last.treated,
        "control_analysed": last.control,
        "treated_mean": means[:, 0],
        "control_mean": means[:, 1],
        **_conduct(monitored, monitored.ended.patients.so_far),
        **{f"naive_{name}": value for name, value in naive(monitored)._asdict().items()},
    }


def _conduct(monitored: Monitored, kept: Iterable[str]) -> Mapping[str, Floats | Integers]:
    """Return the conduct of those who were randomised, up to the end of the trial.

    They are the first of all patients, unless those who wait are left out when the trial closes.
    """
    finished, randomised = monitored.ended, monitored.randomised
    patients, rows = finished.patients, np.arange(len(randomised))
    last = patients.randomised[rows, np.maximum(randomised - 1, 0)]
    closed = np.minimum(monitored.closes, patients.closed)
    closed = np.where(randomised == monitored.patients, last, closed)
    so_far = {
        name: np.where(randomised > 0, patients.so_far[name][rows, randomised - 1], 0)
        for name in kept
    }
    if monitored.plan.monitoring.waiting_patients == "left_out":
        so_far["last_visit"] = np.minimum(so_far["last_visit"], monitored.closes)
        so_far |= {name: of for name, of in _until_closed(monitored).items() if name in so_far}
    return {
        "screened": finished.screened(closed),
        "recruitment_days": closed / DAY,
        "duration_days": so_far.pop("last_visit") / DAY,
        **so_far,
        "randomised": randomised,
        "planned_patients": monitored.patients,
    }


def _until_closed(monitored: Monitored) -> dict[str, Integers]:
    """Return what happened to those who were randomised until a stop closed their trial."""
    trial, closes = monitored.ended.trial, monitored.closes[:, None]
    given = trial.conduct.infusion_given & (trial.conduct.infusion_start < closes[:, :, None])
    numbers = {name: when < closes for name, when in exits_of(trial).items()}
    numbers["infusions_given"] = np.count_nonzero(given, axis=2)
    return {name: (number * monitored.enrolled).sum(axis=1) for name, number in numbers.items()}


def _stops(monitored: Monitored) -> Mapping[str, Floats | Integers]:
    """Return where and why each trial ended."""
    at_stop, early = monitored.at_stop, monitored.early
    followed = monitored.plan.monitoring.waiting_patients == "followed"
    nothing = np.full(len(early), np.nan)
    return {
        "analysed_at_stop": at_stop(monitored.found.patients),
        "stop": monitored.stop,
        "stop_z": at_stop(monitored.z),
        "stopped_for_efficacy": early & (at_stop(monitored.above) == 1),
        "stopped_for_harm": early & (at_stop(monitored.below) == 1),
        "stopped_for_futility": early & (at_stop(monitored.futile) == 1),
        "stopped_for_information": early & monitored.ended_full & ~monitored.rejected,
        "reversed": np.where(early, monitored.reversed, np.nan) if followed else nothing,
    }


def _looks(monitored: Monitored) -> Mapping[str, Floats]:
    """Return what is kept of each look, NaN where it was not held or came after a stop."""
    when = monitored.moments
    effect = reported(monitored.finished.plan, monitored.found.effect)
    found = {}
    for place, name in enumerate(monitored.plan.monitoring.names):
        took_place = when.reached[:, place] & (monitored.stop >= place)
        kept = {
            "day": when.minute[:, place] / DAY,
            "known": when.known[:, place],
            "randomised": when.randomised[:, place],
            "waiting": when.waiting[:, place],
            "randomised_by_decision": when.randomised_by_decision[:, place],
            "share": monitored.fractions[:, place],
            "z": monitored.z[:, place],
            "effect": effect[:, place],
            "bound": monitored.bounds.efficacy[:, place],
            "efficacy": monitored.above[:, place],
            "harm": monitored.below[:, place],
            "futility": monitored.futile[:, place],
            "full_information": monitored.full[:, place],
        }
        found[of_look(name, "held")] = np.asarray(took_place, np.float64)
        for what, values in kept.items():
            found[of_look(name, what)] = np.where(took_place, values, np.nan)
    return found

"""The numbers that are kept of each replicate of a trial that looks."""

from collections.abc import Callable, Mapping, Sequence
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
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import DAY, NEVER
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
    larger = scenario.model_copy(update={"design": design})
    vars(larger).pop("digest", None)  # which is that of the planned size
    return larger


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
            found |= _conduct(cut, ())
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
        **_conduct(monitored, tuple(finished.patients.exits)),
        **{f"naive_{name}": value for name, value in naive(monitored)._asdict().items()},
    }


def _conduct(monitored: Monitored, exits: Sequence[str]) -> Mapping[str, Floats | Integers]:
    """Return the conduct of those who were randomised, up to the end of the trial.

    What a trial has that ends as planned is the same under every plan; only the others are
    worked out anew.
    """
    finished, rows = monitored.ended, monitored.rows
    patients, planned = finished.patients, monitored.plan.patients
    enrolled = finished.enrolled(rows, monitored.patients[rows], monitored.closes[rows])
    randomised = _counted(monitored, "randomised", patients.randomised, enrolled)
    last = patients.randomised[np.arange(len(randomised)), np.maximum(randomised - 1, 0)]
    closes = np.minimum(monitored.closes, patients.closed)
    closed = np.where(randomised == monitored.patients, last, closes)
    left_out = monitored.plan.monitoring.waiting_patients == "left_out"
    until = monitored.closes[rows, None] if left_out else np.array(NEVER)
    given = patients.infusions[rows]
    if left_out:
        conduct = finished.trial.conduct
        before = conduct.infusion_start[rows] < until[:, :, None]
        given = np.count_nonzero(conduct.infusion_given[rows] & before, axis=2)

    ends = _but_for_changed(
        monitored,
        "ends",
        lambda: patients.last_visit[:, :planned].max(axis=1),
        (patients.last_visit[rows] * enrolled).max(axis=1, initial=0),
    )
    infusions = _but_for_changed(
        monitored,
        "infusions",
        lambda: patients.infusions[:, :planned].sum(axis=1),
        (given * enrolled).sum(axis=1),
    )
    return {
        "screened": finished.screened(closed),
        "recruitment_days": closed / DAY,
        "duration_days": np.minimum(ends, monitored.closes if left_out else NEVER) / DAY,
        "infusions_given": infusions,
        **{
            name: _counted(monitored, name, when, enrolled & (when[rows] < until))
            for name, when in patients.exits.items()
            if name in exits
        },
        "randomised": randomised,
        "planned_patients": monitored.patients,
    }


def _counted(monitored: Monitored, name: str, when: Integers, of_changed: Booleans) -> Integers:
    """Return how many of each trial's patients have a moment, those of changed trials as given."""
    first = when[:, : monitored.plan.patients]
    anew = np.count_nonzero(of_changed, axis=1)
    return _but_for_changed(monitored, name, lambda: np.count_nonzero(first < NEVER, axis=1), anew)


def _but_for_changed(
    monitored: Monitored, name: str, whole: Callable[[], Integers], anew: Integers
) -> Integers:
    """Return numbers that are the same under every plan, but for those of changed trials."""
    values = monitored.ended.once(name, monitored.plan.patients, whole).copy()
    values[monitored.rows] = anew
    return values


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

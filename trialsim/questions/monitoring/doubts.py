"""What the expected calendar and the planned effect say against a plan of looks.

Looks by different clocks may fall in another order than they are written in, and a bound may be
such that hardly a trial reaches it. Neither is certain before trials are run, so nothing is
refused: a sentence says which look it is, when it is expected, and what that collides with.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats
from trialsim.errors import RecruitmentError
from trialsim.questions.monitoring.calendar import MeanCalendar, mean_calendar
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.monitoring.efficacy import NoEfficacy, Table
from trialsim.scenario.programme import Study, trials_of
from trialsim.scenario.words.monitoring import boundary_of

_HARDLY: Final = 1e-4
"""A bound that z reaches less often cannot be reached, for all that a run of trials will show."""
_FEW: Final = 10
"""Endpoints known; tests at looks are large-sample ones."""
_APART: Final = 0.1
"""How far the expected share of known endpoints may be from the planned share of information."""
_POWER: Final = 0.9
"""Of one analysis, under the effect that stands for the planned one where none is planned."""


def doubts(study: Study) -> tuple[str, ...]:
    """Return what is expected to go wrong with the looks of a study, a sentence each.

    >>> import trialsim as ts
    >>> change = {"monitoring.looks.second.decided_after_days": 90}
    >>> print(*doubts(ts.load("cars_sequential").replace(change)))
    cars_sequential: monitoring.looks.second.decided_after_days: decision expected on day 481, \
but every endpoint is known from day 475: a stop would change nothing
    """
    found: list[str] = []
    for name, trial in trials_of(study).items():
        if trial.monitoring is None:
            continue
        try:
            calendar = mean_calendar(trial)
        except RecruitmentError:  # which is told where trials are run
            continue
        found += (f"{name}: {one}" for one in doubts_of(boundary_of(trial), calendar))
    return tuple(found)


def doubts_of(plan: BoundaryPlan, calendar: MeanCalendar) -> Iterator[str]:
    """Yield what is expected to go wrong with a plan of looks, with the path of each field."""
    for name, said in (*_out_of_order(plan, calendar), *_too_late(plan, calendar)):
        yield f"monitoring.looks.{name}{said}"
    yield from _not_reached(plan)


def _out_of_order(plan: BoundaryPlan, calendar: MeanCalendar) -> Iterator[tuple[str, str]]:
    """Yield looks that are not expected to be held, or to have what they are planned to have."""
    last, before = calendar.last_day(), ("", -np.inf)
    for name, look in plan.monitoring.looks.items():
        day, known = calendar.day_of_look(look), calendar.known_at(look)
        if day >= last:
            when = f"but every endpoint is known from day {last:.0f}"
        elif day <= before[1]:
            when = f"but {before[0]}, which must come before it, on day {before[1]:.0f}"
        else:
            before = name, day
            if known < _FEW:
                said = f"the endpoint of {known:.1f} patients is expected to be known"
                yield name, f": on day {day:.0f} {said}; its test is one of large samples"
            elif look.planned_share and abs(known / plan.patients - look.planned_share) > _APART:
                said = f"is {look.planned_share:g}, but {known / plan.patients:.2f} of the patients"
                yield name, f".planned_share: {said} are expected to have a known endpoint"
            continue
        yield name, f": expected on day {day:.0f}, {when}: it would not be held"


def _too_late(plan: BoundaryPlan, calendar: MeanCalendar) -> Iterator[tuple[str, str]]:
    """Yield looks whose decision is expected after the next cut, or when it changes nothing."""
    looks, last = plan.monitoring.looks, calendar.last_day()
    cuts = [calendar.day_of_look(look) for look in looks.values()]
    following = (*zip(looks, cuts, strict=True), ("", np.inf))[1:]
    for (name, look), (after, cut) in zip(looks.items(), following, strict=True):
        day, decided = calendar.day_of_look(look), calendar.decided(look)
        when = f".decided_after_days: decision expected on day {decided:.0f}, "
        if day >= last:
            continue
        if day < cut <= min(decided, last):
            yield name, f"{when}after the data of {after} are cut on day {cut:.0f}"
        if decided >= last:
            said = f"but every endpoint is known from day {last:.0f}: a stop would change nothing"
            yield name, f"{when}{said}"
        elif calendar.randomised_at_decision(look) > calendar.patients - 0.5:
            said = f"when all {calendar.patients} patients are randomised: a stop would save nobody"
            rule = plan.monitoring.re_estimation
            sized = ", and no size is set again" if rule and rule.at == name else ""
            yield name, f"{when}{said}{sized}"


def _not_reached(plan: BoundaryPlan) -> Iterator[str]:
    """Yield bounds that hardly a trial reaches, whichever look it has come to."""
    expected, what = _expected_z(plan)
    rule, futility = plan.monitoring.efficacy, plan.monitoring.futility
    above, below = plan.planned
    for name, z, chance in zip(
        plan.names, above, scipy.special.ndtr(expected - above), strict=True
    ):
        never = np.isinf(z) and isinstance(rule, NoEfficacy | Table)  # as the rule has it
        if chance < _HARDLY and not never:
            said = f"cannot be reached at {name}: probability {chance:.1g} under {what}"
            yield f"monitoring.efficacy: z = {z:.3f} {said}"
    for name, z, chance in zip(plan.names, below, scipy.special.ndtr(below), strict=True):
        if futility is not None and np.isfinite(z) and chance < _HARDLY:
            said = f"cannot be reached at {name}: probability {chance:.1g} under no effect"
            yield f"monitoring.futility: z below {z:.3f} {said}"


def _expected_z(plan: BoundaryPlan) -> tuple[Floats, str]:
    """Return the expected z at each look and the end under the planned effect, and its name."""
    drift, what = plan.drift(plan.planned_effect), "the planned effect"
    if np.isnan(drift):
        ends = scipy.special.ndtri([1 - plan.alpha_of_a_side, _POWER])
        drift, what = float(ends.sum()), f"an effect for which one analysis has {_POWER:.0%} power"
    return drift * np.sqrt(plan.fractions), what

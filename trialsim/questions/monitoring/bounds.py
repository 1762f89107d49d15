"""The bounds of a study with looks, and what they do under several effects: no trial is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used

from trialsim.arrays import Floats
from trialsim.errors import InputError, Problem
from trialsim.questions.monitoring.calendar import MeanCalendar, mean_calendar
from trialsim.questions.monitoring.doubts import doubts_of
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.monitoring.boundaries import BoundaryPlan
from trialsim.scenario.monitoring.effect_scale import (
    is_possible,
    natural,
    possible,
    reported,
)
from trialsim.scenario.monitoring.trend_sizes import least_power_of, patients_by_trend
from trialsim.scenario.programme import Study, single_trial
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of, look_in_words, monitoring_in_words
from trialsim.shown import Shown
from trialsim.stats.sequential.conditional_power import (
    conditional_power,
    predictive_power,
    trend_drift,
    z_for_conditional_power,
)
from trialsim.stats.sequential.crossing import crossing_probabilities, expected_fraction

if TYPE_CHECKING:
    from pandas import DataFrame

_EFFECTS: Final = (0.0, 0.5, 1.0, 1.5)
"""The effects that are shown by default, in parts of the planned one."""


class Bound(NamedTuple):
    """A bound on z, on every other scale."""

    z: float
    """Infinite where the bound is never crossed."""
    p: float
    """One-sided."""
    effect: float
    """In the unit of the estimate; NaN where the information is not planned."""
    conditional_power: float
    """Under the trend; NaN at the last analysis."""
    conditional_power_planned: float
    """Under the planned effect; NaN where none is planned."""
    predictive_power: float


class LookBounds(NamedTuple):
    """The bounds of one look, or of the last analysis."""

    name: str
    when: str
    share: float
    """Planned share of the information."""
    information: float
    """Reciprocal of the variance of the estimate; NaN where it is not planned."""
    patients: float
    """Patients analysed."""
    day: float
    """Mean day of the cut."""
    randomised: float
    """Mean number of patients randomised by the decision."""
    alpha_spent: float
    """Cumulative, of one side."""
    efficacy: Bound
    futility: Bound
    harm: Bound
    """Of a two-sided test, at or below which it stops for harm; never crossed by a one-sided."""


class UnderEffect(NamedTuple):
    """What a trial with these bounds does if an effect is true."""

    effect: float
    """In the unit of the estimate."""
    power: float
    """Probability to end above a bound for efficacy, with futility bounds obeyed."""
    efficacy: Mapping[str, float]
    """Probability to stop for efficacy by look, the last analysis among them."""
    futility: Mapping[str, float]
    """Probability to stop for futility by look; 0 at the last analysis."""
    harm: Mapping[str, float]
    """Probability to reject in favour of the control by look; 0 of a one-sided test."""
    textbook_patients: float
    """Expected patients if all those randomised were analysed at once, as textbooks have it."""
    patients: float
    """Expected patients randomised, with those who wait and those who come before the decision."""


class FinalTest(NamedTuple):
    """How the last analysis tests, and what it must reach."""

    test: str
    """Conventional, inverse_normal, fisher or cui_hung_wang."""
    weights: tuple[float, ...] | None
    """Of the stages' z, where the plan combines them with weights."""
    z: float | None
    """The bound on z, combined where there are weights; None of Fisher's product."""
    product: float | None
    """What Fisher's product of the two p-values may be at most; None of any other test."""


class SizeAtTrend(NamedTuple):
    """The size that an unblinded rule sets, given what the look finds."""

    conditional_power: float
    """Under the trend, of the planned trial."""
    z: float
    patients: int
    """In all arms, if recruitment is still open."""


class SizeRule(NamedTuple):
    """How the number of patients is set again."""

    look: str
    by: str
    power: float
    planned: int
    at_least: int
    at_most: int
    least_power: float | None
    """The conditional power from which the zone is promising; None of other rules."""
    by_trend: tuple[SizeAtTrend, ...]
    """Sizes by the conditional power at the look; empty of a blinded rule."""

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain values, for JSON."""
        return {**self._asdict(), "by_trend": [one._asdict() for one in self.by_trend]}


@dataclass(frozen=True, slots=True, repr=False)
class BoundsResult(Shown):
    """The bounds of a study and their operating characteristics in the normal approximation."""

    scenario: str
    digest: str
    quantity: str
    null: float
    """The effect of no difference, in the unit of the estimate."""
    is_ratio: bool
    sides: int
    alpha: float
    planned_patients: int
    looks: tuple[LookBounds, ...]
    final: FinalTest
    re_estimation: SizeRule | None
    """How a look sets the number of patients again; `effects` are of the plan without it."""
    effects: tuple[UnderEffect, ...]
    warnings: tuple[str, ...]
    """What is expected to go wrong with the looks, a sentence each."""
    conventions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        about = ("scenario", "digest", "quantity", "null", "sides", "alpha", "planned_patients")
        return {
            **{name: getattr(self, name) for name in about},
            "looks": [
                {**look._asdict(), **{side: getattr(look, side)._asdict() for side in _SIDES}}
                for look in self.looks
            ],
            "final": self.final._asdict(),
            "re_estimation": self.re_estimation and self.re_estimation.to_dict(),
            "effects": [one._asdict() for one in self.effects],
            "warnings": list(self.warnings),
            "conventions": dict(self.conventions),
        }

    def to_frame(self) -> "DataFrame":
        """Return a row for each look: its information, and its bounds on every scale."""
        from pandas import DataFrame

        rows = []
        for look in self.looks:
            row = look._asdict()
            del row["when"]
            for side in _SIDES:
                bound: Bound = row.pop(side)
                row |= {f"{side}_{name}": value for name, value in bound._asdict().items()}
            rows.append(row)
        return DataFrame(rows)


_POWERS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Conditional powers at which the sizes of an unblinded rule are shown."""
_SIDES: Final = ("efficacy", "futility", "harm")


def bounds(scenario: Study | str | Path, effects: Sequence[float] | None = None) -> BoundsResult:
    """Return the bounds of a study with looks, and what they do under several effects.

    Everything is of the normal approximation at the planned shares of information, and mean
    recruitment; `power` simulates the trials.

    Parameters
    ----------
    effects
        True effects in the unit of the estimate; unless given, none, and half, the whole and one
        and a half of the planned effect, if one is planned.

    Raises
    ------
    InputError
        If the study is a programme or has no looks, an effect is not possible, or effects are
        given and the information is not planned.
    RecruitmentError
        If none of the pilot candidates can be randomised.
    """
    scenario = load_study(scenario)
    study = single_trial(scenario)
    if study.monitoring is None:
        raise InputError([Problem("monitoring", "must be there: the study has no looks")])
    plan = boundary_of(study)
    calendar = mean_calendar(study)
    return BoundsResult(
        scenario=study.name,
        digest=study.digest,
        quantity=study.analysis.quantity.name,
        null=study.analysis.quantity.null,
        is_ratio=study.analysis.quantity.is_ratio,
        sides=plan.sides,
        alpha=study.analysis.alpha,
        planned_patients=plan.patients,
        looks=tuple(_looks(study, plan, calendar)),
        final=_final(plan),
        re_estimation=_size_rule(plan),
        effects=tuple(_under(plan, calendar, effect) for effect in _effects(plan, effects)),
        warnings=tuple(doubts_of(plan, calendar)),
        conventions=monitoring_in_words(study),
    )


def bounds_by_effect(scenario: Study | str | Path, points: int = 31) -> BoundsResult:
    """Return the bounds under effects from none to one and a half of the planned one, for a curve.

    Under no effect alone where no effect or no information is planned.
    """
    study = single_trial(load_study(scenario))
    few = bounds(study)
    if len(few.effects) < 2:
        return few
    first, last = (natural(study.analysis, one.effect) for one in (few.effects[0], few.effects[-1]))
    return bounds(study, reported(study.analysis, np.linspace(first, last, points)).tolist())


def _effects(plan: BoundaryPlan, effects: Sequence[float] | None) -> list[float]:
    """Return the true effects on the scale of the statistic."""
    if effects:
        if np.isnan(plan.information):
            rule = "must be given to compute the bounds under an effect"
            raise InputError([Problem("monitoring.planned_standard_error", rule)])
        rule = f"must be possible as a {plan.analysis.quantity.name}: {possible(plan.analysis)}"
        wrong = [effect for effect in effects if not is_possible(plan.analysis, effect)]
        if wrong:
            raise InputError([Problem("effect", rule, f"{effect:g}") for effect in wrong])
        return [float(natural(plan.analysis, effect)) for effect in effects]
    if np.isnan(plan.planned_effect) or np.isnan(plan.information):
        return [plan.null]
    distance = plan.planned_effect - plan.null
    return [plan.null + part * distance for part in _EFFECTS]


def _looks(study: Scenario, plan: BoundaryPlan, calendar: MeanCalendar) -> list[LookBounds]:
    if study.monitoring is None:
        return []
    looks = study.monitoring.looks
    told = [look_in_words(name, look).partition(": ")[2] for name, look in looks.items()]
    days = [calendar.day_of_look(look) for look in looks.values()]
    days.append(calendar.last_day())
    randomised = [calendar.randomised_at_decision(look) for look in looks.values()]
    found = []
    for place, name in enumerate(plan.names):
        t = float(plan.fractions[place])
        scales, z = (plan, t), float(plan.planned.efficacy[place])
        found.append(
            LookBounds(
                name=name,
                when=[*told, "When every endpoint is known."][place],
                share=t,
                information=t * plan.information,
                patients=t * sum(plan.compared),
                day=days[place],
                randomised=[*randomised, float(plan.patients)][place],
                alpha_spent=float(plan.spent[place]),
                efficacy=_on_scales(z, *scales),
                futility=_on_scales(float(plan.planned.futility[place]), *scales),
                harm=_on_scales(-z if plan.sides == 2 else -float("inf"), *scales),
            )
        )
    return found


def _final(plan: BoundaryPlan) -> FinalTest:
    test = plan.monitoring.final.test
    z = float(plan.planned.efficacy[-1])
    if test == "fisher":
        return FinalTest(test, None, None, plan.product)
    weights = None if test == "conventional" else tuple(plan.weights.tolist())
    return FinalTest(test, weights, z, None)


def _size_rule(plan: BoundaryPlan) -> SizeRule | None:
    """Return how the size is set again, with the sizes that an unblinded rule gives."""
    rule = plan.monitoring.re_estimation
    if rule is None:
        return None
    least = least_power_of(plan, rule) if rule.by == "promising_zone" else None
    limits = (rule.at, rule.by, rule.power, plan.patients, rule.at_least, rule.at_most, least)
    if not rule.unblinded:
        return SizeRule(*limits, ())
    share = float(plan.fractions[plan.monitoring.names.index(rule.at)])
    powers = sorted({*_POWERS, rule.power, *([] if least is None else [least])})
    z = z_for_conditional_power(np.array(powers), share, float(plan.planned.efficacy[-1]))
    compared = sum(plan.compared)
    wanted = patients_by_trend(plan, rule, z, share * compared) * plan.patients / compared
    sizes = np.ceil(np.round(np.clip(wanted, rule.at_least, rule.at_most), 6)).astype(int)
    rows = zip(powers, z.tolist(), sizes.tolist(), strict=True)
    return SizeRule(*limits, tuple(SizeAtTrend(*row) for row in rows))


def _on_scales(z: float, plan: BoundaryPlan, t: float) -> Bound:
    """Return a bound on z on the other scales; NaN where it is never crossed."""
    nan = float("nan")
    if not np.isfinite(z):
        return Bound(z, nan, nan, nan, nan, nan)
    effect = plan.null + z / np.sqrt(t * plan.information)
    if t == 1 and plan.monitoring.final.test == "fisher":
        return Bound(z, float(scipy.special.ndtr(-z)), nan, nan, nan, nan)
    chances = [nan, nan, nan]
    if t < 1:
        critical = float(plan.planned.efficacy[-1])
        chances = [
            float(conditional_power(z, t, critical, trend_drift(z, t))),
            float(conditional_power(z, t, critical, plan.drift(plan.planned_effect))),
            float(predictive_power(z, t, critical)),
        ]
    return Bound(z, float(scipy.special.ndtr(-z)), float(reported(plan.analysis, effect)), *chances)


def _under(plan: BoundaryPlan, calendar: MeanCalendar, effect: float) -> UnderEffect:
    """Return what the bounds do under an effect; a two-sided trial also stops for harm."""
    above, below = plan.planned
    if plan.sides == 2:
        below = np.maximum(below, -above)
    drift = 0.0 if effect == plan.null else plan.drift(effect)
    crossing = crossing_probabilities(plan.fractions, above, below, drift)
    stops = np.nan_to_num(crossing.efficacy + crossing.futility)[:-1]
    looks = plan.monitoring.looks.values()
    randomised = np.array([calendar.randomised_at_decision(look) for look in looks])
    harm = _harm(plan, above, below, drift) if plan.sides == 2 else np.zeros(len(plan.names))
    futility = np.maximum(crossing.futility - harm, 0.0)
    efficacy, futile, harmful = (
        dict(zip(plan.names, values.tolist(), strict=True))
        for values in (crossing.efficacy, futility, harm)
    )
    return UnderEffect(
        effect=float(reported(plan.analysis, effect)),
        power=float(np.nansum(crossing.efficacy)),
        efficacy=efficacy,
        futility=futile,
        harm=harmful,
        textbook_patients=float(plan.patients * expected_fraction(plan.fractions, crossing)),
        patients=float((stops * randomised).sum() + (1 - stops.sum()) * plan.patients),
    )


def _harm(plan: BoundaryPlan, above: Floats, below: Floats, drift: float) -> Floats:
    """Return the probability to stop for harm at each look, of what stops below, (looks + 1,).

    Of a trial followed up to the look, and stopped there by the bound for harm alone.
    """
    looks = np.arange(len(plan.names))
    followed = np.where(looks > looks[:, None], np.nan, plan.fractions)
    lower = np.where(looks == looks[:, None], -above, below)
    return np.diagonal(crossing_probabilities(followed, above, lower, drift).futility)

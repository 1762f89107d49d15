"""The rules between the parts of a scenario: what one names, another must hold."""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from math import prod
from typing import get_args

import numpy as np

from trialsim.scenario.coherence.monitoring import MONITORING_COHERENCE
from trialsim.scenario.coherence.plan import PLAN_COHERENCE
from trialsim.scenario.monitoring.monitoring import Monitoring
from trialsim.scenario.outcomes.correlation import OutcomeCorrelation
from trialsim.scenario.outcomes.effects import effect_refusals, unreachable
from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.outcomes.own_course import OwnCourse
from trialsim.scenario.outcomes.recovery_classes import RecoveryClasses
from trialsim.scenario.patients.columns import FromTable
from trialsim.scenario.patients.eligibility import Eligibility, Rule
from trialsim.scenario.patients.margins import OnCourse, ends_of
from trialsim.scenario.patients.population import Covariate, Population, known_margins
from trialsim.scenario.protocol.design import MOST_CONTACTS, Design, Visit
from trialsim.scenario.protocol.intercurrent import (
    ENDS_OF_INFUSIONS,
    Event,
    IntercurrentEvent,
    Odds,
)
from trialsim.scenario.protocol.operations import Operations, Window
from trialsim.scenario.protocol.randomisation import (
    ARM,
    MOST_STRATA,
    SITE,
    AllocationList,
    Factor,
    numbered,
)
from trialsim.scenario.protocol.treatment import Treatment
from trialsim.scenario.validation.refusal import (
    Rules,
    Violation,
    begins_below_zero,
    must_exist,
    unknown,
    until_missing,
    within,
)
from trialsim.scenario.validation.sources import Source


def _eligibility_agrees(eligibility: Eligibility) -> Iterator[Violation]:
    yield from within("eligibility", eligibility.conflicts())


def _eligibility_fits(population: Population, eligibility: Eligibility) -> Iterator[Violation]:
    yield from within("eligibility", eligibility.refusals(population.covariates))


def _arrival_is_known(population: Population, operations: Operations) -> Iterator[Violation]:
    name = operations.onset_to_arrival_hours
    path = "operations.onset_to_arrival_hours"
    yield from _number(path, name, population)
    if name in population.covariates:
        margin = f"population.covariates.{name}.margin"
        ends = ends_of(population.covariates[name].margin)
        if ends is not None:
            yield from begins_below_zero(margin, ends[0])


def _outcomes_fit(population: Population, outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    for name, outcome in outcomes.items():
        yield from within(f"outcomes.{name}", _outcome_fits(population, outcome))


def _outcome_fits(population: Population, outcome: Outcome) -> Iterator[Violation]:
    covariates = population.covariates
    several = len(outcome.prognosis or {}) > 1
    for name in outcome.prognosis or {}:
        yield from _number(f"prognosis.{name}" if several else "prognosis", name, population)
    for name in outcome.predictors:
        if name in covariates:
            yield from _stands_alone(outcome, name, covariates[name])
    courses = {"course": outcome.course}
    courses |= {f"course_by_arm.{arm}": one for arm, one in outcome.course_by_arm.items()}
    for path, course in courses.items():
        if isinstance(course, RecoveryClasses):
            yield from within(path, _classes_fit(population, course))
        elif isinstance(course, OwnCourse):
            for name in course.covariates:
                yield from must_exist(f"{path}.covariates.{name}", "covariate", name, covariates)
    if outcome.effect.subgroup is not None:
        yield from within("effect.subgroup", outcome.effect.subgroup.refusals(covariates))
    if outcome.baseline is not None:
        yield from _baseline_fits("baseline", outcome.baseline, population, outcome)


def _baseline_fits(
    path: str, name: str, population: Population, outcome: Outcome
) -> Iterator[Violation]:
    yield from _number(path, name, population)
    covariate = population.covariates.get(name)
    if covariate is None or not covariate.keeps_its_rules or not outcome.keeps_its_rules:
        return
    if isinstance(covariate.margin, OnCourse):
        return  # within the scale of the outcome whose course it is, or refused there
    if outcome.step == 1:
        low, high = covariate.bounds or (outcome.low - 1, outcome.high)
        kind = "a whole-number covariate"
    else:
        low, high = ends_of(covariate.margin) or (outcome.low, outcome.high)
        kind = "a covariate"
    if low < outcome.low or high > outcome.high:
        rule = f"must be {kind} within {outcome.low:g} and {outcome.high:g}"
        yield Violation(path, rule + _rows_outside(covariate.margin, outcome), name)


def _rows_outside(margin: object, outcome: Outcome) -> str:
    """Return which row of a table is outside a scale, and how many more are; "" of no table."""
    if not isinstance(margin, FromTable):
        return ""
    numbers = margin.numbers
    outside = (numbers < outcome.low) | (numbers > outcome.high)
    if outcome.step == 1:
        outside |= numbers % 1 != 0
    if not outside.any():
        return ""
    row, more = int(np.argmax(outside)), int(outside.sum()) - 1
    also = f", and {more:,} more rows are outside" if more else ""
    return f"; in row {row + 1} of the table it is {numbers[row]:g}{also}"


def _stands_alone(outcome: Outcome, name: str, predictor: Covariate) -> Iterator[Violation]:
    if not predictor.stands_alone:
        path = "prognosis" if outcome.prognosis else "baseline"
        rule = "must be a covariate with a distribution of its own, for a course that goes by it"
        yield Violation(path, rule, name)


def _bounds_name_earlier_outcomes(outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    names = list(outcomes)
    for place, (name, outcome) in enumerate(outcomes.items()):
        for label, bound in vars(outcome).get("bounds", {}).items():
            other = vars(bound).get("outcome")
            path = f"outcomes.{name}.bounds.{label}.outcome"
            if other is not None and other not in names:
                yield Violation(path, unknown("outcome", other, names), other)
            elif other is not None and other not in names[:place]:
                rule = "must be an outcome that stands before the one it bounds"
                yield Violation(path, rule, other)


def _classes_fit(population: Population, course: RecoveryClasses) -> Iterator[Violation]:
    covariate = population.covariates.get(course.class_covariate)
    if covariate is None:
        rule = unknown("covariate", course.class_covariate, population.covariates)
        yield Violation("class_covariate", rule, course.class_covariate)
    elif covariate.levels != tuple(course.classes):
        rule = f"must have the classes as levels, in this order: {', '.join(course.classes)}"
        yield Violation("class_covariate", rule, course.class_covariate)
    yield from _number("start_covariate", course.start_covariate, population)
    start = population.covariates.get(course.start_covariate)
    if start is None or not course.keeps_its_rules:
        return
    bottom, top = course.latent_ends
    ends = ends_of(start.margin)
    if ends is None or ends[0] < bottom or ends[1] > top:
        rule = f"must be a covariate drawn within {bottom:g} and {top:g}, the ends of the points"
        yield Violation("start_covariate", rule, course.start_covariate)


def _scores_before_the_drug_fit(
    population: Population, outcomes: Mapping[str, Outcome]
) -> Iterator[Violation]:
    for name, margin in known_margins(population.covariates):
        if isinstance(margin, OnCourse):
            refused = _score_fits(name, population.covariates[name], margin, outcomes)
            yield from within(f"population.covariates.{name}", refused)


def _score_fits(
    name: str, covariate: Covariate, margin: OnCourse, outcomes: Mapping[str, Outcome]
) -> Iterator[Violation]:
    yield from must_exist("margin.outcome", "outcome", margin.outcome, outcomes)
    if margin.outcome not in outcomes:
        return
    outcome = outcomes[margin.outcome]
    if outcome.baseline not in (None, name):
        rule = f"must be an outcome whose baseline is {name}, or that has none"
        yield Violation("margin.outcome", rule, margin.outcome)
    if not isinstance(outcome.course, RecoveryClasses):
        rule = "must be an outcome whose course starts from other covariates, recovery_classes"
        yield Violation("margin.outcome", rule, margin.outcome)
    if covariate.whole and not outcome.grid.is_whole:
        yield Violation(
            "whole", "must be false where the scores of the outcome are not whole", True
        )


def _outcomes_correlate(
    outcomes: Mapping[str, Outcome], outcome_correlation: OutcomeCorrelation
) -> Iterator[Violation]:
    yield from within("outcome_correlation", outcome_correlation.refusals(list(outcomes)))


def _courses_have_arms(design: Design, outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    for name, outcome in outcomes.items():
        for arm in vars(outcome).get("course_by_arm", {}):
            yield from must_exist(f"outcomes.{name}.course_by_arm.{arm}", "arm", arm, design.arms)


def _patients_can_be_held(design: Design, treatment: Treatment) -> Iterator[Violation]:
    most = design.most_patients(treatment.infusions.count)
    if design.patients > most:
        rule = f"must be at most {most:,}: {MOST_CONTACTS:,} infusions and visits of all together"
        yield Violation("design.patients", rule, design.patients)


def _doses_have_phases(design: Design, treatment: Treatment) -> Iterator[Violation]:
    phases = len(treatment.infusions.phases)
    for name, arm in design.arms.items():
        if arm.keeps_its_rules and len(arm.doses) not in (1, phases):
            rule = f"must have one dose, or one for each phase of the infusions, {phases}"
            yield Violation(f"design.arms.{name}", rule, len(arm.doses))


def _doses_have_their_unit(
    population: Population, design: Design, treatment: Treatment
) -> Iterator[Violation]:
    if not design.arms or not all(arm.keeps_its_rules for arm in design.arms.values()):
        return
    unit = design.dose_unit
    if unit.endswith("/kg") and treatment.body_weight_kg is None:
        rule = f"must name the covariate that holds the weight, for doses in {unit}"
        yield Violation("treatment.body_weight_kg", rule, None)
    if unit.startswith("mg") and treatment.strength_mg_per_ml is None:
        yield Violation("treatment.strength_mg_per_ml", f"must be given for doses in {unit}", None)
    if treatment.body_weight_kg is not None:
        yield from _number("treatment.body_weight_kg", treatment.body_weight_kg, population)


def _risks_fit(
    population: Population, operations: Operations, design: Design
) -> Iterator[Violation]:
    for what, odds in _risks(operations):
        yield from within(f"operations.{what}", _risk_fits(population, odds, design))


def _risks(operations: Operations) -> Iterator[tuple[str, IntercurrentEvent | Odds]]:
    """Yield the names and the risks of all that may happen, as far as they are known."""
    for what in (*get_args(Event), "visit_missed_odds"):
        if (odds := vars(operations).get(what)) is not None:
            yield what, odds


def _risk_fits(
    population: Population, happening: IntercurrentEvent | Odds, design: Design
) -> Iterator[Violation]:
    for name in happening.covariates:
        yield from _number(f"covariates.{name}", name, population)
    for name, risk in happening.arms.items():
        yield from must_exist(f"arms.{name}", "arm", name, design.arms)
        if risk.subgroup is not None:
            refused = risk.subgroup.refusals(population.covariates)
            yield from within(f"arms.{name}.subgroup", refused)


def _risks_know_scores(
    operations: Operations, outcomes: Mapping[str, Outcome]
) -> Iterator[Violation]:
    for what, odds in _risks(operations):
        for name in vars(odds).get("scores", {}):
            yield from must_exist(f"operations.{what}.scores.{name}", "outcome", name, outcomes)


def _ends_follow_from_the_past(
    operations: Operations, design: Design, monitoring: Monitoring | None
) -> Iterator[Violation]:
    """Refuse ends of infusions that go by the score at the next visit where chairs are short.

    That score goes by the infusions until then, these by who waits for a chair, and who waits by
    the end: none, or several, of the histories would then agree with themselves.
    """
    sizes = None if monitoring is None else monitoring.re_estimation
    if not operations.chairs_can_run_short(design.patients if sizes is None else sizes.at_most):
        return
    chairs = operations.infusion_chairs_per_site
    rule = (
        f"must be last_observed where patients wait for chairs (infusion_chairs_per_site {chairs}),"
        " since the next score depends on who waits until then, and who waits on this event; or "
        "set operations.infusion_chairs_per_site to null"
    )
    for what, event in _risks(operations):
        if what in ENDS_OF_INFUSIONS and vars(event).get("probability"):
            for name, risk in vars(event).get("scores", {}).items():
                if risk is not None and vars(risk).get("seen") == "unseen":
                    path = f"operations.{what}.scores.{name}.seen"
                    yield Violation(path, rule, "unseen")


def _rescue_fits(operations: Operations, outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    rescue = vars(operations).get("rescue")
    for name, effect in ({} if rescue is None else vars(rescue).get("effects", {})).items():
        path = f"operations.rescue.effects.{name}"
        outcome = outcomes.get(name)
        yield from must_exist(path, "outcome", name, outcomes)
        if effect is not None and outcome is not None and effect.keeps_its_rules:
            yield from within(path, unreachable(outcome, effect.anchor, effect.value))


def _somebody_can_switch(operations: Operations, design: Design) -> Iterator[Violation]:
    switching = vars(operations).get("switching")
    to = None if switching is None else vars(switching).get("to")
    if to is None:
        return
    yield from must_exist("operations.switching.to", "arm", to, design.arms)
    if [*design.arms] == [to]:
        rule = "must be one arm of several: there is none to switch from"
        yield Violation("operations.switching.to", rule, to)


def _effects_reachable(outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    for name, outcome in outcomes.items():
        yield from within(f"outcomes.{name}.effect", effect_refusals(outcome))


def _sources_fit(
    sources: Mapping[str, Source], references: Mapping[str, str]
) -> Iterator[Violation]:
    for path, source in sources.items():
        yield from until_missing(_reference_exists(path, source, references))


def _reference_exists(
    path: str, source: Source, references: Mapping[str, str]
) -> Iterator[Violation]:
    if source.reference is not None:
        at = f"sources.{path}.reference"
        yield from must_exist(at, "reference", source.reference, references)


def _strata_fit(population: Population, design: Design) -> Iterator[Violation]:
    """Refuse factors and caps of covariates that the population does not have."""
    kinds: dict[str, Factor | Rule] = {
        **{f"strata.{name}": factor for name, factor in design.strata.items()},
        **{f"caps.{name}.who": cap.who for name, cap in design.caps.items()},
    }
    for path, kind in kinds.items():
        yield from within(f"design.{path}", kind.refusals(population.covariates))


def _lists_name_what_there_is(
    population: Population, operations: Operations, design: Design
) -> Iterator[Violation]:
    """Refuse cells of allocation lists that are no arm, site or class, and strata without any."""
    if not isinstance(design.randomisation, AllocationList):
        return
    columns, path = design.randomisation.columns, "design.randomisation.columns"
    names: dict[str, Collection[str]] = {ARM: design.arms, SITE: operations.sites}
    for name, factor in design.strata.items():
        names[name] = factor.classes(population.covariates)
    wrong = False
    for name, cells in columns.items():
        known = numbered(names.get(name, cells))
        for row, cell in enumerate(cells):
            if cell not in known:
                kind = "class" if name in design.strata else name
                wrong = True
                rule = f"row {row + 1}: {unknown(kind, cell, known)}"
                yield Violation(f"{path}.{name}", rule, cell)
    if wrong or not set(design.factors) <= columns.keys():
        return
    places = [[numbered(names[name])[cell] for cell in columns[name]] for name in design.factors]
    strata = prod(len(names[name]) for name in design.factors)
    without = strata - len(set(zip(*places, strict=True))) if places else 0
    if without:
        rule = f"must have a place in each of {strata} strata"
        yield Violation(path, rule, f"none in {without}")


def _strata_are_few(
    population: Population, operations: Operations, design: Design
) -> Iterator[Violation]:
    count = len(operations.sites) if design.stratify_by == SITE else 1
    for factor in design.strata.values():
        count *= len(factor.classes(population.covariates))
    if count > MOST_STRATA:
        yield Violation("design.strata", f"must make at most {MOST_STRATA:,} strata", count)


def _visits_in_order(design: Design, operations: Operations) -> Iterator[Violation]:
    """Hold visits counted from onset apart from those counted from randomisation."""
    window = operations.first_infusion_after_onset
    for (_, before), (name, visit) in pairwise(design.visits.items()):
        yield from until_missing(_not_before(name, visit, before, window))


def _not_before(name: str, visit: Visit, before: Visit, window: Window) -> Iterator[Violation]:
    fewest, most = window.earliest_hours // 24, window.latest_hours // 24
    ends = before.day + before.window_days - (fewest if before.after == "onset" else 0)
    begins = visit.day - visit.window_days - (most if visit.after == "onset" else 0)
    if visit.after != before.after and max(begins, 0) < ends:
        rule = (
            "must not lie before the visit before it, windows included, for patients "
            f"randomised {fewest:g} to {most:g} days after onset"
        )
        yield Violation(f"design.visits.{name}.day", rule, visit.day)


def _number(path: str, name: str, population: Population) -> Iterator[Violation]:
    covariate = population.covariates.get(name)
    if covariate is None:
        yield Violation(path, unknown("covariate", name, population.covariates), name)
    elif covariate.levels is not None or covariate.is_flag:
        yield Violation(path, "must be a covariate that is a number", name)


COHERENCE: Rules = (
    _eligibility_agrees,
    _eligibility_fits,
    _arrival_is_known,
    _outcomes_fit,
    _scores_before_the_drug_fit,
    _outcomes_correlate,
    _courses_have_arms,
    _patients_can_be_held,
    _doses_have_phases,
    _doses_have_their_unit,
    _risks_fit,
    _risks_know_scores,
    _ends_follow_from_the_past,
    _rescue_fits,
    _somebody_can_switch,
    _bounds_name_earlier_outcomes,
    _effects_reachable,
    _visits_in_order,
    _strata_fit,
    _strata_are_few,
    _lists_name_what_there_is,
    *PLAN_COHERENCE,
    *MONITORING_COHERENCE,
    _sources_fit,
)

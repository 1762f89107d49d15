"""What an analysis plan names the study must hold: visits, arms, outcomes, covariates."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods import (
    AdjustedRank,
    Ancova,
    ExactMannWhitney,
    OBrien,
    Responders,
    WeiLachin,
)
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Rules, Violation, unknown, until_missing

PlanRule: TypeAlias = Callable[[Any, AnalysisPlan], Iterator[Violation]]
MOST_EXACT_PATIENTS = 500
"""Beyond, the exact distribution takes a gigabyte and minutes."""


def _in_each_comparison(rule: PlanRule) -> PlanRule:
    """Hold the primary and every secondary analysis to a rule; what all break is told once."""

    def broken(part: Any, analysis: AnalysisPlan) -> Iterator[Violation]:
        primary = list(until_missing(rule(part, analysis)))
        for refusal in primary:
            yield refusal._replace(path=f"analysis.{refusal.path}")
        for name, further in analysis.further.items():
            for refusal in until_missing(rule(part, further)):
                if refusal not in primary:
                    yield refusal._replace(path=f"analysis.secondary.{name}.{refusal.path}")

    return broken


def _names_are_free(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    for name in analysis.secondary:
        if name in design.visits:
            rule = "must not bear the name of a visit, whose analysis is so called"
            yield Violation(f"analysis.secondary.{name}", rule)


def _endpoint_exists(outcomes: Mapping[str, Outcome], plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("endpoint", "endpoint", plan.endpoint, outcomes)


def _visit_exists(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("visit", "visit", plan.visit, design.visits)


def _treated_exist(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("treated", "arm", plan.treated, design.arms)


def _control_exists(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("control", "arm", plan.control, design.arms)


def _exists(field: str, kind: str, name: str, known: Iterable[str]) -> Iterator[Violation]:
    if name not in known:
        yield Violation(field, unknown(kind, name, known), name)


def _exact_is_feasible(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    if isinstance(plan.test, ExactMannWhitney) and design.patients > MOST_EXACT_PATIENTS:
        rule = f"must be another with more than {MOST_EXACT_PATIENTS} patients"
        yield Violation("test", rule, plan.test.method)


def _method_fits_outcomes(
    outcomes: Mapping[str, Outcome], plan: AnalysisPlan
) -> Iterator[Violation]:
    match plan.test:
        case WeiLachin() | OBrien():
            yield from _several(plan.test, outcomes)
        case Responders(threshold=threshold) if plan.endpoint in outcomes:
            yield from _threshold(threshold, outcomes[plan.endpoint], plan.measure)


def _covariates_exist(population: Population, plan: AnalysisPlan) -> Iterator[Violation]:
    if isinstance(plan.test, AdjustedRank):
        for name in plan.test.covariates:
            yield from until_missing(_can_adjust(name, population))


def _can_adjust(name: str, population: Population) -> Iterator[Violation]:
    covariate = population.covariates.get(name)
    path = f"test.covariates.{name}"
    if covariate is None:
        yield Violation(path, unknown("covariate", name, population.covariates), name)
    elif covariate.levels is not None:
        yield Violation(path, "must be a covariate that is a number, true or false", name)


def _several(method: WeiLachin | OBrien, outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    if len(outcomes) < 2:
        rule = f"must be a method for one outcome: the scenario has {', '.join(outcomes)} alone"
        yield Violation("test.method", rule, method.method)
        return
    for name in method.outcomes:
        if name not in outcomes:
            yield Violation("test.outcomes", unknown("outcome", name, outcomes), name)


def _threshold(threshold: float, outcome: Outcome, measure: str) -> Iterator[Violation]:
    """Refuse a threshold that nobody or everybody reaches."""
    if not outcome.keeps_its_rules:
        return
    low, high, step = outcome.low, outcome.high, outcome.step
    if measure == "change":
        low, high = low - high, high - low
    lowest, highest = (low + step, high) if outcome.sign > 0 else (low, high - step)
    if not lowest <= threshold <= highest:
        rule = f"must lie between {lowest:g} and {highest:g}, or nobody or everybody responds"
        yield Violation("test.threshold", rule, threshold)


def _baseline_is_measured(
    outcomes: Mapping[str, Outcome], plan: AnalysisPlan
) -> Iterator[Violation]:
    """Refuse what looks at a baseline score that is not measured."""
    named = plan.test.outcomes if isinstance(plan.test, WeiLachin | OBrien) else (plan.endpoint,)
    without = [name for name in named if name in outcomes and outcomes[name].baseline is None]
    if not without:
        return
    rule = f"must be another: {without[0]} is not measured at baseline"
    if plan.measure == "change":
        yield Violation("measure", rule, plan.measure)
    if plan.missing == "bocf":
        yield Violation("missing", rule, plan.missing)
    if isinstance(plan.test, Ancova):
        yield Violation("test", rule, plan.test.method)


def _subgroup_exists(population: Population, plan: AnalysisPlan) -> Iterator[Violation]:
    if plan.subgroup is not None:
        for refusal in plan.subgroup.refusals(population.covariates):
            yield refusal._replace(path=f"subgroup.{refusal.path}")


PLAN_COHERENCE: Rules = (
    (("design", "analysis"), _names_are_free),
    (("outcomes", "analysis"), _in_each_comparison(_endpoint_exists)),
    (("design", "analysis"), _in_each_comparison(_visit_exists)),
    (("design", "analysis"), _in_each_comparison(_treated_exist)),
    (("design", "analysis"), _in_each_comparison(_control_exists)),
    (("design", "analysis"), _in_each_comparison(_exact_is_feasible)),
    (("outcomes", "analysis"), _in_each_comparison(_method_fits_outcomes)),
    (("outcomes", "analysis"), _in_each_comparison(_baseline_is_measured)),
    (("population", "analysis"), _in_each_comparison(_covariates_exist)),
    (("population", "analysis"), _in_each_comparison(_subgroup_exists)),
)
"""Rules between the analyses and the parts of the study that they name."""

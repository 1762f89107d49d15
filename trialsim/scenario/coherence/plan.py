"""What an analysis plan names the study must hold: visits, arms, outcomes, covariates."""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.plan.methods.base import covariate_violations
from trialsim.scenario.plan.prognostic import PROGNOSTIC, Prognostic
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import (
    Rules,
    Violation,
    must_exist,
    unknown,
    until_missing,
    within,
)

PlanRule: TypeAlias = Callable[[Any, AnalysisPlan], Iterator[Violation]]


def _in_each_comparison(rule: PlanRule) -> PlanRule:
    """Hold the primary and every secondary analysis to a rule; what all break is reported once."""

    @wraps(rule)
    def broken(part: Any, analysis: AnalysisPlan) -> Iterator[Violation]:
        primary = list(until_missing(rule(part, analysis)))
        yield from within("analysis", primary)
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


def _endpoint_exists(
    outcomes: Mapping[str, Outcome], analysis: AnalysisPlan
) -> Iterator[Violation]:
    yield from must_exist("endpoint", "endpoint", analysis.endpoint, outcomes)


def _visit_exists(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    yield from must_exist("visit", "visit", analysis.visit, design.visits)


def _predictors_come_before(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    predictors = None if analysis.imputation is None else analysis.imputation.predictors
    order = list(design.visits)
    for name in dict.fromkeys(predictors or ()):
        path = "imputation.predictors"
        if name not in design.visits:
            yield Violation(path, unknown("visit", name, design.visits), name)
        elif analysis.visit in order and order.index(name) >= order.index(analysis.visit):
            yield Violation(path, f"must be before {analysis.visit}, which is analysed", name)


def _treated_exist(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    yield from must_exist("treated", "arm", analysis.treated, design.arms)


def _control_exists(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    yield from must_exist("control", "arm", analysis.control, design.arms)


def _strata_exist(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    if analysis.strata == "design" and not design.factors:
        yield Violation("strata", "must be none: the design has no strata", analysis.strata)


def _method_fits_design(design: Design, analysis: AnalysisPlan) -> Iterator[Violation]:
    yield from analysis.test.design_violations(design, analysis)


def _method_fits_outcomes(
    outcomes: Mapping[str, Outcome], analysis: AnalysisPlan
) -> Iterator[Violation]:
    yield from analysis.test.outcome_violations(outcomes, analysis)


def _method_fits_population(population: Population, analysis: AnalysisPlan) -> Iterator[Violation]:
    yield from analysis.test.population_violations(_with_score(population, analysis.prognostic))


def _with_score(population: Population, prognostic: Prognostic | None) -> Population:
    """Return the population with the prognostic score as one more number that is known."""
    if prognostic is None:
        return population
    known = population.covariates
    numbers = [known[name] for name in prognostic.covariates if name in known]
    score = dict.fromkeys([PROGNOSTIC], numbers[0]) if numbers else {}
    return population.model_copy(update={"covariates": {**known, **score}})


def _score_is_of_numbers(population: Population, analysis: AnalysisPlan) -> Iterator[Violation]:
    if analysis.prognostic is None:
        return
    if PROGNOSTIC in population.covariates:
        rule = f"must be null where a covariate of the population is called {PROGNOSTIC}"
        yield Violation("prognostic", rule)
    for refusal in covariate_violations(analysis.prognostic.covariates, population):
        yield refusal._replace(path=refusal.path.replace("test", "prognostic", 1))


def _baseline_is_measured(
    outcomes: Mapping[str, Outcome], analysis: AnalysisPlan
) -> Iterator[Violation]:
    """Refuse what looks at a baseline score that is not measured."""
    analysed = analysis.test.outcomes_of(analysis)
    without = [name for name in analysed if name in outcomes and outcomes[name].baseline is None]
    if not without:
        return
    why = f"{without[0]} is not measured at baseline"
    if analysis.measure == "change":
        yield Violation("measure", f"cannot be change: {why}; use score", analysis.measure)
    if analysis.missing == "bocf":
        yield Violation("missing", f"cannot be bocf: {why}; use locf", analysis.missing)


def _subgroup_exists(population: Population, analysis: AnalysisPlan) -> Iterator[Violation]:
    if analysis.subgroup is not None:
        yield from within("subgroup", analysis.subgroup.refusals(population.covariates))


def _estimands_exist(
    estimands: Mapping[str, Estimand], analysis: AnalysisPlan
) -> Iterator[Violation]:
    named = {"analysis.estimand": vars(analysis).get("estimand")}
    for name, one in vars(analysis).get("secondary", {}).items():
        named[f"analysis.secondary.{name}.estimand"] = vars(one).get("estimand")
    for path, estimand in named.items():
        if estimand is not None and estimand not in estimands:
            yield Violation(path, unknown("estimand", estimand, estimands), estimand)


_OF_COMPARISONS: tuple[PlanRule, ...] = (
    _endpoint_exists,
    _visit_exists,
    _predictors_come_before,
    _treated_exist,
    _control_exists,
    _method_fits_design,
    _strata_exist,
    _method_fits_outcomes,
    _baseline_is_measured,
    _method_fits_population,
    _score_is_of_numbers,
    _subgroup_exists,
)
PLAN_COHERENCE: Rules = (
    _estimands_exist,
    _names_are_free,
    *map(_in_each_comparison, _OF_COMPARISONS),
)
"""Rules between the analyses and the parts of the study that they name."""

"""What an analysis plan names the study must hold: visits, arms, outcomes, covariates."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.estimands import Estimand
from trialsim.scenario.plan.methods.base import covariate_violations
from trialsim.scenario.plan.prognostic import PROGNOSTIC, Prognostic
from trialsim.scenario.protocol.design import Design
from trialsim.scenario.validation.refusal import Rules, Violation, unknown, until_missing

PlanRule: TypeAlias = Callable[[Any, AnalysisPlan], Iterator[Violation]]


def _in_each_comparison(rule: PlanRule) -> PlanRule:
    """Hold the primary and every secondary analysis to a rule; what all break is reported once."""

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


def _predictors_come_before(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    predictors = None if plan.imputation is None else plan.imputation.predictors
    order = list(design.visits)
    for name in dict.fromkeys(predictors or ()):
        path = "imputation.predictors"
        if name not in design.visits:
            yield Violation(path, unknown("visit", name, design.visits), name)
        elif plan.visit in order and order.index(name) >= order.index(plan.visit):
            yield Violation(path, f"must be before {plan.visit}, which is analysed", name)


def _treated_exist(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("treated", "arm", plan.treated, design.arms)


def _control_exists(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from _exists("control", "arm", plan.control, design.arms)


def _exists(field: str, kind: str, name: str, known: Iterable[str]) -> Iterator[Violation]:
    if name not in known:
        yield Violation(field, unknown(kind, name, known), name)


def _strata_exist(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    if plan.strata == "design" and not design.factors:
        yield Violation("strata", "must be none: the design has no strata", plan.strata)


def _method_fits_design(design: Design, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from plan.test.design_violations(design, plan)


def _method_fits_outcomes(
    outcomes: Mapping[str, Outcome], plan: AnalysisPlan
) -> Iterator[Violation]:
    yield from plan.test.outcome_violations(outcomes, plan)


def _method_fits_population(population: Population, plan: AnalysisPlan) -> Iterator[Violation]:
    yield from plan.test.population_violations(_with_score(population, plan.prognostic))


def _with_score(population: Population, prognostic: Prognostic | None) -> Population:
    """Return the population with the prognostic score as one more number that is known."""
    if prognostic is None:
        return population
    known = population.covariates
    numbers = [known[name] for name in prognostic.covariates if name in known]
    score = dict.fromkeys([PROGNOSTIC], numbers[0]) if numbers else {}
    return population.model_copy(update={"covariates": {**known, **score}})


def _score_is_of_numbers(population: Population, plan: AnalysisPlan) -> Iterator[Violation]:
    if plan.prognostic is None:
        return
    if PROGNOSTIC in population.covariates:
        rule = f"must be null where a covariate of the population is called {PROGNOSTIC}"
        yield Violation("prognostic", rule)
    for refusal in covariate_violations(plan.prognostic.covariates, population):
        yield refusal._replace(path=refusal.path.replace("test", "prognostic", 1))


def _baseline_is_measured(
    outcomes: Mapping[str, Outcome], plan: AnalysisPlan
) -> Iterator[Violation]:
    """Refuse what looks at a baseline score that is not measured."""
    analysed = plan.test.outcomes_of(plan)
    without = [name for name in analysed if name in outcomes and outcomes[name].baseline is None]
    if not without:
        return
    why = f"{without[0]} is not measured at baseline"
    if plan.measure == "change":
        yield Violation("measure", f"cannot be change: {why}; use score", plan.measure)
    if plan.missing == "bocf":
        yield Violation("missing", f"cannot be bocf: {why}; use locf", plan.missing)


def _subgroup_exists(population: Population, plan: AnalysisPlan) -> Iterator[Violation]:
    if plan.subgroup is not None:
        for refusal in plan.subgroup.refusals(population.covariates):
            yield refusal._replace(path=f"subgroup.{refusal.path}")


def _estimands_exist(
    estimands: Mapping[str, Estimand], analysis: AnalysisPlan
) -> Iterator[Violation]:
    named = {"analysis.estimand": vars(analysis).get("estimand")}
    for name, one in vars(analysis).get("secondary", {}).items():
        named[f"analysis.secondary.{name}.estimand"] = vars(one).get("estimand")
    for path, estimand in named.items():
        if estimand is not None and estimand not in estimands:
            yield Violation(path, unknown("estimand", estimand, estimands), estimand)


PLAN_COHERENCE: Rules = (
    (("estimands", "analysis"), _estimands_exist),
    (("design", "analysis"), _names_are_free),
    (("outcomes", "analysis"), _in_each_comparison(_endpoint_exists)),
    (("design", "analysis"), _in_each_comparison(_visit_exists)),
    (("design", "analysis"), _in_each_comparison(_predictors_come_before)),
    (("design", "analysis"), _in_each_comparison(_treated_exist)),
    (("design", "analysis"), _in_each_comparison(_control_exists)),
    (("design", "analysis"), _in_each_comparison(_method_fits_design)),
    (("design", "analysis"), _in_each_comparison(_strata_exist)),
    (("outcomes", "analysis"), _in_each_comparison(_method_fits_outcomes)),
    (("outcomes", "analysis"), _in_each_comparison(_baseline_is_measured)),
    (("population", "analysis"), _in_each_comparison(_method_fits_population)),
    (("population", "analysis"), _in_each_comparison(_score_is_of_numbers)),
    (("population", "analysis"), _in_each_comparison(_subgroup_exists)),
)
"""Rules between the analyses and the parts of the study that they name."""

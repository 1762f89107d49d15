"""The rules between the parts of a scenario: what one names, another must hold."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from trialsim.scenario.design import Design, Visit
from trialsim.scenario.effects import effect_refusals
from trialsim.scenario.eligibility import Eligibility
from trialsim.scenario.operations import Operations, Window
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.plan_coherence import PLAN_COHERENCE
from trialsim.scenario.population import Population
from trialsim.scenario.refusal import Refusal, Rules, as_far_as_known, negative, unknown
from trialsim.scenario.sources import Source


def _eligibility_agrees(eligibility: Eligibility) -> Iterator[Refusal]:
    for refusal in eligibility.conflicts():
        yield refusal._replace(path=f"eligibility.{refusal.path}".rstrip("."))


def _eligibility_fits(population: Population, eligibility: Eligibility) -> Iterator[Refusal]:
    for refusal in eligibility.refusals(population.covariates):
        yield refusal._replace(path=f"eligibility.{refusal.path}")


def _arrival_is_known(population: Population, operations: Operations) -> Iterator[Refusal]:
    name = operations.onset_to_arrival_hours
    path = "operations.onset_to_arrival_hours"
    yield from _number(path, name, population)
    if name in population.covariates:
        margin = f"population.covariates.{name}.margin"
        yield from negative(margin, population.covariates[name].margin)


def _outcomes_fit(population: Population, outcomes: Mapping[str, Outcome]) -> Iterator[Refusal]:
    for name, outcome in outcomes.items():
        path = f"outcomes.{name}.baseline"
        yield from as_far_as_known(_baseline_fits(path, population, outcome))


def _baseline_fits(path: str, population: Population, outcome: Outcome) -> Iterator[Refusal]:
    yield from _number(path, outcome.baseline, population)
    covariate = population.covariates.get(outcome.baseline)
    if covariate is None or not covariate.keeps_its_rules or not outcome.keeps_its_rules:
        return
    low, high = covariate.bounds or (outcome.low - 1, outcome.high)
    if low < outcome.low or high > outcome.high:
        rule = f"must be a whole-number covariate within {outcome.low} and {outcome.high}"
        yield Refusal(path, rule, outcome.baseline)


def _effects_reachable(outcomes: Mapping[str, Outcome]) -> Iterator[Refusal]:
    for name, outcome in outcomes.items():
        for refusal in as_far_as_known(effect_refusals(outcome)):
            yield refusal._replace(path=f"outcomes.{name}.effect.{refusal.path}")


def _sources_fit(sources: Mapping[str, Source], references: Mapping[str, str]) -> Iterator[Refusal]:
    for path, source in sources.items():
        yield from as_far_as_known(_reference_exists(path, source, references))


def _reference_exists(
    path: str, source: Source, references: Mapping[str, str]
) -> Iterator[Refusal]:
    if source.reference is not None and source.reference not in references:
        rule = unknown("reference", source.reference, references)
        yield Refusal(f"sources.{path}.reference", rule, source.reference)


def _visits_in_order(design: Design, operations: Operations) -> Iterator[Refusal]:
    """Hold visits counted from onset apart from those counted from randomisation."""
    window = operations.first_infusion_after_onset
    for (_, before), (name, visit) in pairwise(design.visits.items()):
        yield from as_far_as_known(_not_before(name, visit, before, window))


def _not_before(name: str, visit: Visit, before: Visit, window: Window) -> Iterator[Refusal]:
    fewest, most = window.earliest_hours // 24, window.latest_hours // 24
    ends = before.day + before.window_days - (fewest if before.after == "onset" else 0)
    begins = visit.day - visit.window_days - (most if visit.after == "onset" else 0)
    if visit.after != before.after and max(begins, 0) < ends:
        rule = (
            "must not lie before the visit before it, windows included, for patients "
            f"randomised {fewest:g} to {most:g} days after onset"
        )
        yield Refusal(f"design.visits.{name}.day", rule, visit.day)


def _number(path: str, name: str, population: Population) -> Iterator[Refusal]:
    covariate = population.covariates.get(name)
    if covariate is None:
        yield Refusal(path, unknown("covariate", name, population.covariates), name)
    elif covariate.levels is not None or covariate.is_flag:
        yield Refusal(path, "must be a covariate that is a number", name)


COHERENCE: Rules = (
    (("eligibility",), _eligibility_agrees),
    (("population", "eligibility"), _eligibility_fits),
    (("population", "operations"), _arrival_is_known),
    (("population", "outcomes"), _outcomes_fit),
    (("outcomes",), _effects_reachable),
    (("design", "operations"), _visits_in_order),
    *PLAN_COHERENCE,
    (("sources", "references"), _sources_fit),
)

"""What an analysis plan names the study must hold: visits, arms, outcomes, covariates."""

from collections.abc import Iterator, Mapping

from trialsim.scenario.analysis_plan import AnalysisPlan
from trialsim.scenario.design import BASELINE, Design
from trialsim.scenario.methods import (
    AdjustedRank,
    ExactMannWhitney,
    OBrien,
    Responders,
    WeiLachin,
)
from trialsim.scenario.outcomes import Outcome
from trialsim.scenario.population import Population
from trialsim.scenario.refusal import Refusal, unknown

MOST_EXACT_PATIENTS = 500
"""Beyond, the exact distribution takes a gigabyte and minutes (`trialsim.stats.exact_rank`)."""


def plan_refusals(
    design: Design,
    outcomes: Mapping[str, Outcome],
    population: Population,
    analysis: AnalysisPlan,
) -> Iterator[Refusal]:
    """Yield what the primary and the secondary analyses name wrongly, below the plan."""
    primary = list(_comparison(design, outcomes, population, analysis))
    yield from primary
    for name, further in analysis.further.items():
        if name in design.visits:
            rule = "must not bear the name of a visit, whose analysis is so called"
            yield Refusal(f"secondary.{name}", rule)
        for refusal in _comparison(design, outcomes, population, further):
            if refusal not in primary:
                yield refusal._replace(path=f"secondary.{name}.{refusal.path}")


def _comparison(
    design: Design,
    outcomes: Mapping[str, Outcome],
    population: Population,
    plan: AnalysisPlan,
) -> Iterator[Refusal]:
    known = {"endpoint": outcomes, "visit": design.visits}
    known |= {"treated": design.arms, "control": design.arms}
    for field, names in known.items():
        name = getattr(plan, field)
        if name not in names:
            kind = "arm" if names is design.arms else field
            yield Refusal(field, unknown(kind, name, names), name)
    if plan.treated == plan.control:
        yield Refusal("control", "must be another arm than treated", plan.control)
    if plan.visit == BASELINE:
        yield Refusal("visit", "must be after baseline", plan.visit)
    match plan.test:
        case ExactMannWhitney() if design.patients > MOST_EXACT_PATIENTS:
            rule = f"must be another with more than {MOST_EXACT_PATIENTS} patients"
            yield Refusal("test", rule, plan.test.method)
        case AdjustedRank(covariates=covariates):
            yield from _covariates(covariates, population)
        case WeiLachin() | OBrien():
            yield from _several(plan.test, outcomes)
        case Responders(threshold=threshold) if plan.endpoint in outcomes:
            yield from _threshold(threshold, outcomes[plan.endpoint], plan.measure)


def _covariates(named: Mapping[str, str], population: Population) -> Iterator[Refusal]:
    for name in named:
        covariate = population.covariates.get(name)
        path = f"test.covariates.{name}"
        if covariate is None:
            yield Refusal(path, unknown("covariate", name, population.covariates), name)
        elif covariate.levels is not None:
            yield Refusal(path, "must be a covariate that is a number, true or false", name)


def _several(method: WeiLachin | OBrien, outcomes: Mapping[str, Outcome]) -> Iterator[Refusal]:
    if len(outcomes) < 2:
        rule = f"must be a method for one outcome: the scenario has {', '.join(outcomes)} alone"
        yield Refusal("test.method", rule, method.method)
        return
    for name in method.outcomes:
        if name not in outcomes:
            yield Refusal("test.outcomes", unknown("outcome", name, outcomes), name)


def _threshold(threshold: int, outcome: Outcome, measure: str) -> Iterator[Refusal]:
    """Refuse a threshold that nobody or everybody reaches."""
    low, high = outcome.low, outcome.high
    if measure == "change":
        low, high = low - high, high - low
    lowest, highest = (low + 1, high) if outcome.sign > 0 else (low, high - 1)
    if not lowest <= threshold <= highest:
        rule = f"must lie between {lowest} and {highest}, or nobody or everybody responds"
        yield Refusal("test.threshold", rule, threshold)

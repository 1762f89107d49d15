"""What a finding names the study must hold: arms, visits, analyses, outcomes, covariates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import Calibration, Finding, OfCovariate, OfOutcome
from trialsim.scenario.protocol.design import BASELINE, Design
from trialsim.scenario.validation.refusal import Rules, Violation, must_exist, unknown, within

Findings: TypeAlias = Mapping[str, Finding]


def _arms_exist(design: Design, findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("arm", findings, design.arms)


def _visits_exist(design: Design, findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("visit", findings, design.visits)


def _analyses_exist(analysis: AnalysisPlan, findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("analysis", findings, (PRIMARY, *analysis.secondary))


def _all_exist(field: str, findings: Findings, known: Iterable[str]) -> Iterator[Violation]:
    """Refuse whatever a field of the findings names that is not known."""
    for name, of in _subjects(findings):
        named = vars(of).get(field)
        if named is not None:
            yield from must_exist(f"findings.{name}.of.{field}", field, named, known)


def _scores_exist(outcomes: Mapping[str, Outcome], findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("outcome", findings, outcomes)
    for name, of in _subjects(findings):
        if isinstance(of, OfOutcome):
            yield from within(f"findings.{name}.of", _were_measured(of, outcomes))


def _were_measured(of: OfOutcome, outcomes: Mapping[str, Outcome]) -> Iterator[Violation]:
    if outcomes.get(of.outcome) is not None:
        yield from _was_measured(of, outcomes[of.outcome])
    other = of.besides
    if other is None:
        return
    if other.outcome not in outcomes:
        rule = unknown("outcome", other.outcome, outcomes)
        yield Violation("besides.outcome", rule, other.outcome)
    elif outcomes[other.outcome].baseline is None and other.measure == "change":
        rule = f"must be score: {other.outcome} is not measured at baseline"
        yield Violation("besides.measure", rule, other.measure)


def _was_measured(of: OfOutcome, outcome: Outcome) -> Iterator[Violation]:
    if outcome.baseline is None and of.measure == "change":
        rule = f"must be score: {of.outcome} is not measured at baseline"
        yield Violation("measure", rule, of.measure)
    if outcome.baseline is None and of.visit == BASELINE:
        rule = f"cannot be {of.visit}: {of.outcome} is not measured then"
        yield Violation("visit", rule, of.visit)


def _covariates_answer(population: Population, findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("covariate", findings, population.covariates)
    for name, of in _subjects(findings):
        yield from within(f"findings.{name}.of", _covariates_exist(of, population))


def _covariates_exist(of: Any, population: Population) -> Iterator[Violation]:
    subgroup = vars(of).get("subgroup")
    if subgroup is not None:
        yield from within("subgroup", subgroup.refusals(population.covariates))
    covariate = population.covariates.get(vars(of).get("covariate", ""))
    if not isinstance(of, OfCovariate) or covariate is None or not of.keeps_its_rules:
        return
    if of.figure == "share":
        yield from of.share_rule.refusals(population.covariates)
    elif covariate.levels is not None or covariate.is_flag:
        yield Violation("figure", "must be share, of a level or a flag", of.figure)


def _subjects(findings: Findings) -> Iterator[tuple[str, Any]]:
    """Yield what each finding is a figure of, as far as it is known."""
    for name, finding in findings.items():
        if (of := vars(finding).get("of")) is not None:
            yield name, of


def findings_exist(
    findings: Findings, calibrated: Mapping[str, Calibration]
) -> Iterator[Violation]:
    """Refuse what is calibrated to give a finding that there is not."""
    for path, calibration in calibrated.items():
        if (named := vars(calibration).get("finding")) is not None:
            yield from must_exist(f"calibrated.{path}.finding", "finding", named, findings)


FINDING_COHERENCE: Rules = (
    _arms_exist,
    _visits_exist,
    _analyses_exist,
    _scores_exist,
    _covariates_answer,
    findings_exist,
)
"""Rules between the findings and the parts of the study that they name."""

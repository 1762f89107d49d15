"""What a finding names the study must hold: arms, visits, analyses, outcomes, covariates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from trialsim.scenario.outcomes.outcome import Outcome
from trialsim.scenario.patients.population import Population
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.choices import PRIMARY
from trialsim.scenario.plan.findings import Calibration, Finding, OfCovariate, OfOutcome
from trialsim.scenario.protocol.design import BASELINE, Design
from trialsim.scenario.validation.refusal import Rules, Violation, unknown, until_missing

Findings: TypeAlias = Mapping[str, Finding | None]
"""By name; None for one that is wrong."""


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
        if named is not None and named not in known:
            yield Violation(f"findings.{name}.of.{field}", unknown(field, named, known), named)


def _scores_exist(outcomes: Mapping[str, Outcome], findings: Findings) -> Iterator[Violation]:
    yield from _all_exist("outcome", findings, outcomes)
    for name, of in _subjects(findings):
        if isinstance(of, OfOutcome):
            for refusal in until_missing(_were_measured(of, outcomes)):
                yield refusal._replace(path=f"findings.{name}.of.{refusal.path}")


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
        for refusal in until_missing(_covariates_exist(of, population)):
            yield refusal._replace(path=f"findings.{name}.of.{refusal.path}")


def _covariates_exist(of: Any, population: Population) -> Iterator[Violation]:
    subgroup = vars(of).get("subgroup")
    if subgroup is not None:
        for refusal in subgroup.refusals(population.covariates):
            yield refusal._replace(path=f"subgroup.{refusal.path}")
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
        of = None if finding is None else vars(finding).get("of")
        if of is not None:
            yield name, of


def _findings_exist(
    findings: Findings, calibrated: Mapping[str, Calibration | None]
) -> Iterator[Violation]:
    for path, calibration in calibrated.items():
        named = None if calibration is None else vars(calibration).get("finding")
        if named is not None and named not in findings:
            yield Violation(
                f"calibrated.{path}.finding", unknown("finding", named, findings), named
            )


FINDING_COHERENCE: Rules = (
    _arms_exist,
    _visits_exist,
    _analyses_exist,
    _scores_exist,
    _covariates_answer,
    _findings_exist,
)
"""Rules between the findings and the parts of the study that they name."""

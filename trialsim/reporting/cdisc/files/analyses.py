"""How each analysis is computed from ADEFF, and the numbers that it printed: part of the guide."""

from collections.abc import Iterator
from typing import Final

from trialsim.analysis.analyse import Analysis, Estimate
from trialsim.questions.monitoring.board import Board
from trialsim.reporting.cdisc.adam.efficacy import cells_of
from trialsim.reporting.cdisc.adam.subject_level import treatments
from trialsim.reporting.cdisc.scales import AGE, SEX
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.means import Ancova
from trialsim.scenario.plan.methods.mmrm import Mmrm
from trialsim.scenario.plan.methods.weighted import WeightedMannWhitney, WeightedMeans
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.plan import plan_in_words


def analyses(source: Source, result: Analysis) -> Iterator[str]:
    """Yield a section on the looks, where there are any, and on the analyses, then one on each."""
    if source.looks is not None:
        yield _monitoring(source, source.looks)
    yield _ALL
    plan = source.study.analysis
    yield _one(source, plan, result.primary, 1, "primary")
    for place, (name, further) in enumerate(plan.further.items(), 2):
        yield _one(source, further, result.secondary[name], place, name)


_ALL: Final = """\
## The analyses from ADEFF

A flag marks the records of the two arms that its analysis compares, at each visit that it uses;
ANL01FL marks beyond that, for each other outcome and visit, what the primary analysis would use
there. A WORST RANK has a value beyond the worst end of the scale, which is right for ranks and not
for means. A positive difference, and a Mann-Whitney effect above 0.5, favours the treated arm:
where a lower score is better, values change their sign first. There is no Analysis Results
Metadata; what follows says the same in words."""


def _monitoring(source: Source, seen: Board) -> str:
    """Return what the trial reports as planned after its looks, which the datasets ignore."""
    last = seen.looks[-1]
    ended = f"No look stopped the trial; {last.name}: {last.decision}."
    if source.stopped:
        ended = (
            f"This trial was decided on {source.stopped}, at the look {last.name}: {last.decision}."
        )
    verdict = "rejects" if seen.rejects else "does not reject"
    return f"""\
## Looks

The datasets, SENDTC in TS, and the numbers printed below **ignore stopping**: they are those of the
trial with all its planned patients and visits, as if no look had stopped it.

{ended} Its own result has {seen.patients} patients: {source.study.analysis.quantity.name} =
{seen.estimate:.6g}, interval {seen.low:.6g} to {seen.high:.6g}; it {verdict} the null hypothesis.
{seen.conventions["inference"]} {seen.conventions["waiting_patients"]}"""


def _one(source: Source, plan: AnalysisPlan, found: Estimate, place: int, name: str) -> str:
    said = plan_in_words(plan, source.study.outcomes)
    lines = [
        f"Records: {_records(source, plan, f'ANL{place:02}FL')}.",
        f"Arms: {_arms(source, plan)}.",
        f"Value: {_value(source, plan)}.",
        f"Test: {said['test']} {said['alternative']} {said['variance']} {said['continuity']}",
        f"Covariates: {_covariates(source, plan)}.",
        f"Strata: {_strata(plan)}.",
        f"Direction: {said['direction']}",
        f"Printed: {found.quantity} = {found.estimate:.6g}, p = {found.p_value:.6g}, "
        f"{found.treated} treated and {found.control} control patients.",
        *(f"Not in the flag: {one}" for one in _beyond_the_flag(plan)),
    ]
    title = f"### ANL{place:02}FL: {in_words(name)}"
    return "\n\n".join([title, "\n".join(f"- {line}" for line in lines)])


def _records(source: Source, plan: AnalysisPlan, flag: str) -> str:
    visits = dict(zip(source.visits["visit"], source.visits["VISIT"], strict=True))
    cells = cells_of(source, plan)
    codes = dict.fromkeys(source.tests.outcomes[name].code for name, _ in cells)
    at = dict.fromkeys(visits[visit] for _, visit in cells)
    return f"PARAMCD in ({_quoted(codes)}), AVISIT in ({_quoted(at)}), {flag} = 'Y'"


def _quoted(values: dict[str, None]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _arms(source: Source, plan: AnalysisPlan) -> str:
    arms = treatments(source)
    (treated, first), (control, second) = arms[plan.treated], arms[plan.control]
    return (
        f"TRTP = '{treated}' (TRTPN = {first}) is the treated arm, "
        f"TRTP = '{control}' (TRTPN = {second}) the control"
    )


def _value(source: Source, plan: AnalysisPlan) -> str:
    value = "CHG" if plan.measure == "change" else "AVAL"
    names = dict.fromkeys(name for name, _ in cells_of(source, plan))
    lower = {
        source.tests.outcomes[name].code: None
        for name in names
        if source.study.outcomes[name].sign < 0
    }
    if not lower:
        return f"{value} as it is; a higher score is better"
    return f"{value} times -1 where PARAMCD in ({_quoted(lower)}), as a lower score is better"


def _covariates(source: Source, plan: AnalysisPlan) -> str:
    test = plan.test
    before = isinstance(test, Ancova) or (isinstance(test, Mmrm) and test.baseline != "none")
    codes = {AGE: "AGE", SEX: "SEX"}
    codes |= {name: one.code for name, one in source.tests.covariates.items()}
    found = ["BASE"] if before else []
    found += [f"{codes[name]} of ADSL" for name in getattr(test, "covariates", ())]
    return ", ".join(found) or "none"


def _strata(plan: AnalysisPlan) -> str:
    if plan.strata == "none":
        return "none"
    return f"SITEID, weighted as {plan.stratum_weighting}"


def _beyond_the_flag(plan: AnalysisPlan) -> Iterator[str]:
    """Yield what an analysis uses that no record of ADEFF holds."""
    if plan.missing == "multiple_imputation":
        yield (
            f"the scores that are imputed {plan.imputations} times. It marks those that were "
            "measured, from which the printed numbers cannot be computed alone."
        )
    if isinstance(plan.test, WeightedMannWhitney | WeightedMeans):
        yield (
            "the weights, and the patients of the analysis set without a score, on whom and on "
            "the covariates the weights depend."
        )
    if plan.test.method == "own":
        yield "whatever else the function of the study reads: its documentation says it."

"""How each analysis is computed from ADEFF, or times from ADTTE, and the numbers it printed.

The reviewer's guide says it in words, and Define-XML as Analysis Results Metadata.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from trialsim.analysis.analyse import Analysis, Estimate
from trialsim.questions.monitoring.board import Board
from trialsim.reporting.cdisc.adam.efficacy import cells_of, plans_of
from trialsim.reporting.cdisc.adam.subject_level import treatments
from trialsim.reporting.cdisc.adam.time_to_event import parameter_of
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.subgroups.interaction import Interaction
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.plan.methods.weighted import WeightedMannWhitney, WeightedMeans
from trialsim.scenario.plan.methods.win_statistic import WinStatistic
from trialsim.scenario.plan.prognostic import PROGNOSTIC
from trialsim.scenario.words.labels import in_words
from trialsim.scenario.words.plan import plan_in_words


class Analysed(NamedTuple):
    """One analysis, as whoever reads the datasets must know it."""

    flag: str
    """The variable of ADEFF that marks its records, or the scores behind its times."""
    name: str
    """primary, or its name in the study file."""
    plan: AnalysisPlan
    found: Estimate
    where: Mapping[str, tuple[str, ...]]
    """The values that its records have, by variable of its dataset."""
    variables: Mapping[str, tuple[str, ...]]
    """What it reads of them, and of ADSL, by dataset."""
    lines: tuple[str, ...]
    """How it is computed, and what was printed."""

    @property
    def dataset(self) -> str:
        """The dataset of its records: ADTTE of times, else ADEFF."""
        return dataset_of(self.plan)

    @property
    def title(self) -> str:
        """Its name in words."""
        return in_words(self.name)


def analysed(source: Source, result: Analysis) -> list[Analysed]:
    """Return every analysis, the primary one first."""
    plan = source.study.analysis
    found = {"primary": result.primary, **result.secondary}
    return [
        _one(source, own, found[name], flag, name)
        for (flag, own), name in zip(plans_of(plan), ("primary", *plan.further), strict=True)
    ]


def analyses(source: Source, result: Analysis) -> Iterator[str]:
    """Yield a section on the looks, where there are any, and on the analyses, then one on each."""
    if source.looks is not None:
        yield _monitoring(source, source.looks)
    yield _ALL
    for one in analysed(source, result):
        lines = "\n".join(f"- {line}" for line in one.lines)
        yield f"### {one.flag}: {one.title}\n\n{lines}"


_ALL: Final = """\
## The analyses from ADEFF and ADTTE

A flag marks the records of the two arms that its analysis compares, at each visit that it uses;
ANL01FL marks beyond that, for each other outcome and visit, what the primary analysis would use
there. A comparison of times reads ADTTE, where it has a PARAMCD of its own. A WORST RANK has a
value beyond the worst end of the scale, which is right for ranks and not for means. A positive
difference, and a Mann-Whitney effect above 0.5, favours the treated arm: where a lower score is
better, values change their sign first. `define.xml` says the same as
Analysis Results Metadata, with a program for each."""


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


def _one(source: Source, plan: AnalysisPlan, found: Estimate, flag: str, name: str) -> Analysed:
    said = plan_in_words(plan, source.study.outcomes)
    where = _where(source, plan, flag)
    lines = (
        f"Records: {_conditions(where)}.",
        f"Arms: {_arms(source, plan)}.",
        f"Analysis set: {said['analysis_set']} {said['missing_data']} {said['death']}",
        f"Value: {_value(source, plan)}.",
        f"Test: {said['test']} {said['alternative']} {said['variance']} {said['continuity']}",
        f"Covariates: {_covariates(source, plan)}.",
        f"Strata: {_strata(plan)}.",
        f"Direction: {said['direction']}",
        f"Printed: {found.quantity} = {found.estimate:.6g}, p = {found.p_value:.6g}, "
        f"{found.treated} treated and {found.control} control patients.",
        *(f"Not in the flag: {one}" for one in _beyond_the_flag(plan)),
    )
    return Analysed(flag, name, plan, found, where, _variables(source, plan), lines)


def _where(source: Source, plan: AnalysisPlan, flag: str) -> dict[str, tuple[str, ...]]:
    """Return which records an analysis is of; its flag alone marks those of its two arms."""
    if isinstance(plan.test, EventMethod):
        arms = treatments(source)
        compared = tuple(arms[arm][0] for arm in (plan.treated, plan.control))
        return {"PARAMCD": (parameter_of(source, flag),), "TRTP": compared}
    visits = dict(zip(source.visits["visit"], source.visits["VISIT"], strict=True))
    cells, tests = cells_of(source, plan), source.tests.outcomes
    return {
        "PARAMCD": tuple(dict.fromkeys(tests[name].code for name, _ in cells)),
        "AVISIT": tuple(dict.fromkeys(visits[visit] for _, visit in cells)),
        flag: ("Y",),
    }


def _conditions(where: Mapping[str, tuple[str, ...]]) -> str:
    parts = (
        f"{name} = 'Y'" if values == ("Y",) else f"{name} in ({quoted(values)})"
        for name, values in where.items()
    )
    return ", ".join(parts)


def quoted(values: Iterable[str]) -> str:
    """Return texts in quotes, with commas between."""
    return ", ".join(f"'{value}'" for value in values)


def _variables(source: Source, plan: AnalysisPlan) -> dict[str, tuple[str, ...]]:
    """Return what an analysis reads, by dataset."""
    before = ["BASE"] if plan.test.adjusts_for_baseline else []
    strata = ["SITEID"] if plan.strata == "site" else []
    event = ["CNSR"] if isinstance(plan.test, EventMethod) else []
    found = {dataset_of(plan): (value_of(plan), *event, "TRTP", *before, *strata)}
    read = (one for name in getattr(plan.test, "covariates", ()) for one in _read_for(plan, name))
    subjects = [source.tests.of_subjects[name] for name in dict.fromkeys(read)]
    subjects += ["STRATAR"] if plan.strata == "design" else []
    return found | ({"ADSL": tuple(subjects)} if subjects else {})


def dataset_of(plan: AnalysisPlan) -> str:
    """Return the dataset whose records an analysis compares."""
    return "ADTTE" if isinstance(plan.test, EventMethod) else "ADEFF"


def value_of(plan: AnalysisPlan) -> str:
    """Return the variable of its dataset whose values are compared."""
    changes = plan.measure == "change" and not isinstance(plan.test, EventMethod)
    return "CHG" if changes else "AVAL"


def _arms(source: Source, plan: AnalysisPlan) -> str:
    arms = treatments(source)
    (treated, first), (control, second) = arms[plan.treated], arms[plan.control]
    return (
        f"TRTP = '{treated}' (TRTPN = {first}) is the treated arm, "
        f"TRTP = '{control}' (TRTPN = {second}) the control"
    )


def _value(source: Source, plan: AnalysisPlan) -> str:
    value = value_of(plan)
    if isinstance(plan.test, EventMethod):
        return f"{value}, {plan.test.time_in_words(plan)}; censored where CNSR = 1"
    names = dict.fromkeys(name for name, _ in cells_of(source, plan))
    lower = [
        source.tests.outcomes[name].code for name in names if source.study.outcomes[name].sign < 0
    ]
    if not lower:
        return f"{value} as it is; a higher score is better"
    return f"{value} times -1 where PARAMCD in ({quoted(lower)}), as a lower score is better"


def _covariates(source: Source, plan: AnalysisPlan) -> str:
    codes = source.tests.of_subjects
    found = ["BASE"] if plan.test.adjusts_for_baseline else []
    for name in getattr(plan.test, "covariates", ()):
        read = [codes[one] for one in _read_for(plan, name)]
        of = f"the prognostic score of {', '.join(read)}" if name == PROGNOSTIC else read[0]
        found.append(f"{of} of ADSL")
    return ", ".join(found) or "none"


def _read_for(plan: AnalysisPlan, covariate: str) -> tuple[str, ...]:
    """Return the covariates of ADSL that one of an analysis is, or is predicted from."""
    if covariate == PROGNOSTIC and plan.prognostic is not None:
        return plan.prognostic.covariates
    return (covariate,)


def _strata(plan: AnalysisPlan) -> str:
    if plan.strata == "none":
        return "none"
    by = "SITEID" if plan.strata == "site" else "STRATAR of ADSL, the strata of the randomisation"
    return f"{by}, weighted as {plan.stratum_weighting}"


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
    if isinstance(plan.test, WinStatistic) and plan.test.compares_deaths:
        yield "the days of death and of leaving the trial, and patients without any score."
    if isinstance(plan.test, Interaction):
        covariate = in_words(plan.test.subgroup.covariate)
        yield f"the covariate of the subgroup that is compared with others, {covariate}."
    if plan.test.method == "own":
        yield "whatever else the function of the study reads: its documentation says it."

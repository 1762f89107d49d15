"""The trial design, straight from the study file: TA, TE, TI, TS and TV."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from pandas import DataFrame

from trialsim.reporting.cdisc.metadata import (
    Class,
    Dataset,
    Origin,
    Part,
    Term,
    Variable,
    columns,
    dataset,
    sequence,
)
from trialsim.reporting.cdisc.scales import SEX, sex_of
from trialsim.reporting.cdisc.source import EPOCH, STUDYID, USUBJID, Source, same
from trialsim.reporting.cdisc.terminology import SUMMARY_PARAMETERS, own_list, standard_list
from trialsim.scenario.patients.eligibility import Rule
from trialsim.scenario.protocol.design import Visit
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.values import counted

PROTOCOL: Final[Origin] = "Protocol"
SDTM_VERSION: Final = "2.0"
SDTMIG_VERSION: Final = "3.4"
SCREEN: Final = ("SCRN", "Screening")
FOLLOW: Final = ("FUP", "Follow-up")
_DAYS: Final = "days"


def trial_design(source: Source) -> list[Dataset]:
    """Return the five datasets about the trial itself."""
    return [_arms(source), _elements(source), _criteria(source), _summary(source), _visits(source)]


def treatment_elements(source: Source) -> dict[str, str]:
    """Return ETCD of the treatment element of each arm, by the arm's name."""
    return {name: f"TRT{place}" for place, name in enumerate(source.study.design.arms, 1)}


def follows_up(study: Scenario) -> bool:
    """Return whether visits are planned after the course of infusions."""
    last = int(study.treatment.infusions.offsets()[0][-1])
    return max(visit.day for visit in study.design.visits.values()) > last


def element_list(source: Source) -> Any:
    """Return the elements' codes with what they are."""
    arms = source.study.design.arms
    elements = {SCREEN[0]: SCREEN[1]}
    elements |= {code: arms[name].label for name, code in treatment_elements(source).items()}
    if follows_up(source.study):
        elements[FOLLOW[0]] = FOLLOW[1]
    return own_list("ETCD", "Elements", elements)


def domain(
    source: Source,
    name: str,
    title: str,
    kind: Class,
    structure: str,
    keys: Sequence[str],
    rows: DataFrame,
    columns: Sequence[tuple[Variable, object]],
    parts: Sequence[Part] = (),
) -> Dataset:
    """Return a domain of SDTM: STUDYID, DOMAIN and, where rows have it, USUBJID come first."""
    codes = own_list(f"DOMAIN.{name}", f"Domain {name}", {name: name})
    of = Variable("DOMAIN", "Domain Abbreviation", origin="Assigned", codes=codes, mandatory=True)
    first = [(STUDYID, same(source.study_id, rows)), (of, same(name, rows))]
    if "USUBJID" in rows:
        first.append((USUBJID, rows["USUBJID"].to_numpy(object)))
    return dataset(name, title, kind, structure, keys, [*first, *columns], parts)


_TA: Final = (
    Variable("ARMCD", "Planned Arm Code", origin=PROTOCOL, mandatory=True),
    Variable("ARM", "Description of Planned Arm", origin=PROTOCOL, mandatory=True),
    Variable("TAETORD", "Planned Order of Element within Arm", "integer", PROTOCOL, mandatory=True),
    Variable("ETCD", "Element Code", origin=PROTOCOL, mandatory=True),
    Variable("ELEMENT", "Description of Element", origin=PROTOCOL),
    Variable("TABRANCH", "Branch", origin=PROTOCOL),
    EPOCH,
)


def _arms(source: Source) -> Dataset:
    rows: list[tuple[object, ...]] = []
    for name, code in treatment_elements(source).items():
        label = source.study.design.arms[name].label
        arm = source.arm_codes[name], label
        rows.append((*arm, 1, *SCREEN, f"Randomised to {label}", "SCREENING"))
        rows.append((*arm, 2, code, label, "", "TREATMENT"))
        if follows_up(source.study):
            rows.append((*arm, 3, *FOLLOW, "", "FOLLOW-UP"))
    steps = DataFrame(rows, columns=[one.name for one in _TA])
    codes = {"ARMCD": source.arm_list, "ETCD": element_list(source)}
    return domain(
        source,
        "TA",
        "Trial Arms",
        "TRIAL DESIGN",
        "One record per planned element per arm",
        ("ARMCD", "TAETORD"),
        steps,
        [*columns(_TA, steps, codes)],
    )


_TE: Final = (
    Variable("ETCD", "Element Code", origin=PROTOCOL, mandatory=True),
    Variable("ELEMENT", "Description of Element", origin=PROTOCOL, mandatory=True),
    Variable("TESTRL", "Rule for Start of Element", origin=PROTOCOL, mandatory=True),
    Variable("TEENRL", "Rule for End of Element", origin=PROTOCOL),
    Variable("TEDUR", "Planned Duration of Element", origin=PROTOCOL),
)


def _elements(source: Source) -> Dataset:
    arms = source.study.design.arms
    course = int(source.study.treatment.infusions.offsets()[0][-1]) + 1
    rows = [(*SCREEN, "Arrival at the site", "Randomisation, or the end of screening", "")]
    rows += [
        (
            code,
            arms[name].label,
            "Randomisation, which is when the first infusion is due",
            "End of the course, its discontinuation, or the end of participation",
            f"P{course}D",
        )
        for name, code in treatment_elements(source).items()
    ]
    if follows_up(source.study):
        rows += [(*FOLLOW, "End of the treatment element", "Last visit, withdrawal or death", "")]
    elements = DataFrame(rows, columns=[one.name for one in _TE])
    return domain(
        source,
        "TE",
        "Trial Elements",
        "TRIAL DESIGN",
        "One record per planned element",
        ("ETCD",),
        elements,
        columns(_TE, elements, {"ETCD": element_list(source)}),
    )


def criterion_codes(study: Scenario) -> dict[str, str]:
    """Return IETESTCD of every rule of eligibility by its name."""
    inclusion, exclusion = study.eligibility.inclusion, study.eligibility.exclusion
    return {
        **{name: f"INCL{place:02}" for place, name in enumerate(inclusion, 1)},
        **{name: f"EXCL{place:02}" for place, name in enumerate(exclusion, 1)},
    }


_TI: Final = (
    Variable("IETESTCD", "Incl/Excl Criterion Short Name", "text", PROTOCOL, mandatory=True),
    Variable("IETEST", "Inclusion/Exclusion Criterion", "text", PROTOCOL, mandatory=True),
    Variable(
        "IECAT",
        "Inclusion/Exclusion Category",
        "text",
        PROTOCOL,
        standard_list("IECAT"),
        mandatory=True,
    ),
    Variable("TIRL", "Inclusion/Exclusion Criterion Rule", "text", PROTOCOL),
)


def _criteria(source: Source) -> Dataset:
    study = source.study
    codes, rules = criterion_codes(study), study.eligibility.rules
    rows = {
        "IETESTCD": [codes[name] for name in rules],
        "IETEST": [rule.label for rule in rules.values()],
        "IECAT": [
            "INCLUSION" if name in study.eligibility.inclusion else "EXCLUSION" for name in rules
        ],
        "TIRL": [_condition(rule) for rule in rules.values()],
    }
    return domain(
        source,
        "TI",
        "Trial Incl/Excl Criteria",
        "TRIAL DESIGN",
        "One record per criterion",
        ("IETESTCD",),
        DataFrame(rows),
        columns(_TI, rows, {"IETESTCD": criterion_list(study)}),
    )


def criterion_list(study: Scenario) -> Any:
    """Return the criteria's codes with what they are."""
    codes, rules = criterion_codes(study), study.eligibility.rules
    return own_list(
        "IETESTCD",
        "Eligibility criteria",
        {codes[name]: rule.label for name, rule in rules.items()},
    )


def _condition(rule: Rule) -> str:
    """Return the condition of a rule, over the covariates of the study file."""
    said = {"at_least": ">=", "more_than": ">", "at_most": "<=", "less_than": "<", "equals": "="}
    parts = [
        f"{rule.covariate} {sign} {getattr(rule, name)}"
        for name, sign in said.items()
        if getattr(rule, name) is not None
    ]
    if rule.one_of is not None:
        parts.append(f"{rule.covariate} in ({', '.join(map(str, rule.one_of))})")
    return " and ".join(parts)


def _visits(source: Source) -> Dataset:
    planned, visits = source.study.design.visits, source.visits
    starts = ["At presentation", *(_when(visit) for visit in planned.values())]
    return domain(
        source,
        "TV",
        "Trial Visits",
        "TRIAL DESIGN",
        "One record per planned visit",
        ("VISITNUM",),
        visits,
        [
            *((variable, visits[variable.name]) for variable in visit_variables(source)),
            (
                Variable(
                    "ARMCD", "Planned Arm Code", "text", PROTOCOL, comment="Visits of all arms"
                ),
                same("", visits),
            ),
            (Variable("TVSTRL", "Visit Start Rule", "text", PROTOCOL, mandatory=True), starts),
        ],
    )


def visit_variables(source: Source) -> tuple[Variable, Variable, Variable]:
    """Return VISITNUM, VISIT and VISITDY."""
    names = dict(zip(source.visits["VISIT"], source.visits["VISIT"], strict=True))
    comment = "Planned study day; none of a visit that is counted from onset"
    return (
        Variable("VISITNUM", "Visit Number", "integer", PROTOCOL, mandatory=True),
        Variable("VISIT", "Visit Name", "text", PROTOCOL, own_list("VISIT", "Visits", names)),
        Variable("VISITDY", "Planned Study Day of Visit", "integer", PROTOCOL, comment=comment),
    )


def _when(visit: Visit) -> str:
    window = f", up to {counted(visit.window_days, _DAYS)} before or after"
    if visit.day == 0 and visit.after == "randomisation":
        return "At randomisation"
    at = f"{counted(visit.day, _DAYS)} after {visit.after}"
    return at + (window if visit.window_days else "")


class _Parameter(NamedTuple):
    code: str
    value: str
    term: str | None = None
    """The value's code in the NCI Thesaurus."""
    null: str = ""
    """Why there is no value, as ISO 21090 has it."""


_TS: Final = (
    sequence("TS", "the study file", within="TSPARMCD"),
    Variable("TSPARMCD", "Trial Summary Parameter Short Name", "text", PROTOCOL, mandatory=True),
    Variable("TSPARM", "Trial Summary Parameter", "text", PROTOCOL, mandatory=True),
    Variable("TSVAL", "Parameter Value", "text", PROTOCOL),
    Variable(
        "TSVALNF",
        "Parameter Null Flavor",
        "text",
        PROTOCOL,
        comment="UNK where the study file does not say it",
    ),
    Variable("TSVALCD", "Parameter Value Code", "text", "Assigned"),
    Variable("TSVCDREF", "Name of the Reference Terminology", "text", "Assigned"),
)


def _summary(source: Source) -> Dataset:
    rows = DataFrame(_parameters(source))
    names = rows["code"].map({code: name for code, (name, _) in SUMMARY_PARAMETERS.items()})
    values = {
        "TSSEQ": rows.groupby("code").cumcount() + 1,
        "TSPARMCD": rows["code"],
        "TSPARM": names,
        "TSVAL": rows["value"],
        "TSVALNF": rows["null"],
        "TSVALCD": rows["term"],
        "TSVCDREF": np.where(rows["term"].notna(), "CDISC CT", ""),
    }
    codes = {
        "TSPARMCD": standard_list("TSPARMCD", rows["code"]),
        "TSPARM": standard_list("TSPARM", names),
    }
    return domain(
        source,
        "TS",
        "Trial Summary",
        "TRIAL DESIGN",
        "One record per trial summary parameter value",
        ("TSPARMCD", "TSSEQ"),
        rows,
        columns(_TS, values, codes),
    )


_YES: Final = Term("Y", "Y", "C49488")
_NO: Final = Term("N", "N", "C49487")


def _parameters(source: Source) -> Iterator[_Parameter]:
    """Yield what the trial is; what a study file has no place for is unknown."""
    study = source.study
    design, plan = study.design, study.analysis
    endpoint, visit = study.outcomes[plan.endpoint].label, plan.visit.replace("_", " ")
    adaptive = _YES if study.monitoring is not None else _NO
    course = int(study.treatment.infusions.offsets()[0][-1]) + 1
    last = max(one.day for one in design.visits.values())
    start = source.calendar.start.isoformat()
    end = source.calendar.dates(source.patients["ended_minute"].to_numpy())
    subjects = str(len(source.patients))
    yield _Parameter("ACTSUB", subjects)
    yield _Parameter("ADAPT", adaptive.value, adaptive.code)
    yield from _ages(study)
    for dose in sorted(_doses(study)):
        yield _Parameter("DOSE", f"{dose:g}")
    unit = standard_list("UNIT", [design.dose_unit]).terms[0]
    yield _Parameter("DOSU", unit.value, unit.code)
    yield _unknown("INDIC")
    yield _Parameter("INTMODEL", "PARALLEL", "C82639")
    yield _Parameter("INTTYPE", "DRUG", "C1909")
    yield _Parameter("LENGTH", f"P{last}D")
    yield _Parameter("NARMS", str(len(design.arms)))
    yield _Parameter("OUTMSPRI", f"{endpoint} at {visit}")
    yield _Parameter("PLANSUB", str(design.patients))
    yield _Parameter("PLNTRDUR", f"P{course}D")
    yield _Parameter("RANDOM", _YES.value, _YES.code)
    yield _unknown("ROUTE")
    yield _Parameter("SDTIGVER", SDTMIG_VERSION)
    yield _Parameter("SDTMVER", SDTM_VERSION)
    yield _Parameter("SENDTC", max(end))
    yield _sexes(study)
    yield _unknown("SPONSOR")
    yield _Parameter("SSTDTC", start)
    if source.looks is not None:
        yield _Parameter("STOPRULE", _stopping(source))
    for factor in design.factors:
        yield _Parameter("STRATFCT", factor.replace("_", " ").upper())
    yield _Parameter("STYPE", "INTERVENTIONAL", "C98388")
    yield _unknown("TBLIND")
    yield from _controls(study)
    yield _Parameter("TITLE", f"SIMULATED: {study.title}")
    yield _unknown("TPHASE")
    for arm in design.arms.values():
        if max(arm.doses) > 0:
            yield _Parameter("TRT", arm.label)
    yield _Parameter("TTYPE", "EFFICACY", "C49666")


def _stopping(source: Source) -> str:
    """Return whether a look stopped the trial, which the datasets ignore."""
    ended = f"STOPPED ON {source.stopped}" if source.stopped else "NOT STOPPED"
    return f"INTERIM LOOKS; THIS TRIAL {ended}. THE DATASETS IGNORE STOPPING: SEE REVIEWER'S GUIDE"


def _controls(study: Scenario) -> Iterator[_Parameter]:
    """Yield what the arms are compared with: a placebo, other doses."""
    if any(max(arm.doses) == 0 for arm in study.design.arms.values()):
        yield _Parameter("TCNTRL", "PLACEBO", "C49648")
    if len(_doses(study)) > 1:
        yield _Parameter("TCNTRL", "DOSE RESPONSE", "C120841")


def _sexes(study: Scenario) -> _Parameter:
    """Return the sexes that there are among candidates, where a covariate says it."""
    covariate = study.population.covariates.get(SEX)
    sexes = {sex_of(level) for level in (covariate.levels or ())} if covariate is not None else ()
    known = {"F": ("F", "C16576"), "M": ("M", "C20197")}
    found = [known[sex] for sex in known if sex in sexes]
    if len(found) == len(known):
        return _Parameter("SEXPOP", "BOTH", "C49636")
    return _Parameter("SEXPOP", *found[0]) if found else _unknown("SEXPOP")


def _unknown(code: str) -> _Parameter:
    return _Parameter(code, "", null="UNK")


def _doses(study: Scenario) -> set[float]:
    """Return the doses of the arms that have any, in the unit of the design."""
    return {dose for arm in study.design.arms.values() for dose in arm.doses if dose > 0}


def _ages(study: Scenario) -> Iterator[_Parameter]:
    """Yield the least and greatest age that a patient may have, as far as rules of entry say."""
    rules = [one for one in study.eligibility.inclusion.values() if one.covariate == "age_years"]
    most = [rule.at_most for rule in rules if isinstance(rule.at_most, int | float)]
    least = [rule.at_least for rule in rules if isinstance(rule.at_least, int | float)]
    for code, ages, null in (("AGEMAX", most, "PINF"), ("AGEMIN", least, "NINF")):
        yield _Parameter(code, f"P{ages[0]:g}Y") if ages else _Parameter(code, "", null=null)

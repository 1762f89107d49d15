"""Who came, through which elements and to which visits: DM, SE, SV and IE."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.arrays import Integers
from trialsim.clock import NEVER
from trialsim.reporting.cdisc.calendar import Texts
from trialsim.reporting.cdisc.metadata import (
    Dataset,
    Variable,
    columns,
    numbered,
    sequence,
    study_day,
)
from trialsim.reporting.cdisc.scales import AGE, SEX, sex_of
from trialsim.reporting.cdisc.sdtm.trial_design import (
    FOLLOW,
    SCREEN,
    criterion_codes,
    criterion_list,
    domain,
    element_list,
    follows_up,
    treatment_elements,
    visit_variables,
)
from trialsim.reporting.cdisc.source import EPOCH, SCREENING, Source, happened, same
from trialsim.reporting.cdisc.terminology import standard_list

NOT_SIMULATED: Final = "Not simulated, therefore empty"
_YES_NO: Final = standard_list("NY", ["Y", "N"])
_NULL_REASONS: Final = {"screen failure": "SCREEN FAILURE"}


def subjects(source: Source) -> list[Dataset]:
    """Return the datasets about the people."""
    return [_demographics(source), _elements(source), _visits(source), _criteria_failed(source)]


_DM: Final = (
    Variable("SUBJID", "Subject Identifier for the Study", mandatory=True),
    Variable(
        "RFSTDTC",
        "Subject Reference Start Date/Time",
        "datetime",
        "Derived",
        comment="DS.DSSTDTC where DSDECOD = 'RANDOMIZED', which is when the first infusion is due; "
        "empty of who was not randomised",
    ),
    Variable(
        "RFENDTC",
        "Subject Reference End Date/Time",
        "datetime",
        "Derived",
        comment="RFPENDTC where RFSTDTC is not empty",
    ),
    Variable(
        "RFXSTDTC",
        "Date/Time of First Study Treatment",
        "datetime",
        "Derived",
        comment="Least EX.EXSTDTC of the subject; empty without a record in EX",
    ),
    Variable(
        "RFXENDTC",
        "Date/Time of Last Study Treatment",
        "datetime",
        "Derived",
        comment="Greatest EX.EXENDTC of the subject; empty without a record in EX",
    ),
    Variable("RFICDTC", "Date/Time of Informed Consent", "datetime", comment=NOT_SIMULATED),
    Variable(
        "RFPENDTC",
        "Date/Time of End of Participation",
        "datetime",
        "Derived",
        comment="DS.DSSTDTC where DSSCAT = 'STUDY PARTICIPATION': last visit or infusion, "
        "withdrawal or death; of who was not randomised the end of screening",
    ),
    Variable("DTHDTC", "Date/Time of Death", "datetime"),
    Variable("DTHFL", "Subject Death Flag", codes=standard_list("NY", ["Y"])),
    Variable("SITEID", "Study Site Identifier", mandatory=True),
    Variable("AGE", "Age", "float"),
    Variable("AGEU", "Age Units", codes=standard_list("AGEU")),
    Variable(
        "SEX",
        "Sex",
        codes=standard_list("SEX"),
        comment="F or M by the covariate sex, of levels female and male, or F and M; U of any "
        "other level, and where there is none",
        mandatory=True,
    ),
    Variable("RACE", "Race", comment=NOT_SIMULATED),
    Variable("ARMCD", "Planned Arm Code", origin="Assigned"),
    Variable("ARM", "Description of Planned Arm", origin="Assigned"),
    Variable("ACTARMCD", "Actual Arm Code", origin="Assigned"),
    Variable("ACTARM", "Description of Actual Arm", origin="Assigned"),
    Variable(
        "ARMNRS",
        "Reason Arm and/or Actual Arm is Null",
        origin="Assigned",
        codes=standard_list("ARMNULRS"),
    ),
    Variable("COUNTRY", "Country", comment=NOT_SIMULATED),
    Variable("DMDTC", "Date/Time of Collection", "datetime"),
    study_day("DMDY", "Study Day of Collection", "DMDTC"),
)


def _demographics(source: Source) -> Dataset:
    people = source.people
    values = {"SUBJID": people["SUBJID"], "SITEID": people["SITEID"], **_dates(source)}
    values |= {name: same("", people) for name in ("RFICDTC", "RACE", "COUNTRY")}
    values |= {
        "AGE": people[AGE] if AGE in people else np.full(len(people), np.nan),
        "AGEU": same("YEARS" if AGE in people else "", people),
        "SEX": sexes(people),
        **arms_of(source),
    }
    return domain(
        source,
        "DM",
        "Demographics",
        "SPECIAL PURPOSE",
        "One record per subject",
        ("USUBJID",),
        people,
        columns(_DM, values, {"ARMCD": source.arm_list, "ACTARMCD": source.arm_list}),
    )


def _dates(source: Source) -> dict[str, object]:
    """Return the dates of each person, by variable."""
    people, moments = source.people, source.calendar.moments
    randomised, dosed = happened(people["randomised_minute"]), happened(people["first_dose"])
    deaths = np.append(NEVER, source.trial.batch.conduct.died[0])[people["subject"]]
    arrived, ended = people["arrival_minute"].to_numpy(), people["ended_minute"].to_numpy()
    left = np.where(randomised, ended, people["decided_minute"].to_numpy())
    return {
        "RFSTDTC": moments(people["randomised_minute"].to_numpy(), randomised),
        "RFENDTC": moments(ended, randomised),
        "RFXSTDTC": moments(people["first_dose"].to_numpy(), dosed),
        "RFXENDTC": moments(people["last_dose"].to_numpy(), dosed),
        "RFPENDTC": moments(left),
        "DTHDTC": moments(deaths, deaths < NEVER),
        "DTHFL": np.where(deaths < NEVER, "Y", ""),
        "DMDTC": moments(arrived),
        "DMDY": source.study_days(people, arrived),
    }


def arms_of(source: Source) -> dict[str, Any]:
    """Return the planned and the actual arm of each person, or why there is none."""
    people, arms = source.people, source.study.design.arms
    randomised, dosed = happened(people["randomised_minute"]), happened(people["first_dose"])
    planned = np.where(randomised, people["arm"].astype(object).map(source.arm_codes), "")
    actual = np.where(dosed, planned, "")
    labels = {source.arm_codes[name]: arm.label for name, arm in arms.items()}
    null = people["outcome"].astype(object).map(_NULL_REASONS).fillna("NOT ASSIGNED")
    return {
        "ARMCD": planned,
        "ARM": pd.Series(planned).map(labels).to_numpy(object),
        "ACTARMCD": actual,
        "ACTARM": pd.Series(actual).map(labels).to_numpy(object),
        "ARMNRS": np.select([dosed, randomised], ["", "ASSIGNED, NOT TREATED"], null),
    }


def sexes(people: DataFrame) -> Texts:
    """Return SEX: F or M by the level of the covariate sex, U of any other."""
    if SEX not in people:
        return same("U", people)
    codes = people[SEX].astype(str).map(sex_of)
    return codes.replace("", "U").to_numpy(object)


def _elements(source: Source) -> Dataset:
    people, patients = source.people, source.patients
    screening = _between(
        source, people, SCREEN, "SCREENING", people["arrival_minute"], _screening_ends(people)
    )
    codes = treatment_elements(source)
    labels = {name: arm.label for name, arm in source.study.design.arms.items()}
    start, stop = patients["randomised_minute"], patients["treatment_ends"]
    followed = follows_up(source.study) & (stop < patients["ended_minute"])
    stop = stop.where(followed, patients["ended_minute"])
    arm = patients["arm"].astype(object)
    treated = _between(source, patients, ("", ""), "TREATMENT", start, stop)
    treated["ETCD"], treated["ELEMENT"] = arm.map(codes), arm.map(labels)
    after = patients[followed]
    follow = _between(
        source, after, FOLLOW, "FOLLOW-UP", after["treatment_ends"], after["ended_minute"]
    )
    rows = pd.concat([screening, treated, follow]).sort_values(["USUBJID", "order"], kind="stable")
    rows = rows.reset_index(drop=True)
    return domain(
        source,
        "SE",
        "Subject Elements",
        "SPECIAL PURPOSE",
        "One record per actual element per subject",
        ("USUBJID", "SESEQ"),
        rows,
        [
            (sequence("SE", "SESTDTC"), numbered(rows)),
            (replace(_ETCD, codes=element_list(source)), rows["ETCD"]),
            (_ELEMENT, rows["ELEMENT"]),
            (EPOCH, rows["EPOCH"]),
            *timing("SE", "Element", rows, *_ELEMENT_ENDS),
        ],
    )


_ETCD: Final = Variable(
    "ETCD",
    "Element Code",
    "text",
    "Derived",
    comment=f"{SCREEN[0]} of everybody; of who was randomised also TRTn of the planned arm, n "
    f"being its place in the study file, and {FOLLOW[0]} where visits are planned after the course "
    "and treatment ended before participation did",
    mandatory=True,
)
_ELEMENT: Final = Variable(
    "ELEMENT",
    "Description of Element",
    "text",
    "Derived",
    comment="TE.ELEMENT of the ETCD, which is DM.ARM of a treatment element",
)
_ELEMENT_ENDS: Final = (
    f"{SCREEN[0]}: DM.DMDTC, the arrival; TRTn: DM.RFSTDTC; {FOLLOW[0]}: SEENDTC of TRTn",
    f"{SCREEN[0]}: DM.RFSTDTC, else DM.RFPENDTC; TRTn: DS.DSSTDTC where DSSCAT = 'STUDY "
    f"TREATMENT', or DM.RFENDTC where no {FOLLOW[0]} follows; {FOLLOW[0]}: DM.RFENDTC",
)
"""How its start and its end are derived."""


def _screening_ends(people: DataFrame) -> "pd.Series[int]":
    randomised = people["randomised_minute"]
    return randomised.where(randomised < NEVER, people["decided_minute"])


def _between(
    source: Source,
    who: DataFrame,
    element: tuple[str, str],
    epoch: str,
    start: "pd.Series[int]",
    stop: "pd.Series[int]",
) -> DataFrame:
    """Return a record of each person's time in an element."""
    begins, ends = start.to_numpy(np.int64), stop.to_numpy(np.int64)
    return DataFrame(
        {
            "USUBJID": who["USUBJID"].to_numpy(),
            "order": begins,
            "ETCD": element[0],
            "ELEMENT": element[1],
            "EPOCH": epoch,
            **spans(source, who, begins, ends),
        }
    )


def spans(source: Source, who: DataFrame, begins: Integers, ends: Integers) -> dict[str, Any]:
    """Return the columns of a time's start and end, and their study days."""
    return {
        "STDTC": source.calendar.moments(begins),
        "ENDTC": source.calendar.moments(ends),
        "STDY": source.study_days(who, begins),
        "ENDY": source.study_days(who, ends),
    }


def timing(
    prefix: str, what: str, rows: DataFrame, start: str = "", end: str = ""
) -> list[tuple[Variable, object]]:
    """Return --STDTC, --ENDTC, --STDY and --ENDY of some records, and how the dates are derived."""
    dates = [
        Variable(name, label, "datetime", "Derived" if said else "Collected", comment=said)
        for name, label, said in (
            (f"{prefix}STDTC", f"Start Date/Time of {what}", start),
            (f"{prefix}ENDTC", f"End Date/Time of {what}", end),
        )
    ]
    days = [
        study_day(f"{prefix}STDY", f"Study Day of Start of {what}", f"{prefix}STDTC"),
        study_day(f"{prefix}ENDY", f"Study Day of End of {what}", f"{prefix}ENDTC"),
    ]
    return [(one, rows[one.name.removeprefix(prefix)]) for one in (*dates, *days)]


def _visits(source: Source) -> Dataset:
    rows = pd.concat([_at_screening(source), _at_visits(source)])
    rows = rows.merge(source.visits, on="visit").sort_values(["USUBJID", "VISITNUM"])
    rows = rows.reset_index(drop=True)
    came = rows["SVOCCUR"].eq("Y").to_numpy(np.bool_)
    rows.loc[~came, ["STDTC", "ENDTC"]] = ""
    rows.loc[~came, ["STDY", "ENDY"]] = np.nan
    return domain(
        source,
        "SV",
        "Subject Visits",
        "SPECIAL PURPOSE",
        "One record per planned visit per subject who could still come",
        ("USUBJID", "VISITNUM"),
        rows,
        [
            *((variable, rows[variable.name]) for variable in visit_variables(source)),
            (
                Variable("SVPRESP", "Pre-specified", codes=standard_list("NY", ["Y"])),
                same("Y", rows),
            ),
            (Variable("SVOCCUR", "Occurrence", codes=_YES_NO), rows["SVOCCUR"]),
            (
                Variable("SVREASOC", "Reason for Occur Value"),
                np.where(came, "", "Visit missed; the reason is not simulated"),
            ),
            (EPOCH, rows["EPOCH"]),
            *timing("SV", "Visit", rows),
        ],
    )


def _at_screening(source: Source) -> DataFrame:
    people = source.people
    begins = people["arrival_minute"].to_numpy(np.int64)
    ends = people["screened_minute"].to_numpy(np.int64)
    ends = np.where(ends < NEVER, ends, begins)
    return DataFrame(
        {
            "USUBJID": people["USUBJID"],
            "visit": SCREENING,
            "SVOCCUR": "Y",
            "EPOCH": "SCREENING",
            **spans(source, people, begins, ends),
        }
    )


def _at_visits(source: Source) -> DataFrame:
    """Return the visits that took place and those that were missed, not those after leaving."""
    visits = source.tables["visits"]
    visits = visits[visits["status"].isin(["attended", "missed"])].reset_index(drop=True)
    who = source.of_subjects(visits["subject"], "USUBJID", "randomised_minute", "treatment_ends")
    due = visits["due_minute"].to_numpy(np.int64)
    return DataFrame(
        {
            "USUBJID": who["USUBJID"],
            "visit": visits["visit"].astype(object),
            "SVOCCUR": np.where(visits["attended"], "Y", "N"),
            "EPOCH": source.epochs_of_visits(who, due),
            **spans(source, who, due, due),
        }
    )


_IE: Final = (
    sequence("IE", "IETESTCD"),
    Variable("IETESTCD", "Inclusion/Exclusion Criterion Short Name", mandatory=True),
    Variable("IETEST", "Inclusion/Exclusion Criterion", mandatory=True),
    Variable("IECAT", "Inclusion/Exclusion Category", codes=standard_list("IECAT"), mandatory=True),
    Variable("IEORRES", "I/E Criterion Original Result", codes=_YES_NO, mandatory=True),
    Variable("IESTRESC", "I/E Criterion Result in Std Format", codes=_YES_NO),
    EPOCH,
    Variable("IEDTC", "Date/Time of Collection", "datetime"),
    study_day("IEDY", "Study Day of Collection", "IEDTC"),
)


def _criteria_failed(source: Source) -> Dataset:
    """Return a record for each rule that a candidate fails: an unmet inclusion, a met exclusion."""
    people, study = source.people, source.study
    failing = people[people["failed_rules"].notna()]
    rows = failing.assign(rule=failing["failed_rules"].astype(str).str.split(";")).explode("rule")
    rules = study.eligibility.rules
    rows["IETESTCD"] = rows["rule"].map(criterion_codes(study))
    rows = rows.sort_values(["USUBJID", "IETESTCD"]).reset_index(drop=True)
    met = np.where(rows["rule"].isin(list(study.eligibility.exclusion)), "Y", "N").astype(object)
    decided = rows["decided_minute"].to_numpy(np.int64)
    values = {
        "IESEQ": numbered(rows),
        "IETESTCD": rows["IETESTCD"],
        "IETEST": rows["rule"].map({name: rule.label for name, rule in rules.items()}),
        "IECAT": np.where(met == "Y", "EXCLUSION", "INCLUSION"),
        "IEORRES": met,
        "IESTRESC": met,
        "EPOCH": same("SCREENING", rows),
        "IEDTC": source.calendar.moments(decided),
        "IEDY": source.study_days(rows, decided),
    }
    return domain(
        source,
        "IE",
        "Incl/Excl Criteria Not Met",
        "FINDINGS",
        "One record per criterion not met per subject",
        ("USUBJID", "IETESTCD"),
        rows,
        columns(_IE, values, {"IETESTCD": criterion_list(study)}),
    )

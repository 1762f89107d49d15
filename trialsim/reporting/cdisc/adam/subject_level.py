"""One record for each randomised subject: ADSL."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import NEVER
from trialsim.reporting.cdisc.metadata import CodeList, Dataset, Variable, copied, dataset
from trialsim.reporting.cdisc.scales import AGE
from trialsim.reporting.cdisc.sdtm.events import PARTICIPATION, TREATMENT, disposition_rows
from trialsim.reporting.cdisc.sdtm.findings import kind_of
from trialsim.reporting.cdisc.sdtm.subjects import NOT_SIMULATED, arms_of, sexes
from trialsim.reporting.cdisc.source import STUDYID, USUBJID, Source, happened, same
from trialsim.reporting.cdisc.terminology import own_list, standard_list
from trialsim.scenario.protocol.randomisation import SITE
from trialsim.scenario.words.plan import plan_in_words
from trialsim.trial.allocation.strata import classes_of, factors_of

YES_NO: Final = standard_list("NY", ["Y", "N"])
YES: Final = standard_list("NY", ["Y"])


def subject_level(source: Source) -> Dataset:
    """Return ADSL: treatment, dates, population flags and covariates of each patient."""
    patients = source.patients
    dosed = happened(patients["first_dose"])
    return dataset(
        "ADSL",
        "Subject-Level Analysis",
        "SUBJECT LEVEL ANALYSIS DATASET",
        "One record per randomised subject",
        ("USUBJID",),
        [
            *who_columns(source, patients, "DM"),
            (copied("AGE", "Age", "DM.AGE", "float"), _ages(patients)),
            (
                copied("AGEU", "Age Units", "DM.AGEU", codes=standard_list("AGEU")),
                same("YEARS" if AGE in patients else "", patients),
            ),
            (copied("SEX", "Sex", "DM.SEX", codes=standard_list("SEX")), sexes(patients)),
            (copied("RACE", "Race", "DM.RACE", comment=NOT_SIMULATED), same("", patients)),
            *_arms(source, patients),
            *_treatment(source, patients, dosed),
            *_populations(source, patients, dosed),
            *_times(source, patients, dosed),
            *_ends(source, patients),
            *_death(source, patients),
            *_exposure(patients),
            *_strata(source, patients),
            *_covariates(source, patients),
        ],
    )


def _populations(
    source: Source, patients: DataFrame, dosed: Booleans
) -> list[tuple[Variable, object]]:
    everybody = np.ones(len(patients), np.bool_)
    there = patients["subject"].to_numpy() - 1
    stayed = source.trial.batch.conduct.exited[0, there] == NEVER
    included = Data(source.trial.batch, source.study.analysis).included[0, there]
    flags = {
        "RANDFL": ("Randomized Population Flag", _RANDOMISED, everybody),
        "ITTFL": ("Intent-To-Treat Population Flag", _RANDOMISED, everybody),
        "SAFFL": ("Safety Population Flag", _else_no("DM.RFXSTDTC is not empty"), dosed),
        "FASFL": ("Full Analysis Set Population Flag", _set(source), included),
        "COMPLFL": ("Completers Population Flag", _else_no("EOSSTT = 'COMPLETED'"), stayed),
    }
    return [
        (
            Variable(name, label, "text", "Derived", YES_NO, comment, True),
            np.where(member, "Y", "N"),
        )
        for name, (label, comment, member) in flags.items()
    ]


def _else_no(condition: str) -> str:
    return f"Y where {condition}, else N"


_RANDOMISED: Final = _else_no("DM.ARMCD is not empty, which holds of every record")


def _set(source: Source) -> str:
    """Return whom the primary analysis is of: its analysis set, in words."""
    said = plan_in_words(source.study.analysis, source.study.outcomes)["analysis_set"]
    return f"Y of who belongs to the set of the primary analysis wherever a value is known. {said}"


def _times(source: Source, patients: DataFrame, dosed: Booleans) -> list[tuple[Variable, object]]:
    first, last = patients["first_dose"].to_numpy(), patients["last_dose"].to_numpy()
    start = "First Exposure to Treatment"
    return [
        _sas_date(
            source, "RANDDT", "Date of Randomization", patients["randomised_minute"], "DM.RFSTDTC"
        ),
        (
            Variable(
                "TRTSDTM",
                f"Datetime of {start}",
                "sas_datetime",
                "Derived",
                comment="DM.RFXSTDTC as a SAS datetime; empty where it is",
            ),
            np.where(dosed, source.calendar.sas_seconds(np.where(dosed, first, 0)), np.nan),
        ),
        _sas_date(source, "TRTSDT", f"Date of {start}", patients["first_dose"], "DM.RFXSTDTC"),
        _sas_date(
            source,
            "TRTEDT",
            "Date of Last Exposure to Treatment",
            patients["last_dose"],
            "DM.RFXENDTC",
        ),
        (
            Variable(
                "TRTDURD",
                "Total Treatment Duration (Days)",
                "integer",
                "Derived",
                comment="TRTEDT - TRTSDT + 1",
            ),
            _duration(source, first, last, dosed),
        ),
    ]


def treatments(source: Source) -> dict[str, tuple[str, int]]:
    """Return label and number of each arm by its name."""
    arms = source.study.design.arms
    return {name: (arm.label, place) for place, (name, arm) in enumerate(arms.items(), 1)}


def who_columns(
    source: Source, records: DataFrame, of: str = "ADSL"
) -> list[tuple[Variable, object]]:
    """Return STUDYID, USUBJID, SUBJID and SITEID of some records, which another dataset has."""
    who = [copied(one.name, one.label, f"{of}.{one.name}") for one in (STUDYID, USUBJID)]
    study, subject = (replace(one, mandatory=True) for one in who)
    return [
        (study, same(source.study_id, records)),
        (subject, records["USUBJID"]),
        (
            copied("SUBJID", "Subject Identifier for the Study", f"{of}.SUBJID"),
            records["SUBJID"],
        ),
        (copied("SITEID", "Study Site Identifier", f"{of}.SITEID"), records["SITEID"]),
    ]


def treatment_columns(
    source: Source, records: DataFrame, actual: bool = False
) -> list[tuple[Variable, object]]:
    """Return TRTP and TRTPN of some records, and where wanted TRTA and TRTAN, as ADSL has them."""
    label, number = arm_labels(source), arm_numbers(source)
    found: list[tuple[Variable, object]] = []
    for which, what in (("P", "Planned"), ("A", "Actual")) if actual else (("P", "Planned"),):
        arm = records["arm"].astype(object)
        if which == "A":
            arm = arm.where(happened(records["first_dose"]))
        of, name = f"ADSL.TRT01{which}", f"TRT{which}"
        found += [
            (copied(name, f"{what} Treatment", of, codes=label), arm.map(_labels(source))),
            (
                copied(f"{name}N", f"{what} Treatment (N)", f"{of}N", "integer", number),
                arm.map(_numbers(source)).astype(np.float64),
            ),
        ]
    return found


def arm_labels(source: Source) -> CodeList:
    """Return the arms by their labels."""
    names = {arm.label: arm.label for arm in source.study.design.arms.values()}
    return own_list("TRT", "Treatments", names)


def arm_numbers(source: Source) -> CodeList:
    """Return the arms by their numbers."""
    names = {str(number): label for label, number in treatments(source).values()}
    return own_list("TRTN", "Treatment numbers", names)


def _labels(source: Source) -> dict[str, str]:
    return {name: label for name, (label, _) in treatments(source).items()}


def _numbers(source: Source) -> dict[str, int]:
    return {name: number for name, (_, number) in treatments(source).items()}


def _arms(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    """Return the planned and the actual arm, as DM has them."""
    arms = DataFrame(arms_of(source), index=source.people["USUBJID"]).loc[patients["USUBJID"]]
    return [
        (copied(name, label, f"DM.{name}", codes=codes), arms[name].to_numpy())
        for name, label, codes in (
            ("ARMCD", "Planned Arm Code", source.arm_list),
            ("ARM", "Description of Planned Arm", None),
            ("ACTARMCD", "Actual Arm Code", source.arm_list),
            ("ACTARM", "Description of Actual Arm", None),
        )
    ]


def _treatment(
    source: Source, patients: DataFrame, dosed: Booleans
) -> list[tuple[Variable, object]]:
    arm, codes, numbers = patients["arm"].astype(object), arm_labels(source), arm_numbers(source)
    planned, actual = "Planned Treatment for Period 01", "Actual Treatment for Period 01"
    in_order = ", ".join(f"{number} for {label}" for label, number in treatments(source).values())
    found: list[tuple[Variable, object]] = []
    for name, label, of, has in (
        ("TRT01P", planned, "DM.ARM", np.ones_like(dosed)),
        ("TRT01A", actual, "DM.ACTARM", dosed),
    ):
        said = f"The place of {name} among the arms of the study file: {in_order}"
        number = Variable(f"{name}N", f"{label} (N)", "integer", "Derived", numbers, said)
        found += [
            (
                replace(copied(name, label, of, codes=codes), mandatory=name == "TRT01P"),
                arm.map(_labels(source)).where(has, ""),
            ),
            (number, arm.map(_numbers(source)).astype(np.float64).where(has)),
        ]
    return found


def _ages(patients: DataFrame) -> object:
    return patients[AGE] if AGE in patients else np.full(len(patients), np.nan)


def _sas_date(
    source: Source, name: str, label: str, minutes: "pd.Series[int]", of: str
) -> tuple[Variable, Floats]:
    known, minute = happened(minutes), minutes.to_numpy(np.int64)
    days = source.calendar.sas_days(np.where(known, minute, 0))
    return date_part(name, label, of), np.where(known, days, np.nan)


def date_part(name: str, label: str, of: str) -> Variable:
    """Return a SAS date that is the date of a date and time in SDTM."""
    said = f"Date part of {of}, as a SAS date; empty where there is none"
    return Variable(name, label, "sas_date", "Derived", comment=said)


def _duration(source: Source, first: Integers, last: Integers, dosed: Booleans) -> Floats:
    days = source.calendar.sas_days
    lasted = days(np.where(dosed, last, 0)) - days(np.where(dosed, first, 0)) + 1
    return np.where(dosed, lasted, np.nan)


def _ends(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    """Return how study and treatment ended, from the records of DS."""
    rows = disposition_rows(source)
    found: list[tuple[Variable, object]] = []
    for scope, status, date, reason, what in (
        (TREATMENT, "EOTSTT", "EOTDT", "DCTREAS", "Treatment"),
        (PARTICIPATION, "EOSSTT", "EOSDT", "DCSREAS", "Study"),
    ):
        ends = rows[rows["DSSCAT"].eq(scope)].set_index("USUBJID")
        ends = ends.reindex(patients["USUBJID"])
        decode = ends["DSDECOD"].fillna("")
        done = decode.eq("COMPLETED")
        said = np.select([done, decode.ne("")], ["COMPLETED", "DISCONTINUED"], "")
        ended = ends["minute"].fillna(-1).to_numpy(np.int64)
        day = np.where(ended >= 0, source.calendar.sas_days(ended), np.nan)
        codes = own_list("STATUS", "Status", dict.fromkeys(("COMPLETED", "DISCONTINUED"), ""))
        where = f"where DSSCAT = '{scope}'"
        how = f"COMPLETED where DS.DSDECOD is, {where}; DISCONTINUED of any other; empty of none"
        found += [
            (Variable(status, f"End of {what} Status", "text", "Derived", codes, how), said),
            (date_part(date, f"End of {what} Date", f"DS.DSSTDTC {where}"), day),
            (
                copied(
                    reason,
                    f"Reason for Discontinuation of {what}",
                    f"DS.DSDECOD {where} and {status} = 'DISCONTINUED'",
                ),
                decode.where(~done, "").to_numpy(),
            ),
        ]
    return found


def _death(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    died = pd.Series(source.trial.batch.conduct.died[0, patients["subject"].to_numpy() - 1])
    return [
        (
            copied("DTHFL", "Subject Death Flag", "DM.DTHFL", codes=YES),
            np.where(happened(died), "Y", ""),
        ),
        _sas_date(source, "DTHDT", "Date of Death", died, "DM.DTHDTC"),
    ]


def _exposure(patients: DataFrame) -> list[tuple[Variable, object]]:
    whole = "Infusions of the whole course, the same for every subject"
    given = "Number of records of the subject in EX; 0 without any"
    dose = "Sum of EX.EXDOSE of the subject; 0 without a record"
    label = "Study Drug Received (mL)"
    return [
        (
            Variable("INFPLAN", "Infusions Planned", "integer", "Protocol", comment=whole),
            patients["infusions_planned"],
        ),
        (
            Variable("INFGIVEN", "Infusions Given", "integer", "Derived", comment=given),
            patients["infusions_given"],
        ),
        (
            Variable("CUMDOSE", label, "float", "Derived", comment=dose),
            patients["study_drug_received_ml"],
        ),
    ]


def _strata(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    """Return the stratum of randomisation of each patient, where the design has any factor."""
    trial = source.trial.batch
    factors = factors_of(source.study)
    if not factors:
        return []
    places = classes_of(source.study, trial.cohort, trial.candidate)
    there = patients["subject"].to_numpy() - 1
    classes = {
        name: np.array(classes, object)[places[name][0, there]] for name, classes in factors
    } | ({SITE: patients["SITEID"].to_numpy(object)} if SITE in places else {})
    said = "; ".join(_factor(source, name) for name, _ in factors)
    variable = Variable(
        "STRATAR",
        "Strata Used for Randomization",
        "text",
        "Derived",
        comment=f"The class of each factor, joined by semicolons, in this order: {said}",
    )
    return [(variable, ["; ".join(row) for row in zip(*classes.values(), strict=True)])]


def _factor(source: Source, name: str) -> str:
    """Return the variable whose classes a factor is, and the classes."""
    if name == SITE:
        return "SITEID"
    factor, covariates = source.study.design.strata[name], source.study.population.covariates
    classes = ", ".join(factor.classes(covariates))
    return f"{source.tests.of_subjects[factor.covariate]} ({classes})"


def _covariates(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    """Return every covariate under the code of its test."""
    own = source.study.population.covariates
    found: list[tuple[Variable, object]] = []
    for name, test in source.tests.covariates.items():
        column = f"covariate_{name}" if f"covariate_{name}" in patients else name
        values, covariate = patients[column], own[name]
        kind, codes = kind_of(source, test)
        if covariate.is_flag:
            values = values.map({True: "Y", False: "N"})
        elif kind == "text":
            values = values.astype(object)
        domain, result = test.domain, "STRESC" if kind == "text" else "STRESN"
        of = f"{domain}.{domain}{result} where {domain}TESTCD = '{test.code}' and VISITNUM = 1"
        found.append((copied(test.code, test.name, of, kind, codes), values))
    return found

"""One record for each randomised subject: ADSL."""

from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.arrays import Booleans, Floats, Integers
from trialsim.clock import NEVER
from trialsim.reporting.cdisc.metadata import CodeList, Dataset, Kind, Variable, dataset
from trialsim.reporting.cdisc.scales import AGE
from trialsim.reporting.cdisc.sdtm.events import PARTICIPATION, TREATMENT, disposition_rows
from trialsim.reporting.cdisc.sdtm.subjects import NOT_SIMULATED, sexes
from trialsim.reporting.cdisc.source import STUDYID, USUBJID, Source, happened, same
from trialsim.reporting.cdisc.terminology import own_list, standard_list

YES_NO: Final = standard_list("NY", ["Y", "N"])
YES: Final = standard_list("NY", ["Y"])


def subject_level(source: Source) -> Dataset:
    """Return ADSL: treatment, dates, population flags and covariates of each patient."""
    patients = source.patients
    dosed = happened(patients["first_dose"])
    return dataset(
        "ADSL",
        "Subject-Level Analysis",
        "ADaMIG",
        "SUBJECT LEVEL ANALYSIS DATASET",
        "One record per randomised subject",
        ("USUBJID",),
        [
            *who_columns(source, patients),
            (Variable("AGE", "Age", "float", "Predecessor"), _ages(patients)),
            (
                Variable("AGEU", "Age Units", "text", "Predecessor", standard_list("AGEU")),
                same("YEARS" if AGE in patients else "", patients),
            ),
            (Variable("SEX", "Sex", "text", "Predecessor", standard_list("SEX")), sexes(patients)),
            (
                Variable("RACE", "Race", "text", "Predecessor", comment=NOT_SIMULATED),
                same("", patients),
            ),
            (
                Variable("ARM", "Description of Planned Arm", "text", "Predecessor"),
                patients["arm"]
                .astype(object)
                .map({name: one[0] for name, one in treatments(source).items()}),
            ),
            *_treatment(source, patients, dosed),
            *_populations(source, patients, dosed),
            *_times(source, patients, dosed),
            *_ends(source, patients),
            *_exposure(patients),
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
        "RANDFL": ("Randomized Population Flag", "Randomised", everybody),
        "ITTFL": ("Intent-To-Treat Population Flag", "Randomised", everybody),
        "SAFFL": ("Safety Population Flag", "At least one infusion given", dosed),
        "FASFL": ("Full Analysis Set Population Flag", _SET, included),
        "COMPLFL": ("Completers Population Flag", "Neither withdrew nor died", stayed),
    }
    return [
        (
            Variable(name, label, "text", "Derived", YES_NO, comment, True),
            np.where(member, "Y", "N"),
        )
        for name, (label, comment, member) in flags.items()
    ]


def _times(source: Source, patients: DataFrame, dosed: Booleans) -> list[tuple[Variable, object]]:
    first, last = patients["first_dose"].to_numpy(), patients["last_dose"].to_numpy()
    start = "First Exposure to Treatment"
    return [
        _sas_date(source, "RANDDT", "Date of Randomization", patients["randomised_minute"]),
        (
            Variable("TRTSDTM", f"Datetime of {start}", "sas_datetime", "Derived"),
            np.where(dosed, source.calendar.sas_seconds(np.where(dosed, first, 0)), np.nan),
        ),
        _sas_date(source, "TRTSDT", f"Date of {start}", patients["first_dose"]),
        _sas_date(source, "TRTEDT", "Date of Last Exposure to Treatment", patients["last_dose"]),
        (
            Variable("TRTDURD", "Total Treatment Duration (Days)", "integer", "Derived"),
            _duration(source, first, last, dosed),
        ),
    ]


_SET: Final = "Eligible for the primary analysis wherever a value is known"


def treatments(source: Source) -> dict[str, tuple[str, int]]:
    """Return label and number of each arm by its name."""
    arms = source.study.design.arms
    return {name: (arm.label, place) for place, (name, arm) in enumerate(arms.items(), 1)}


def who_columns(source: Source, records: DataFrame) -> list[tuple[Variable, object]]:
    """Return STUDYID, USUBJID, SUBJID and SITEID of some records."""
    return [
        (STUDYID, same(source.study_id, records)),
        (USUBJID, records["USUBJID"]),
        (
            Variable("SUBJID", "Subject Identifier for the Study", "text", "Predecessor"),
            records["SUBJID"],
        ),
        (Variable("SITEID", "Study Site Identifier", "text", "Predecessor"), records["SITEID"]),
    ]


def treatment_columns(source: Source, records: DataFrame) -> list[tuple[Variable, object]]:
    """Return TRTP and TRTPN of some records: the arm to which the patient was randomised."""
    arms = treatments(source)
    label = {name: one[0] for name, one in arms.items()}
    number = {name: one[1] for name, one in arms.items()}
    arm = records["arm"].astype(object)
    return [
        (
            Variable("TRTP", "Planned Treatment", "text", "Derived", arm_labels(source)),
            arm.map(label),
        ),
        (Variable("TRTPN", "Planned Treatment (N)", "integer", "Derived"), arm.map(number)),
    ]


def arm_labels(source: Source) -> CodeList:
    """Return the arms by their labels."""
    names = {arm.label: arm.label for arm in source.study.design.arms.values()}
    return own_list("TRT", "Treatments", names)


def _treatment(
    source: Source, patients: DataFrame, dosed: Booleans
) -> list[tuple[Variable, object]]:
    arms, arm = treatments(source), patients["arm"].astype(object)
    label = arm.map({name: one[0] for name, one in arms.items()}).to_numpy()
    number = arm.map({name: one[1] for name, one in arms.items()}).to_numpy(np.float64)
    codes = arm_labels(source)
    planned, actual = "Planned Treatment for Period 01", "Actual Treatment for Period 01"
    return [
        (Variable("TRT01P", planned, "text", "Derived", codes, "", True), label),
        (Variable("TRT01PN", f"{planned} (N)", "integer", "Derived"), number),
        (Variable("TRT01A", actual, "text", "Derived", codes), np.where(dosed, label, "")),
        (
            Variable("TRT01AN", f"{actual} (N)", "integer", "Derived"),
            np.where(dosed, number, np.nan),
        ),
    ]


def _ages(patients: DataFrame) -> object:
    return patients[AGE] if AGE in patients else np.full(len(patients), np.nan)


def _sas_date(
    source: Source, name: str, label: str, minutes: "pd.Series[int]"
) -> tuple[Variable, Floats]:
    known, minute = happened(minutes), minutes.to_numpy(np.int64)
    days = source.calendar.sas_days(np.where(known, minute, 0))
    return Variable(name, label, "sas_date", "Derived"), np.where(known, days, np.nan)


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
        found += [
            (Variable(status, f"End of {what} Status", "text", "Derived", codes), said),
            (Variable(date, f"End of {what} Date", "sas_date", "Derived"), day),
            (
                Variable(reason, f"Reason for Discontinuation of {what}", "text", "Predecessor"),
                decode.where(~done, "").to_numpy(),
            ),
        ]
    return found


def _exposure(patients: DataFrame) -> list[tuple[Variable, object]]:
    return [
        (
            Variable("INFPLAN", "Infusions Planned", "integer", "Protocol"),
            patients["infusions_planned"],
        ),
        (
            Variable("INFGIVEN", "Infusions Given", "integer", "Derived"),
            patients["infusions_given"],
        ),
        (
            Variable("CUMDOSE", "Study Drug Received (mL)", "float", "Derived"),
            patients["study_drug_received_ml"],
        ),
    ]


def _covariates(source: Source, patients: DataFrame) -> list[tuple[Variable, object]]:
    """Return every covariate under the code of its test."""
    own = source.study.population.covariates
    found: list[tuple[Variable, object]] = []
    for name, test in source.tests.covariates.items():
        column = f"covariate_{name}" if f"covariate_{name}" in patients else name
        values, covariate = patients[column], own[name]
        kind: Kind = "float"
        if covariate.levels is not None:
            kind, values = "text", values.astype(object)
        elif covariate.is_flag:
            kind, values = "text", values.map({True: "Y", False: "N"}).astype(object)
        found.append((Variable(test.code, test.name, kind, "Predecessor"), values))
    return found

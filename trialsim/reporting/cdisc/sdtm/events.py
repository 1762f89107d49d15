"""What became of the subjects, and what was not done as planned: DS and DV.

Disposition is written from the kinds of intercurrent events that a study file may have: a kind
that ends treatment or participation has a category, every other one is an event besides.
"""

from typing import Final, NamedTuple, get_args

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.reporting.cdisc.metadata import (
    CodeList,
    Dataset,
    Variable,
    columns,
    numbered,
    sequence,
    study_day,
)
from trialsim.reporting.cdisc.sdtm.trial_design import domain
from trialsim.reporting.cdisc.source import EPOCH, Source, happened, same
from trialsim.reporting.cdisc.terminology import own_list, standard_list
from trialsim.scenario.protocol.intercurrent import Event
from trialsim.scenario.words.labels import spoken

TREATMENT: Final = "STUDY TREATMENT"
PARTICIPATION: Final = "STUDY PARTICIPATION"
COMPLETED: Final = "COMPLETED"


class Kind(NamedTuple):
    """A kind of intercurrent event, in the terms of disposition."""

    name: Event
    """Its name in `Operations`."""
    term: str
    """DSTERM."""
    decode: str
    """DSDECOD."""
    ends: str
    """DSSCAT: what it ends, "" for nothing."""


_ENDS: Final = {
    "discontinuation": TREATMENT,
    "drug_related_discontinuation": TREATMENT,
    "withdrawal": PARTICIPATION,
    "death": PARTICIPATION,
}
_DECODES: Final = {"withdrawal": "WITHDRAWAL BY SUBJECT", "death": "DEATH"}
_TERMS: Final = {
    "discontinuation": "Infusions stopped for good; the reason is not simulated",
    "drug_related_discontinuation": "Infusions stopped for good because of the study drug",
    "rescue": "Began a rescue treatment",
    "switching": "Switched to another arm's study drug",
    "withdrawal": "Withdrew from the trial",
    "death": "Died",
}
_SCREENED: Final = {
    "screen failure": ("Screen failure", "SCREEN FAILURE"),
    "window missed": (
        "The first infusion could not start in time",
        "FAILURE TO MEET RANDOMIZATION CRITERIA",
    ),
    "recruitment closed": (
        "Recruitment was closed",
        "MET ELIGIBILITY CRITERIA BUT NOT NEEDED",
    ),
    "in screening": ("Still in screening", "SCREENING NOT COMPLETED"),
}
"""DSTERM and DSDECOD by the outcome of screening."""


def kinds() -> list[Kind]:
    """Return every kind of intercurrent event that a study file may have.

    >>> [(kind.name, kind.decode) for kind in kinds()][-2:]
    [('withdrawal', 'WITHDRAWAL BY SUBJECT'), ('death', 'DEATH')]
    """
    return [
        Kind(
            name,
            _TERMS.get(name, spoken(name)),
            _DECODES.get(name, name.replace("_", " ").upper()),
            _ENDS.get(name, ""),
        )
        for name in get_args(Event)
    ]


def events(source: Source) -> list[Dataset]:
    """Return disposition and protocol deviations."""
    return [_disposition(source), _deviations(source)]


_DS: Final = (
    sequence(
        "DS",
        "DSSTDTC; at one minute the milestone, then the end of treatment, then all others",
    ),
    Variable("DSTERM", "Reported Term for the Disposition Event", mandatory=True),
    Variable("DSDECOD", "Standardized Disposition Term", origin="Assigned", mandatory=True),
    Variable(
        "DSCAT",
        "Category for Disposition Event",
        origin="Assigned",
        codes=standard_list("DSCAT"),
    ),
    Variable(
        "DSSCAT",
        "Subcategory for Disposition Event",
        origin="Assigned",
        codes=standard_list("DSSCAT"),
    ),
    EPOCH,
    Variable("DSSTDTC", "Start Date/Time of Disposition Event", "datetime"),
    study_day("DSSTDY", "Study Day of Start of Disposition Event", "DSSTDTC"),
)


def _disposition(source: Source) -> Dataset:
    rows = disposition_rows(source)
    return domain(
        source,
        "DS",
        "Disposition",
        "EVENTS",
        "One record per milestone or disposition event per subject",
        ("USUBJID", "DSSEQ"),
        rows,
        columns(_DS, rows, {"DSDECOD": _decodes(rows)}),
    )


def _decodes(rows: DataFrame) -> CodeList:
    """Return the list of DSDECOD: reasons and milestones, each term with its own code."""
    reasons = standard_list("NCOMPLT", rows["DSDECOD"])
    milestones = {term.value: term for term in standard_list("PROTMLST").terms}
    terms = tuple(milestones.get(term.value, term) for term in reasons.terms)
    return CodeList(reasons.name, reasons.label, terms, reasons.code)


def disposition_rows(source: Source) -> DataFrame:
    """Return the records of DS in order, with the minute of each."""
    people, patients = source.people, source.patients
    others = people[people["subject"] == 0]
    parts = [_records(patients, patients["randomised_minute"], "Randomised", "RANDOMIZED", "", 0)]
    parts[0]["DSCAT"] = "PROTOCOL MILESTONE"
    for outcome, (term, decode) in _SCREENED.items():
        failed = others[others["outcome"].eq(outcome)]
        parts.append(_records(failed, failed["decided_minute"], term, decode, PARTICIPATION, 3))
    parts += _ends(source)
    rows = pd.concat(parts).sort_values(["USUBJID", "minute", "order"], kind="stable")
    rows = rows.reset_index(drop=True)
    who = people.set_index("USUBJID").loc[rows["USUBJID"]]
    minutes = rows["minute"].to_numpy(np.int64)
    rows["DSSEQ"] = numbered(rows)
    rows["EPOCH"] = source.epochs(who, minutes)
    rows["DSSTDTC"] = source.calendar.moments(minutes)
    rows["DSSTDY"] = source.study_days(who, minutes)
    return rows


def _records(
    who: DataFrame, minutes: "pd.Series[int]", term: str, decode: str, ends: str, order: int
) -> DataFrame:
    category = "DISPOSITION EVENT" if ends else "OTHER EVENT"
    return DataFrame(
        {
            "USUBJID": who["USUBJID"].to_numpy(),
            "minute": minutes.to_numpy(np.int64),
            "order": order,
            "DSTERM": term,
            "DSDECOD": decode,
            "DSCAT": category,
            "DSSCAT": ends,
        }
    )


def _ends(source: Source) -> list[DataFrame]:
    """Return what ended each patient's treatment and participation, and what else happened."""
    patients, conduct = source.patients, source.trial.batch.conduct
    there = patients["subject"].to_numpy() - 1
    course_ends = patients["course_ends"].to_numpy()
    treated = happened(patients["first_dose"])
    stayed = np.ones(len(patients), np.bool_)
    parts = []
    for kind in kinds():
        minutes = pd.Series(conduct.minute_of(kind.name)[0, there])
        has = happened(minutes)
        parts.append(_records(patients[has], minutes[has], kind.term, kind.decode, kind.ends, 3))
        if kind.ends == PARTICIPATION:
            stayed = stayed & ~has
            cut = has & treated & (minutes.to_numpy() < course_ends)
            parts.append(
                _records(patients[cut], minutes[cut], kind.term, kind.decode, TREATMENT, 2)
            )
            treated = treated & ~cut
        elif kind.ends == TREATMENT:
            treated = treated & ~has
    whole, through = patients[stayed], patients[treated]
    done = "Course of infusions completed"
    parts.append(_records(through, through["treatment_ends"], done, COMPLETED, TREATMENT, 1))
    done = "Trial completed"
    parts.append(_records(whole, whole["ended_minute"], done, COMPLETED, PARTICIPATION, 3))
    return parts


_DEVIATIONS: Final = {"INFUSION NOT GIVEN": "Infusion not given", "VISIT MISSED": "Visit missed"}
_DV: Final = (
    sequence("DV", "DVSTDTC, then DVTERM"),
    Variable("DVTERM", "Protocol Deviation Term", mandatory=True),
    Variable(
        "DVDECOD",
        "Protocol Deviation Coded Term",
        origin="Assigned",
        codes=own_list("DVDECOD", "Protocol deviations", _DEVIATIONS),
    ),
    Variable("DVCAT", "Category for Protocol Deviation", origin="Assigned"),
    EPOCH,
    Variable("DVSTDTC", "Start Date/Time of Deviation", "datetime"),
    study_day("DVSTDY", "Study Day of Start of Deviation", "DVSTDTC"),
)


def _deviations(source: Source) -> Dataset:
    rows = pd.concat([_infusions_missed(source), _visits_missed(source)])
    rows = rows.sort_values(["USUBJID", "minute", "DVTERM"], kind="stable").reset_index(drop=True)
    who = source.people.set_index("USUBJID").loc[rows["USUBJID"]]
    minutes = rows["minute"].to_numpy(np.int64)
    values = {
        "DVSEQ": numbered(rows),
        "DVTERM": rows["DVTERM"],
        "DVDECOD": rows["DVDECOD"],
        "DVCAT": same("CONDUCT", rows),
        "EPOCH": source.epochs(who, minutes),
        "DVSTDTC": source.calendar.moments(minutes),
        "DVSTDY": source.study_days(who, minutes),
    }
    return domain(
        source,
        "DV",
        "Protocol Deviations",
        "EVENTS",
        "One record per protocol deviation per subject",
        ("USUBJID", "DVSEQ"),
        rows,
        columns(_DV, values),
    )


_NOT_DUE: Final = ("given", "discontinued", "withdrawn", "died")
"""What became of infusions that were given, or that nobody could expect any more."""


def _infusions_missed(source: Source) -> DataFrame:
    infusions = source.tables["infusions"]
    missed = infusions[~infusions["status"].isin(_NOT_DUE)].reset_index(drop=True)
    told = missed["infusion"].astype(str) + " not given: " + missed["status"].astype(str)
    return _deviated(source, missed, "Infusion " + told, "INFUSION NOT GIVEN")


def _visits_missed(source: Source) -> DataFrame:
    visits = source.tables["visits"]
    missed = visits[visits["status"].eq("missed")].reset_index(drop=True)
    named = missed["visit"].astype(str).str.replace("_", " ")
    return _deviated(source, missed, "Visit missed: " + named, "VISIT MISSED")


def _deviated(
    source: Source, records: DataFrame, terms: "pd.Series[str]", decode: str
) -> DataFrame:
    who = source.of_subjects(records["subject"], "USUBJID")
    minutes = records["due_minute"].to_numpy(np.int64)
    return DataFrame(
        {"USUBJID": who["USUBJID"], "minute": minutes, "DVTERM": terms, "DVDECOD": decode}
    )

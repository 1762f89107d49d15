"""Days from randomisation to each kind of intercurrent event, and to leaving the trial: ADTTE.

Each analysis of times has a parameter of its own, with the very days that it compares.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.analysis.data import Data
from trialsim.analysis.methods.time_to_event.times import times_of
from trialsim.reporting.cdisc.adam.efficacy import plans_of
from trialsim.reporting.cdisc.adam.exposure import parameter_columns
from trialsim.reporting.cdisc.adam.subject_level import date_part, treatment_columns, who_columns
from trialsim.reporting.cdisc.metadata import Dataset, Part, Variable, columns, copied, dataset
from trialsim.reporting.cdisc.scales import short_name
from trialsim.reporting.cdisc.sdtm.events import (
    COMPLETED,
    PARTICIPATION,
    TREATMENT,
    Kind,
    disposition_rows,
    kinds,
)
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.cdisc.terminology import own_list
from trialsim.scenario.plan.analysis_plan import AnalysisPlan
from trialsim.scenario.plan.methods.time_to_event.events import EventMethod
from trialsim.scenario.words.estimands import happening
from trialsim.scenario.words.labels import in_words

EXIT: Final = "EXIT"
_SOURCE_SAID: Final = "Of a kind of event; empty of the time of an analysis, derived from several"

_ADTTE: Final = (
    Variable("AVAL", "Analysis Value", "integer", "Derived", comment="In days, by PARAMCD"),
    copied("STARTDT", "Time-to-Event Origin Date for Subject", "ADSL.RANDDT", "sas_date"),
    date_part(
        "ADT",
        "Analysis Date",
        "DS.DSSTDTC of the record whose DSSEQ = SRCSEQ; where that is empty STARTDT + AVAL",
    ),
    Variable(
        "CNSR",
        "Censor",
        "integer",
        "Derived",
        own_list("CNSR", "Censoring", {"0": "Event", "1": "Censored"}),
        "0 where the subject has the event of the PARAMCD, as told at AVAL; else 1",
        mandatory=True,
    ),
    Variable(
        "EVNTDESC",
        "Event or Censoring Description",
        "text",
        "Derived",
        comment="DS.DSTERM of the record whose DSSEQ = SRCSEQ, after 'Censored: ' where CNSR = 1; "
        "of the time of an analysis 'Event', or 'Censored', as told at AVAL",
    ),
    Variable(
        "CNSDTDSC",
        "Censor Date Description",
        "text",
        "Derived",
        comment="Where CNSR = 1 'End of ' and DS.DSSCAT of that record in lower case, of the time "
        "of an analysis 'End of observation'; else empty",
    ),
    Variable("SRCDOM", "Source Data", "text", "Assigned", comment=_SOURCE_SAID),
    Variable("SRCVAR", "Source Variable", "text", "Assigned", comment=_SOURCE_SAID),
    copied("SRCSEQ", "Source Sequence Number", "DS.DSSEQ", "integer", comment=_SOURCE_SAID),
)


def time_to_event(source: Source) -> Dataset:
    """Return ADTTE: a record for each patient and kind of event, censored at the end of follow-up.

    Whoever could have the event only during treatment is censored when treatment ends. An analysis
    of times has a record for each patient whom it compares.
    """
    parameters = _parameters(source)
    rows = pd.concat([_records(source), *_analysed_records(source)], ignore_index=True)
    return dataset(
        "ADTTE",
        "Time-to-Event Analysis",
        "BASIC DATA STRUCTURE",
        "One record per subject per parameter",
        ("USUBJID", "PARAMCD"),
        [
            *who_columns(source, rows),
            *treatment_columns(source, rows),
            *parameter_columns(rows, {code: one.label for code, one in parameters.items()}),
            *columns(_ADTTE, rows),
        ],
        [_part(code, one) for code, one in parameters.items()],
    )


class _Parameter(NamedTuple):
    """One time to an event."""

    label: str
    kind: Kind | None
    """The kind of intercurrent event; None for any that ends participation."""
    flag: str = ""
    """That of the analysis whose time it is, as in ADEFF; empty of a kind of event."""
    plan: AnalysisPlan | None = None
    """That analysis."""


def _parameters(source: Source) -> dict[str, _Parameter]:
    """Return the parameters by code: of the kinds of events that the study can have."""
    found: dict[str, _Parameter] = {}
    possible = happening(source.study)
    for kind in (one for one in kinds() if one.name in possible):
        code = short_name(kind.name, list(found))
        found[code] = _Parameter(f"Time to {in_words(kind.name)} (days)", kind)
    found[EXIT] = _Parameter("Time to leaving the trial (days)", None)
    names = ("primary", *source.study.analysis.further)
    for (flag, plan), name in zip(plans_of(source.study.analysis), names, strict=True):
        if isinstance(plan.test, EventMethod):
            label = f"Time that {flag[:5]} compares (days)"
            found[short_name(name, list(found))] = _Parameter(label, None, flag, plan)
    return found


def parameter_of(source: Source, flag: str) -> str:
    """Return PARAMCD of the time that the analysis with a flag compares."""
    return next(code for code, one in _parameters(source).items() if one.flag == flag)


def _part(code: str, parameter: _Parameter) -> Part:
    """Return which record of DS a parameter is about, or what an analysis compares."""
    if parameter.plan is None:
        said = f"ADT - STARTDT + 1. {_event_said(parameter.kind)}"
    else:
        said = _compared_said(parameter.plan)
    return Part("PARAMCD", code, replace(_ADTTE[0], label=parameter.label, comment=said))


def _event_said(kind: Kind | None) -> str:
    """Return which records of DS are events, and at which everybody else is censored."""
    scopes = f"'{PARTICIPATION}'"
    if kind is None:
        event = f"DSSCAT = '{PARTICIPATION}' and DSDECOD not '{COMPLETED}'"
    else:
        event = f"DSDECOD = '{kind.decode}' and DSSCAT {_is(kind.ends)}"
        scopes = f"'{TREATMENT}' or {scopes}" if kind.ends == TREATMENT else scopes
    return (
        f"Event: the record of DS with {event}; else censored at the first record of DS with "
        f"DSSCAT {scopes}"
    )


def _compared_said(plan: AnalysisPlan) -> str:
    """Return the days that an analysis compares, and who is censored."""
    test = plan.test
    assert isinstance(test, EventMethod)
    time = test.time_in_words(plan)
    return (
        f"{time[0].upper()}{time[1:]}; whole days of 24 hours, 0 at randomisation. "
        f"{test.censoring_in_words(plan)} {test.death_in_words(plan, '')}"
    )


def _is(ends: str) -> str:
    return f"= '{ends}'" if ends else "empty"


_WHO: Final = ["USUBJID", "SUBJID", "SITEID", "arm", "randomised_minute"]


def _records(source: Source) -> DataFrame:
    """Return the records of every kind of event."""
    disposed = disposition_rows(source)
    disposed = disposed[disposed["USUBJID"].isin(source.patients["USUBJID"])]
    parts = []
    for code, (_, kind, _, plan) in _parameters(source).items():
        if plan is not None:
            continue
        if kind is None:
            scope, mine = PARTICIPATION, disposed[disposed["DSDECOD"].ne(COMPLETED)]
            mine = mine[mine["DSSCAT"].eq(PARTICIPATION)]
        else:
            scope, mine = kind.ends or PARTICIPATION, disposed[disposed["DSSCAT"].eq(kind.ends)]
            mine = mine[mine["DSDECOD"].eq(kind.decode)]
        parts.append(_with_censored(disposed, mine, scope, code))
    rows = pd.concat(parts, ignore_index=True).merge(source.patients[_WHO], on="USUBJID")
    days = source.calendar.sas_days
    start, ended = days(rows["randomised_minute"].to_numpy()), days(rows["minute"].to_numpy())
    event = rows["CNSR"].eq(0).to_numpy(np.bool_)
    return rows.assign(
        AVAL=ended - start + 1,
        STARTDT=start,
        ADT=ended,
        EVNTDESC=np.where(event, rows["DSTERM"], "Censored: " + rows["DSTERM"]),
        CNSDTDSC=np.where(event, "", "End of " + rows["DSSCAT"].str.lower()),
        SRCDOM="DS",
        SRCVAR="DSSTDTC",
        SRCSEQ=rows["DSSEQ"],
    )


def _analysed_records(source: Source) -> Iterator[DataFrame]:
    """Yield the records of each analysis of times: whom it compares, as it has them."""
    for code, (_, _, _, plan) in _parameters(source).items():
        if plan is None:
            continue
        assert isinstance(plan.test, EventMethod)
        times = times_of(Data(source.trial.batch, plan), plan.test)
        rows = source.patients[["subject", *_WHO]]
        place = rows["subject"].to_numpy() - 1
        rows = rows[times.followed[0, place]]
        place = rows["subject"].to_numpy() - 1
        day, event = times.day[0, place], times.event[0, place]
        start = source.calendar.sas_days(rows["randomised_minute"].to_numpy())
        yield rows.assign(
            PARAMCD=code,
            AVAL=day,
            STARTDT=start,
            ADT=start + day,
            CNSR=np.where(event, 0, 1),
            EVNTDESC=np.where(event, "Event", "Censored"),
            CNSDTDSC=np.where(event, "", "End of observation"),
            SRCDOM="",
            SRCVAR="",
            SRCSEQ=np.nan,
        )


def _with_censored(disposed: DataFrame, events: DataFrame, within: str, code: str) -> DataFrame:
    """Return events with those who had none: censored at the end of treatment or participation."""
    ends = disposed[disposed["DSSCAT"].isin([within, PARTICIPATION])]
    ends = ends.sort_values(["USUBJID", "minute", "order"]).groupby("USUBJID").head(1)
    without = ends[~ends["USUBJID"].isin(events["USUBJID"])]
    kept = ["USUBJID", "minute", "DSTERM", "DSSCAT", "DSSEQ"]
    return pd.concat(
        [events[kept].assign(CNSR=0), without[kept].assign(CNSR=1)], ignore_index=True
    ).assign(PARAMCD=code)

"""Days from randomisation to each kind of intercurrent event, and to leaving the trial: ADTTE."""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from pandas import DataFrame

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
from trialsim.reporting.cdisc.source import Source, same
from trialsim.reporting.cdisc.terminology import own_list
from trialsim.scenario.words.estimands import happening
from trialsim.scenario.words.labels import in_words

EXIT: Final = "EXIT"


_ADTTE: Final = (
    Variable("AVAL", "Analysis Value", "integer", "Derived", comment="ADT - STARTDT + 1, in days"),
    copied("STARTDT", "Time-to-Event Origin Date for Subject", "ADSL.RANDDT", "sas_date"),
    date_part("ADT", "Analysis Date", "DS.DSSTDTC of the record whose DSSEQ = SRCSEQ"),
    Variable(
        "CNSR",
        "Censor",
        "integer",
        "Derived",
        own_list("CNSR", "Censoring", {"0": "Event", "1": "Censored"}),
        "0 where the subject has the event of the PARAMCD in DS, as told at AVAL; else 1",
        mandatory=True,
    ),
    Variable(
        "EVNTDESC",
        "Event or Censoring Description",
        "text",
        "Derived",
        comment="DS.DSTERM of the record whose DSSEQ = SRCSEQ, after 'Censored: ' where CNSR = 1",
    ),
    Variable(
        "CNSDTDSC",
        "Censor Date Description",
        "text",
        "Derived",
        comment="Where CNSR = 1 'End of ' and DS.DSSCAT of that record in lower case; else empty",
    ),
    Variable("SRCDOM", "Source Data", "text", "Assigned"),
    Variable("SRCVAR", "Source Variable", "text", "Assigned"),
    copied("SRCSEQ", "Source Sequence Number", "DS.DSSEQ", "integer"),
)


def time_to_event(source: Source) -> Dataset:
    """Return ADTTE: a record for each patient and kind of event, censored at the end of follow-up.

    Whoever could have the event only during treatment is censored when treatment ends.
    """
    rows, parameters = _records(source), _parameters(source)
    days = source.calendar.sas_days
    start, ended = days(rows["randomised_minute"].to_numpy()), days(rows["minute"].to_numpy())
    event = rows["CNSR"].eq(0).to_numpy(np.bool_)
    values = {
        "AVAL": ended - start + 1,
        "STARTDT": start,
        "ADT": ended,
        "CNSR": rows["CNSR"],
        "EVNTDESC": np.where(event, rows["DSTERM"], "Censored: " + rows["DSTERM"]),
        "CNSDTDSC": np.where(event, "", "End of " + rows["DSSCAT"].str.lower()),
        "SRCDOM": same("DS", rows),
        "SRCVAR": same("DSSTDTC", rows),
        "SRCSEQ": rows["DSSEQ"],
    }
    return dataset(
        "ADTTE",
        "Time-to-Event Analysis",
        "ADaMIG",
        "BASIC DATA STRUCTURE",
        "One record per subject per parameter",
        ("USUBJID", "PARAMCD"),
        [
            *who_columns(source, rows),
            *treatment_columns(source, rows),
            *parameter_columns(rows, {code: one.label for code, one in parameters.items()}),
            *columns(_ADTTE, values),
        ],
        [_part(code, one) for code, one in parameters.items()],
    )


class _Parameter(NamedTuple):
    """One time to an event."""

    label: str
    kind: Kind | None
    """The kind of intercurrent event; None for any that ends participation."""


def _parameters(source: Source) -> dict[str, _Parameter]:
    """Return the parameters by code: of the kinds of events that the study can have."""
    found: dict[str, _Parameter] = {}
    possible = happening(source.study)
    for kind in (one for one in kinds() if one.name in possible):
        code = short_name(kind.name, list(found))
        found[code] = _Parameter(f"Time to {in_words(kind.name)} (days)", kind)
    return found | {EXIT: _Parameter("Time to leaving the trial (days)", None)}


def _part(code: str, parameter: _Parameter) -> Part:
    """Return which record of DS a parameter is about."""
    kind, scopes = parameter.kind, f"'{PARTICIPATION}'"
    if kind is None:
        event = f"DSSCAT = '{PARTICIPATION}' and DSDECOD not '{COMPLETED}'"
    else:
        event = f"DSDECOD = '{kind.decode}' and DSSCAT {_is(kind.ends)}"
        scopes = f"'{TREATMENT}' or {scopes}" if kind.ends == TREATMENT else scopes
    said = (
        f"ADT - STARTDT + 1. Event: the record of DS with {event}; else censored at the first "
        f"record of DS with DSSCAT {scopes}"
    )
    return Part("PARAMCD", code, replace(_ADTTE[0], label=parameter.label, comment=said))


def _is(ends: str) -> str:
    return f"= '{ends}'" if ends else "empty"


def _records(source: Source) -> DataFrame:
    """Return the records of every parameter."""
    disposed = disposition_rows(source)
    disposed = disposed[disposed["USUBJID"].isin(source.patients["USUBJID"])]
    parts = []
    for code, (_, kind) in _parameters(source).items():
        if kind is None:
            scope, mine = PARTICIPATION, disposed[disposed["DSDECOD"].ne(COMPLETED)]
            mine = mine[mine["DSSCAT"].eq(PARTICIPATION)]
        else:
            scope, mine = kind.ends or PARTICIPATION, disposed[disposed["DSSCAT"].eq(kind.ends)]
            mine = mine[mine["DSDECOD"].eq(kind.decode)]
        parts.append(_with_censored(disposed, mine, scope, code))
    rows = pd.concat(parts, ignore_index=True)
    kept = ["USUBJID", "SUBJID", "SITEID", "arm", "randomised_minute"]
    return rows.merge(source.patients[kept], on="USUBJID")


def _with_censored(disposed: DataFrame, events: DataFrame, within: str, code: str) -> DataFrame:
    """Return events with those who had none: censored at the end of treatment or participation."""
    ends = disposed[disposed["DSSCAT"].isin([within, PARTICIPATION])]
    ends = ends.sort_values(["USUBJID", "minute", "order"]).groupby("USUBJID").head(1)
    without = ends[~ends["USUBJID"].isin(events["USUBJID"])]
    kept = ["USUBJID", "minute", "DSTERM", "DSSCAT", "DSSEQ"]
    return pd.concat(
        [events[kept].assign(CNSR=0), without[kept].assign(CNSR=1)], ignore_index=True
    ).assign(PARAMCD=code)

"""Days from randomisation to each kind of intercurrent event, and to leaving the trial: ADTTE."""

from typing import Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.reporting.cdisc.adam.exposure import parameter_columns
from trialsim.reporting.cdisc.adam.subject_level import treatment_columns, who_columns
from trialsim.reporting.cdisc.metadata import Dataset, Variable, columns, dataset
from trialsim.reporting.cdisc.scales import short_name
from trialsim.reporting.cdisc.sdtm.events import (
    COMPLETED,
    PARTICIPATION,
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
    Variable("STARTDT", "Time-to-Event Origin Date for Subject", "sas_date", "Derived"),
    Variable("ADT", "Analysis Date", "sas_date", "Derived"),
    Variable(
        "CNSR",
        "Censor",
        "integer",
        "Derived",
        own_list("CNSR", "Censoring", {"0": "Event", "1": "Censored"}),
        mandatory=True,
    ),
    Variable("EVNTDESC", "Event or Censoring Description", "text", "Derived"),
    Variable("CNSDTDSC", "Censor Date Description", "text", "Derived"),
    Variable("SRCDOM", "Source Data", "text", "Assigned"),
    Variable("SRCVAR", "Source Variable", "text", "Assigned"),
    Variable("SRCSEQ", "Source Sequence Number", "integer", "Predecessor"),
)


def time_to_event(source: Source) -> Dataset:
    """Return ADTTE: a record for each patient and kind of event, censored at the end of follow-up.

    Whoever could have the event only during treatment is censored when treatment ends.
    """
    rows, names = _records(source)
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
            *parameter_columns(rows, names),
            *columns(_ADTTE, values),
        ],
    )


def _records(source: Source) -> tuple[DataFrame, dict[str, str]]:
    """Return the records, and what each parameter is: of the kinds that the study can have."""
    disposed = disposition_rows(source)
    disposed = disposed[disposed["USUBJID"].isin(source.patients["USUBJID"])]
    names: dict[str, str] = {}
    parts = []
    possible = happening(source.study)
    for kind in (one for one in kinds() if one.name in possible):
        code = short_name(kind.name, list(names))
        names[code] = f"Time to {in_words(kind.name)} (days)"
        mine = disposed[disposed["DSDECOD"].eq(kind.decode)]
        mine = mine[mine["DSSCAT"].eq(kind.ends)]
        parts.append(_with_censored(disposed, mine, kind.ends or PARTICIPATION, code))
    names[EXIT] = "Time to leaving the trial (days)"
    left = disposed[disposed["DSSCAT"].eq(PARTICIPATION) & disposed["DSDECOD"].ne(COMPLETED)]
    parts.append(_with_censored(disposed, left, PARTICIPATION, EXIT))
    rows = pd.concat(parts, ignore_index=True)
    kept = ["USUBJID", "SUBJID", "SITEID", "arm", "randomised_minute"]
    return rows.merge(source.patients[kept], on="USUBJID"), names


def _with_censored(disposed: DataFrame, events: DataFrame, within: str, code: str) -> DataFrame:
    """Return events with those who had none: censored at the end of treatment or participation."""
    ends = disposed[disposed["DSSCAT"].isin([within, PARTICIPATION])]
    ends = ends.sort_values(["USUBJID", "minute", "order"]).groupby("USUBJID").head(1)
    without = ends[~ends["USUBJID"].isin(events["USUBJID"])]
    kept = ["USUBJID", "minute", "DSTERM", "DSSCAT", "DSSEQ"]
    return pd.concat(
        [events[kept].assign(CNSR=0), without[kept].assign(CNSR=1)], ignore_index=True
    ).assign(PARAMCD=code)

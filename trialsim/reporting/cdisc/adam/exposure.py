"""How much of the course each subject was given: ADEX."""

from dataclasses import replace

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.reporting.cdisc.adam.subject_level import treatment_columns, who_columns
from trialsim.reporting.cdisc.metadata import (
    CodeList,
    Dataset,
    Part,
    Term,
    Variable,
    dataset,
)
from trialsim.reporting.cdisc.source import Source

_PARAMETERS = {
    "INFPLAN": "Infusions planned",
    "INFGIVEN": "Infusions given",
    "INFPCT": "Infusions given (% of those planned)",
    "CUMDOSE": "Study drug received (mL)",
}


_AVAL = {
    "INFPLAN": Variable("", "Infusions", "integer", "Derived", comment="ADSL.INFPLAN"),
    "INFGIVEN": Variable("", "Infusions", "integer", "Derived", comment="ADSL.INFGIVEN"),
    "INFPCT": Variable(
        "", "% of those planned", "float", "Derived", comment="100 * ADSL.INFGIVEN / ADSL.INFPLAN"
    ),
    "CUMDOSE": Variable("", "mL", "float", "Derived", comment="ADSL.CUMDOSE"),
}


def parameter_columns(records: DataFrame, names: dict[str, str]) -> list[tuple[Variable, object]]:
    """Return PARAMCD and PARAM of some records, whose codes stand in `PARAMCD`."""
    code = records["PARAMCD"]
    codes = CodeList("PARAMCD", "Parameter codes", _terms(names))
    labels = CodeList("PARAM", "Parameters", _terms({name: name for name in names.values()}))
    return [
        (Variable("PARAMCD", "Parameter Code", "text", "Assigned", codes, "", True), code),
        (Variable("PARAM", "Parameter", "text", "Assigned", labels, "", True), code.map(names)),
    ]


def _terms(names: dict[str, str]) -> tuple[Term, ...]:
    return tuple(Term(value, decode, None) for value, decode in names.items())


def exposure_analysis(source: Source) -> Dataset:
    """Return ADEX: the whole course of each patient, a record for each parameter."""
    patients = source.patients
    planned, given = patients["infusions_planned"], patients["infusions_given"]
    values = {
        "INFPLAN": planned,
        "INFGIVEN": given,
        "INFPCT": 100 * given / planned,
        "CUMDOSE": patients["study_drug_received_ml"],
    }
    rows = pd.concat(
        [patients.assign(PARAMCD=code, AVAL=value) for code, value in values.items()]
    ).reset_index(drop=True)
    return dataset(
        "ADEX",
        "Exposure Analysis",
        "BASIC DATA STRUCTURE",
        "One record per subject per parameter",
        ("USUBJID", "PARAMCD"),
        [
            *who_columns(source, rows),
            *treatment_columns(source, rows),
            *parameter_columns(rows, _PARAMETERS),
            (
                Variable("AVAL", "Analysis Value", "float", "Derived", comment="By PARAMCD"),
                rows["AVAL"].to_numpy(np.float64),
            ),
        ],
        [Part("PARAMCD", code, replace(one, name="AVAL")) for code, one in _AVAL.items()],
    )

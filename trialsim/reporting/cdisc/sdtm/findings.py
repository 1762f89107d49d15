"""What was measured: FT, RS and QS for the scales, VS and SC for all else that screening tells."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.reporting.cdisc.calendar import Texts
from trialsim.reporting.cdisc.metadata import (
    CodeList,
    Dataset,
    Term,
    Variable,
    columns,
    dataset,
)
from trialsim.reporting.cdisc.scales import TITLES, Domain, Test
from trialsim.reporting.cdisc.sdtm.trial_design import begin, visit_variables
from trialsim.reporting.cdisc.source import EPOCH, SCREENING, USUBJID, Source
from trialsim.reporting.cdisc.terminology import LISTS, standard_list
from trialsim.scenario.protocol.design import BASELINE

_CATEGORIES: Final = {"FT": "FTCAT", "RS": "CCCAT", "QS": "QSCAT"}
"""The list of CDISC that a domain's categories are of."""
_YES: Final = standard_list("NY", ["Y"])
_UNIT_LISTS: Final = {"VS": "VSRESU"}


def findings(source: Source) -> list[Dataset]:
    """Return a dataset for each domain that has a measurement."""
    rows = finding_rows(source)
    domains = dict.fromkeys(test.domain for test in source.tests.all)
    return [_domain(source, domain, rows) for domain in TITLES if domain in domains]


def finding_rows(source: Source) -> DataFrame:
    """Return every measurement: of covariates at screening, of outcomes at the visits."""
    rows = pd.concat([*_at_screening(source), *_at_visits(source)], ignore_index=True)
    rows = rows.merge(source.visits, on="visit")
    rows = rows.sort_values(["USUBJID", "domain", "code", "VISITNUM"]).reset_index(drop=True)
    rows["seq"] = rows.groupby(["USUBJID", "domain"], sort=False).cumcount() + 1
    return rows


def _at_screening(source: Source) -> list[DataFrame]:
    people = source.people
    minutes = people["arrival_minute"].to_numpy(np.int64)
    taken = set(people.columns) - set(source.study.population.covariates)
    parts = []
    for name, test in source.tests.covariates.items():
        column = f"covariate_{name}" if name in taken else name
        parts.append(_measured(source, people, test, people[column], minutes, SCREENING))
    return parts


def _at_visits(source: Source) -> list[DataFrame]:
    visits = source.tables["visits"]
    visits = visits[visits["attended"]].reset_index(drop=True)
    parts = []
    for name, test in source.tests.outcomes.items():
        column = name if f"outcome_{name}" not in visits else f"outcome_{name}"
        known = visits[visits[column].notna()].reset_index(drop=True)
        who = source.of_subjects(known["subject"], "USUBJID", "randomised_minute", "treatment_ends")
        minutes = known["actual_minute"].to_numpy(np.int64)
        visit = known["visit"].astype(object)
        parts.append(_measured(source, who, test, known[column], minutes, visit))
    return parts


def _measured(
    source: Source,
    who: DataFrame,
    test: Test,
    values: "pd.Series[Any]",
    minutes: Any,
    visit: Any,
) -> DataFrame:
    numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(np.float64)
    if values.dtype == np.bool_:
        numbers[:] = np.nan
    return DataFrame(
        {
            "USUBJID": who["USUBJID"].to_numpy(),
            "domain": test.domain,
            "code": test.code,
            "test": test.name,
            "category": test.category,
            "unit": test.unit,
            "result": _as_texts(values),
            "number": numbers.to_numpy(),
            "visit": visit,
            "minute": minutes,
            "EPOCH": source.epochs_of_visits(who, minutes),
            "DTC": source.calendar.moments(minutes),
            "DY": source.study_days(who, minutes),
        }
    )


def _as_texts(values: "pd.Series[Any]") -> Texts:
    """Return results as text: whole numbers without a point, flags as Y and N."""
    if values.dtype == np.bool_:
        return np.where(values, "Y", "N").astype(object)
    return np.array(
        [_as_text(one) for one in values.tolist()],
        object,
    )


def _as_text(value: Any) -> str:
    """Return a result with all of its digits, so that it and the number are the same."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _domain(source: Source, domain: Domain, every: DataFrame) -> Dataset:
    rows = every[every["domain"].eq(domain)].reset_index(drop=True)
    last = np.where(_is_last_before(source, rows), "Y", "")
    values: dict[str, object] = {
        "SEQ": rows["seq"],
        "TESTCD": rows["code"],
        "TEST": rows["test"],
        "CAT": rows["category"],
        **dict.fromkeys(("ORRES", "STRESC"), rows["result"]),
        **dict.fromkeys(("ORRESU", "STRESU"), rows["unit"]),
        "STRESN": rows["number"],
        "LOBXFL": last,
    }
    named = {f"{domain}{suffix}": value for suffix, value in values.items()}
    return dataset(
        domain,
        TITLES[domain],
        "SDTMIG",
        "FINDINGS",
        "One record per test per visit per subject",
        ("USUBJID", f"{domain}TESTCD", "VISITNUM"),
        [
            *begin(source, domain, len(rows)),
            (USUBJID, rows["USUBJID"]),
            *columns(_variables(source, domain), named),
            *((variable, rows[variable.name]) for variable in visit_variables(source)),
            (EPOCH, rows["EPOCH"]),
            (Variable(f"{domain}DTC", "Date/Time of Finding", "datetime"), rows["DTC"]),
            (Variable(f"{domain}DY", "Study Day of Finding", "integer", "Derived"), rows["DY"]),
        ],
    )


def _variables(source: Source, domain: Domain) -> list[Variable]:
    """Return what identifies a test and what it found; only scales have a category."""
    tests = [test for test in source.tests.all if test.domain == domain]
    units = standard_list(_UNIT_LISTS.get(domain, "UNIT"), sorted({one.unit for one in tests}))
    codes = _tests(f"{domain}TESTCD", "Test codes", tests, True)
    names = _tests(f"{domain}TEST", "Test names", tests, False)
    unit = units if units.terms else None
    last = Variable("LOBXFL", "Last Observation Before Exposure Flag", "text", "Derived", _YES)
    category = Variable("CAT", "Category", "text", "Assigned", _categories(domain, tests))
    found = [
        Variable("SEQ", "Sequence Number", "integer", "Derived", mandatory=True),
        Variable("TESTCD", "Short Name of the Test", "text", "Assigned", codes, "", True),
        Variable("TEST", "Name of the Test", "text", "Assigned", names, "", True),
        *([category] if domain in _CATEGORIES else []),
        Variable("ORRES", "Result or Finding in Original Units"),
        Variable("ORRESU", "Original Units", codes=unit),
        Variable("STRESC", "Result in Standard Format", "text", "Derived"),
        Variable("STRESN", "Numeric Result in Standard Units", "float", "Derived"),
        Variable("STRESU", "Standard Units", "text", "Assigned", unit),
        *([last] if domain != "SC" else []),
    ]
    return [replace(one, name=f"{domain}{one.name}") for one in found]


def _is_last_before(source: Source, rows: DataFrame) -> Any:
    """Return which are a patient's last before the first infusion: at baseline, else screening."""
    patients = rows["USUBJID"].isin(source.patients["USUBJID"])
    before = rows[patients & rows["visit"].isin([SCREENING, BASELINE])]
    last = before.groupby(["USUBJID", "code"])["VISITNUM"].idxmax()
    return rows.index.isin(last)


def _categories(domain: Domain, tests: list[Test]) -> CodeList | None:
    if domain not in _CATEGORIES:
        return None
    return standard_list(_CATEGORIES[domain], sorted({test.category for test in tests}))


def _tests(name: str, label: str, tests: list[Test], codes: bool) -> CodeList:
    """Return the tests of a domain; those that CDISC has a code for bear it."""
    terms = tuple(
        Term(test.code, test.name, test.nci) if codes else Term(test.name, test.label, test.nci)
        for test in tests
    )
    if name in LISTS:
        return CodeList(name, LISTS[name].label, terms, LISTS[name].code)
    return CodeList(name, label, terms)

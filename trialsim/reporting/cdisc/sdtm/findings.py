"""What was measured: FT, RS and QS for the scales, VS and SC for all else that screening tells."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas import DataFrame

from trialsim.reporting.cdisc.calendar import Texts
from trialsim.reporting.cdisc.metadata import (
    CodeList,
    Dataset,
    Kind,
    Part,
    Term,
    Variable,
    columns,
    sequence,
    study_day,
)
from trialsim.reporting.cdisc.scales import TITLES, Domain, Test, parameter
from trialsim.reporting.cdisc.sdtm.trial_design import domain, visit_variables
from trialsim.reporting.cdisc.source import EPOCH, SCREENING, Source, happened
from trialsim.reporting.cdisc.terminology import LISTS, own_list, standard_list
from trialsim.scenario.protocol.design import BASELINE
from trialsim.scenario.words.labels import in_words

_CATEGORIES: Final = {"FT": "FTCAT", "RS": "CCCAT", "QS": "QSCAT"}
"""The list of CDISC that a domain's categories are of."""
_YES: Final = standard_list("NY", ["Y"])
_YES_NO: Final = standard_list("NY", ["Y", "N"])
_UNIT_LISTS: Final = {"VS": "VSRESU"}


def findings(source: Source) -> list[Dataset]:
    """Return a dataset for each domain that has a measurement."""
    rows = finding_rows(source)
    domains = dict.fromkeys(test.domain for test in source.tests.all)
    return [_domain(source, name, rows) for name in TITLES if name in domains]


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


def _domain(source: Source, name: Domain, every: DataFrame) -> Dataset:
    rows = every[every["domain"].eq(name)].reset_index(drop=True)
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
    named = {f"{name}{suffix}": value for suffix, value in values.items()}
    return domain(
        source,
        name,
        TITLES[name],
        "FINDINGS",
        "One record per test per visit per subject",
        ("USUBJID", f"{name}TESTCD", "VISITNUM"),
        rows,
        [
            *columns(_variables(source, name), named),
            *((variable, rows[variable.name]) for variable in visit_variables(source)),
            (EPOCH, rows["EPOCH"]),
            (Variable(f"{name}DTC", "Date/Time of Finding", "datetime"), rows["DTC"]),
            (study_day(f"{name}DY", "Study Day of Finding", f"{name}DTC"), rows["DY"]),
        ],
        list(_parts(source, name)),
    )


def _variables(source: Source, domain: Domain) -> list[Variable]:
    """Return what identifies a test and what it found; only scales have a category."""
    tests = [test for test in source.tests.all if test.domain == domain]
    units = standard_list(_UNIT_LISTS.get(domain, "UNIT"), sorted({one.unit for one in tests}))
    codes = _tests(f"{domain}TESTCD", "Test codes", tests, True)
    names = _tests(f"{domain}TEST", "Test names", tests, False)
    unit = units if units.terms else None
    as_it_is = f"{domain}ORRES as it is: each test has one unit"
    number = f"{domain}STRESC as a number; empty where it is none"
    category = Variable("CAT", "Category", "text", "Assigned", _categories(domain, tests))
    found = [
        Variable("TESTCD", "Short Name of the Test", "text", "Assigned", codes, "", True),
        Variable("TEST", "Name of the Test", "text", "Assigned", names, "", True),
        *([category] if domain in _CATEGORIES else []),
        Variable("ORRES", "Result or Finding in Original Units"),
        Variable("ORRESU", "Original Units", codes=unit),
        Variable("STRESC", "Result in Standard Format", "text", "Derived", comment=as_it_is),
        Variable("STRESN", _NUMBER, "float", "Derived", comment=number),
        Variable("STRESU", "Standard Units", "text", "Assigned", unit),
        *([replace(_LAST, comment=_LAST_SAID.format(domain))] if domain != "SC" else []),
    ]
    return [
        sequence(domain, f"{domain}TESTCD, then VISITNUM"),
        *(replace(one, name=f"{domain}{one.name}") for one in found),
    ]


_NUMBER: Final = "Numeric Result in Standard Units"
_LAST: Final = Variable("LOBXFL", "Last Observation Before Exposure Flag", "text", "Derived", _YES)
_LAST_SAID: Final = (
    "Y of the record with the greatest VISITNUM of each USUBJID and {}TESTCD among the visits "
    "SCREENING and BASELINE, which come before the first infusion, where DM.RFXSTDTC is not empty"
)


def _parts(source: Source, domain: Domain) -> Iterator[Part]:
    """Yield what the result of each test is: a number, whole or not, a level, or Y and N."""
    by = f"{domain}TESTCD"
    for test in source.tests.all:
        if test.domain == domain:
            kind, codes = kind_of(source, test)
            label = parameter(test)
            found = Variable(f"{domain}ORRES", label, kind, codes=codes)
            yield Part(by, test.code, found)
            if kind != "text":
                said = f"{domain}STRESC as a number"
                number = Variable(f"{domain}STRESN", label, kind, "Derived", comment=said)
                yield Part(by, test.code, number)


def kind_of(source: Source, test: Test) -> tuple[Kind, CodeList | None]:
    """Return what the values of a test are, and of those that are no numbers which there are."""
    for name, one in source.tests.outcomes.items():
        if one == test:
            grid = source.study.outcomes[name]
            return "integer" if grid.low.is_integer() and grid.step.is_integer() else "float", None
    name = next(name for name, one in source.tests.covariates.items() if one == test)
    covariate = source.study.population.covariates[name]
    if covariate.is_flag:
        return "text", _YES_NO
    if covariate.levels is not None:
        levels = {level: in_words(level) for level in covariate.levels}
        return "text", own_list(test.code, covariate.label, levels)
    return "integer" if covariate.whole else "float", None


def _is_last_before(source: Source, rows: DataFrame) -> Any:
    """Return which are a patient's last before the first infusion: at baseline, else screening."""
    dosed = source.patients[happened(source.patients["first_dose"])]["USUBJID"]
    before = rows[rows["USUBJID"].isin(dosed) & rows["visit"].isin([SCREENING, BASELINE])]
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

"""People, elements and visits: nobody is lost, and times follow one another."""

import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.adam.subject_level import subject_level
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.sdtm.findings import findings
from trialsim.reporting.cdisc.sdtm.subjects import subjects
from trialsim.reporting.cdisc.sdtm.trial_design import trial_design
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.consort.account import account_of
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate


def test_demographics_agree_with_the_consort_account(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    people = datasets["DM"].frame
    account = account_of(source.trial, analyse(source.trial))
    assert len(people) == account["screened"]
    arms = people[people["ARMCD"].ne("")].groupby("ARMCD").size()
    for name, arm in account["arms"].items():
        assert arms[name.upper()] == arm["allocated"]
    reasons = account["excluded"]["reasons"]
    besides = reasons["window_missed"] + reasons["recruitment_closed"]
    null = people["ARMNRS"].value_counts()
    assert null["SCREEN FAILURE"] == account["excluded"]["total"] - besides
    assert null.get("NOT ASSIGNED", 0) == besides


def test_an_arm_is_null_where_there_is_a_reason(datasets: dict[str, Dataset]) -> None:
    people = datasets["DM"].frame
    assert_array_equal(people["ARMNRS"].ne(""), people["ACTARMCD"].eq(""))
    assert_array_equal(people["RFXSTDTC"].eq(""), people["ACTARMCD"].eq(""))
    assert_array_equal(people["RFSTDTC"].eq(""), people["ARMCD"].eq(""))
    assert_array_equal(people["DTHFL"].eq("Y"), people["DTHDTC"].ne(""))


def test_elements_follow_one_another_without_a_gap(datasets: dict[str, Dataset]) -> None:
    rows = datasets["SE"].frame
    same = rows["USUBJID"].eq(rows["USUBJID"].shift())
    assert same.sum() > 60
    assert (rows["SESTDTC"][same] == rows["SEENDTC"].shift()[same]).all()
    assert (rows["SESTDTC"] <= rows["SEENDTC"]).all()
    end = rows.groupby("USUBJID")["SEENDTC"].last()
    last = datasets["DM"].frame.set_index("USUBJID")["RFPENDTC"]
    assert_array_equal(end, last.loc[end.index])


def test_epochs_are_those_of_the_elements(datasets: dict[str, Dataset]) -> None:
    """Oracle: each infusion and each later finding lies within the element of its epoch."""
    spans = datasets["SE"].frame.set_index(["USUBJID", "EPOCH"])[["SESTDTC", "SEENDTC"]]
    for name, moment in (("EX", "EXSTDTC"), ("FT", "FTDTC"), ("DS", "DSSTDTC"), ("DV", "DVSTDTC")):
        rows = datasets[name].frame.merge(spans, left_on=["USUBJID", "EPOCH"], right_index=True)
        assert len(rows) == len(datasets[name].frame), name
        inside = (rows[moment] >= rows["SESTDTC"]) & (rows[moment] <= rows["SEENDTC"])
        assert inside.all(), name


def test_criteria_not_met_are_those_of_the_screening_table(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    failed = source.tables["screening"]["failed_rules"].dropna().astype(str)
    rows = datasets["IE"].frame
    assert len(rows) == sum(len(rules.split(";")) for rules in failed)
    assert_array_equal(rows["IECAT"].eq("EXCLUSION"), rows["IEORRES"].eq("Y"))
    assert set(rows["IETESTCD"]) <= set(datasets["TI"].frame["IETESTCD"])


def test_visits_that_were_missed_have_no_date(datasets: dict[str, Dataset]) -> None:
    rows = datasets["SV"].frame
    missed = rows["SVOCCUR"].eq("N")
    assert missed.sum() > 5
    assert_array_equal(rows["SVSTDTC"].eq(""), missed)
    scored = datasets["FT"].frame[["USUBJID", "VISITNUM"]].drop_duplicates()
    assert len(pd.merge(scored, rows[~missed], on=["USUBJID", "VISITNUM"])) == len(scored)


@pytest.mark.parametrize(
    ("levels", "sexes", "planned"),
    [
        (("F", "M"), {"F", "M"}, "BOTH"),
        (("Male", "unknown"), {"M", "U"}, "M"),
        (("1", "2"), {"U"}, ""),
    ],
)
def test_sex_has_the_levels_of_the_study_or_stands_among_the_characteristics(
    levels: tuple[str, str], sexes: set[str], planned: str
) -> None:
    """Oracle: the levels of the candidates; what CDISC has no term for is not lost."""
    margin = {"distribution": "categorical", "levels": dict.fromkeys(levels, 0.5)}
    changes = {"design.patients": 12, "population.covariates.sex.margin": margin}
    source = Source(simulate(load("cars1").replace(changes), seed=2), calendar_from("2026-01-05"))
    parts = [*trial_design(source), *subjects(source), *findings(source), subject_level(source)]
    every = {one.name: one.frame for one in parts}
    people, summary = every["DM"], every["TS"]
    assert set(people["SEX"]) == set(every["ADSL"]["SEX"]) == sexes
    assert summary["TSVAL"][summary["TSPARMCD"].eq("SEXPOP")].tolist() == [planned]
    told = every["SC"][every["SC"]["SCTESTCD"].str.startswith("SEX")]
    own = source.people.set_index("USUBJID")["sex"].astype(str)[people["USUBJID"]]
    if sexes == {"U"}:
        assert_array_equal(told.set_index("USUBJID")["SCSTRESC"][people["USUBJID"]], own)
    else:
        assert told.empty
        assert_array_equal(people["SEX"], own.str[0].str.upper())

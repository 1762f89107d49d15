"""What Define-XML says of derivations is true: SDTM gives ADaM by the words of the methods."""

from itertools import chain
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pandas import DataFrame, Series

from trialsim.reporting.cdisc.adam.efficacy import efficacy
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.files.define_xml import define_xml
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source
from trialsim.simulated import simulate

_ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
_DEF = "{http://www.cdisc.org/ns/def/v2.1}"


def test_every_derived_variable_has_a_method_and_every_copied_one_its_source(
    datasets: dict[str, Dataset],
) -> None:
    derived, sources = 0, []
    for one in datasets.values():
        for variable in chain(one.variables, (part.variable for part in one.parts)):
            derived += variable.origin == "Derived"
            assert variable.comment or variable.origin != "Derived", f"{one.name}.{variable.name}"
            assert bool(variable.copied) == (variable.origin == "Predecessor")
            sources += [variable.copied] if variable.copied.count(".") else []
    assert derived > 100
    for place in sources:
        name, _, column = place.split(" ")[0].partition(".")
        assert column in datasets[name].frame, place


def indexed(frame: DataFrame, column: str) -> "Series[str]":
    """Return a column by subject, without those where it is empty."""
    values = frame.set_index("USUBJID")[column]
    return values[values.ne("")]


def same(found: "Series[str]", expected: "Series[str]") -> None:
    assert found.sort_index().to_dict() == expected.sort_index().to_dict()
    assert len(found) > 0


def days(dates: "Series[str]") -> "Series[float]":
    """Return dates in ISO 8601 as SAS counts them."""
    return (pd.to_datetime(dates.str[:10]) - pd.Timestamp("1960-01-01")).dt.days.astype(float)


def test_reference_dates_and_elements_are_what_their_methods_say(
    datasets: dict[str, Dataset],
) -> None:
    people, disposed = datasets["DM"].frame, datasets["DS"].frame
    given = datasets["EX"].frame.groupby("USUBJID")
    ended = disposed[disposed["DSSCAT"].eq("STUDY PARTICIPATION")]
    same(
        indexed(people, "RFSTDTC"),
        indexed(disposed[disposed["DSDECOD"].eq("RANDOMIZED")], "DSSTDTC"),
    )
    same(indexed(people, "RFXSTDTC"), given["EXSTDTC"].min())
    same(indexed(people, "RFXENDTC"), given["EXENDTC"].max())
    same(indexed(people, "RFPENDTC"), indexed(ended, "DSSTDTC"))
    rows = datasets["SE"].frame.merge(people, on="USUBJID")
    screened = rows[rows["ETCD"].eq("SCRN")]
    assert_array_equal(screened["SESTDTC"], screened["DMDTC"])
    until = screened["RFSTDTC"].where(screened["RFSTDTC"].ne(""), screened["RFPENDTC"])
    assert_array_equal(screened["SEENDTC"], until)
    stops = indexed(disposed[disposed["DSSCAT"].eq("STUDY TREATMENT")], "DSSTDTC")
    treated, followed = rows[rows["ETCD"].str.startswith("TRT")], rows[rows["ETCD"].eq("FUP")]
    goes_on = treated["USUBJID"].isin(followed["USUBJID"])
    expected = treated["USUBJID"].map(stops).where(goes_on, treated["RFENDTC"])
    assert_array_equal(treated["SEENDTC"], expected)
    assert_array_equal(followed["SESTDTC"], followed["USUBJID"].map(stops))
    assert_array_equal(followed["SEENDTC"], followed["RFENDTC"])


def test_the_last_observation_before_exposure_is_of_those_who_were_exposed(
    datasets: dict[str, Dataset],
) -> None:
    exposed = set(indexed(datasets["DM"].frame, "RFXSTDTC").index)
    for name in ("FT", "RS", "QS", "VS"):
        rows = datasets[name].frame
        early = rows[rows["VISIT"].isin(["SCREENING", "BASELINE"]) & rows["USUBJID"].isin(exposed)]
        last = early.sort_values("VISITNUM").groupby(["USUBJID", f"{name}TESTCD"]).tail(1)
        assert_array_equal(rows.index[rows[f"{name}LOBXFL"].eq("Y")], last.index.sort_values())


def test_subject_level_variables_are_what_their_methods_say(datasets: dict[str, Dataset]) -> None:
    found = datasets["ADSL"].frame.set_index("USUBJID")
    people = datasets["DM"].frame.set_index("USUBJID").loc[found.index]
    given = datasets["EX"].frame.groupby("USUBJID")
    for name, of in (("TRT01P", "ARM"), ("TRT01A", "ACTARM"), ("DTHFL", "DTHFL")):
        assert_array_equal(found[name], people[of])
    for name in ("ARMCD", "ARM", "ACTARMCD", "ACTARM"):
        assert_array_equal(found[name], people[name])
    assert_array_equal(found["SAFFL"], np.where(people["RFXSTDTC"].ne(""), "Y", "N"))
    assert_array_equal(found["COMPLFL"], np.where(found["EOSSTT"].eq("COMPLETED"), "Y", "N"))
    for name, of in (
        ("RANDDT", "RFSTDTC"),
        ("TRTSDT", "RFXSTDTC"),
        ("TRTEDT", "RFXENDTC"),
        ("DTHDT", "DTHDTC"),
    ):
        assert_array_equal(found[name], days(people[of].replace("", None)), name)
    assert_array_equal(found["TRTDURD"], found["TRTEDT"] - found["TRTSDT"] + 1)
    assert_array_equal(found["INFGIVEN"], given.size().reindex(found.index, fill_value=0))
    assert_array_equal(found["CUMDOSE"], given["EXDOSE"].sum().reindex(found.index, fill_value=0))
    numbers = {"Cerebrolysin 30 mL in saline": 1.0, "Saline": 2.0}
    assert_array_equal(found["TRT01PN"], found["TRT01P"].map(numbers))
    assert_array_equal(found["TRT01AN"], found["TRT01A"].map(numbers))
    assert found["DTHFL"].eq("Y").any()


def test_observed_scores_lead_to_their_records_in_sdtm(datasets: dict[str, Dataset]) -> None:
    rows, subjects = datasets["ADEFF"].frame, datasets["ADSL"].frame.set_index("USUBJID")
    seen = rows[rows["DTYPE"].eq("")]
    for name, mine in seen.groupby("SRCDOM"):
        records = datasets[str(name)].frame.set_index(["USUBJID", f"{name}SEQ"])
        found = records.loc[pd.MultiIndex.from_frame(mine[["USUBJID", "SRCSEQ"]])]
        assert set(mine["SRCVAR"]) == {f"{name}STRESN"}
        assert_array_equal(mine["AVAL"], found[f"{name}STRESN"])
        assert_array_equal(mine["PARAMCD"], found[f"{name}TESTCD"])
        assert_array_equal(mine["AVISIT"], found["VISIT"])
        assert_array_equal(mine["ADT"], days(found[f"{name}DTC"]))
    assert set(seen["SRCDOM"]) == {"FT", "RS", "QS"}
    after = rows["ADT"] - rows["USUBJID"].map(subjects["RANDDT"])
    assert_array_equal(rows["ADY"], after.where(after < 0, after + 1))
    assert_array_equal(rows["TRTA"], rows["USUBJID"].map(subjects["TRT01A"]))
    assert set(rows["TRTA"]) < {"", *rows["TRTP"]}, "who was never infused has none"


def test_values_are_described_by_test_and_by_parameter(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    """Oracle: the records of each test or parameter, whole numbers or not, levels or not."""
    for one in datasets.values():
        for part in one.parts:
            mine = one.frame[one.frame[part.by].eq(part.value)]
            values = mine[part.variable.name]
            if part.variable.kind == "text":
                assert part.variable.codes is not None
                terms = {term.value for term in part.variable.codes.terms}
                assert set(values) <= terms, part.value
            elif part.variable.kind == "integer":
                assert (pd.to_numeric(values) % 1 == 0).all(), part.value
    by = {name: {part.value for part in one.parts} for name, one in datasets.items() if one.parts}
    assert set(by) == {"FT", "RS", "QS", "SC", "VS", "ADEFF", "ADEX", "ADTTE"}
    assert by["ADEFF"] == set(datasets["ADEFF"].frame["PARAMCD"])
    pytest.importorskip("odmlib", reason="the extra cdisc is not installed")
    root = ElementTree.fromstring(define_xml([datasets["ADEFF"]], source, "guide.md"))
    listed = root.find(f".//{_DEF}ValueListDef[@OID='VL.ADEFF.AVAL']")
    assert listed is not None
    assert len(listed.findall(f"{_ODM}ItemRef")) == len(source.study.outcomes)


def test_who_is_ranked_below_all_changes_by_a_step_beyond_the_worst_change() -> None:
    """Oracle: the range of the NIHSS, 0 to 42, of which a lower score is better."""
    source = Source(simulate("gharagozli2017", seed=3), calendar_from("2026-01-05"))
    one = efficacy(source)
    said = {part.value: part.variable.comment for part in one.parts}["NIHSS"]
    worst = one.frame[one.frame["DTYPE"].eq("WORST RANK") & one.frame["PARAMCD"].eq("NIHSS")]
    assert set(worst["CHG"]) == {43.0}
    assert "in an analysis of changes BASE with CHG = 43" in said

"""Times to events: each patient once for each kind, traced to the record of DS."""

import pandas as pd
from numpy.testing import assert_array_equal

from trialsim.reporting.cdisc.adam.time_to_event import time_to_event
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source
from trialsim.simulated import simulate


def test_times_lead_to_their_source_records(datasets: dict[str, Dataset]) -> None:
    rows = datasets["ADTTE"].frame
    source = datasets["DS"].frame.set_index(["USUBJID", "DSSEQ"])
    found = source.loc[pd.MultiIndex.from_frame(rows[["USUBJID", "SRCSEQ"]])]
    dates = pd.to_datetime(found["DSSTDTC"].str[:10]) - pd.Timestamp("1960-01-01")
    assert_array_equal(rows["ADT"], dates.dt.days)
    assert_array_equal(rows["AVAL"], found["DSSTDY"])
    assert (rows["AVAL"] >= 1).all()


def test_events_are_counted_and_all_others_censored(datasets: dict[str, Dataset]) -> None:
    rows, patients = datasets["ADTTE"].frame, len(datasets["ADSL"].frame)
    assert (rows.groupby("PARAMCD").size() == patients).all()
    events = rows[rows["CNSR"].eq(0)].groupby("PARAMCD").size()
    subjects = datasets["ADSL"].frame
    assert events["DEATH"] == subjects["DCSREAS"].eq("DEATH").sum()
    assert events["EXIT"] == subjects["EOSSTT"].eq("DISCONTINUED").sum()
    assert rows["CNSDTDSC"].ne("").equals(rows["CNSR"].eq(1))


def test_only_kinds_that_the_study_can_have_are_there(datasets: dict[str, Dataset]) -> None:
    source = Source(simulate("cars1", seed=2016), calendar_from("2026-01-05"))
    assert set(time_to_event(source).frame["PARAMCD"]) == {"DISCONTI", "WITHDRAW", "DEATH", "EXIT"}
    everything = set(datasets["ADTTE"].frame["PARAMCD"])
    assert {"RESCUE", "SWITCHIN", "DRUGREDI"} < everything

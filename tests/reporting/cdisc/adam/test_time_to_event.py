"""Times to events: each patient once for each kind, traced to the record of DS."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pandas import DataFrame
from scipy import stats

from trialsim.analysis.analyse import analyse
from trialsim.reporting.cdisc.adam.time_to_event import time_to_event
from trialsim.reporting.cdisc.calendar import calendar_from
from trialsim.reporting.cdisc.files.analyses import analysed
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.source import Source
from trialsim.scenario.files.yaml_file import load
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


def of_arm(rows: DataFrame) -> stats.CensoredData:
    """Return the times of some records as SciPy has them."""
    event = rows["CNSR"].eq(0)
    return stats.CensoredData(rows.loc[event, "AVAL"], right=rows.loc[~event, "AVAL"])


def mean_days_with(rows: DataFrame, horizon: int) -> float:
    """Return the mean days with the event up to a horizon, by SciPy's Kaplan-Meier curve."""
    curve = stats.ecdf(of_arm(rows)).sf
    days = np.concatenate([[0.0], curve.quantiles[curve.quantiles < horizon], [horizon]])
    return float(np.diff(days) @ (1 - curve.evaluate(days[:-1])))


def test_times_of_analyses_give_the_printed_numbers_by_scipy() -> None:
    """Oracle: SciPy's log-rank test and Kaplan-Meier curve of the records in ADTTE."""
    study = load("cars1_recovery").replace({"operations.death.probability": 0.1})
    trial = simulate(study, seed=2016)
    result, source = analyse(trial), Source(trial, calendar_from("2026-01-05"))
    rows = time_to_event(source).frame
    names = []
    for one in analysed(source, result):
        assert one.dataset == "ADTTE"
        mine = rows[rows["PARAMCD"].isin(one.where["PARAMCD"])]
        assert len(mine) == one.found.treated + one.found.control
        assert_array_equal(mine["ADT"], mine["STARTDT"] + mine["AVAL"])
        assert mine["SRCSEQ"].isna().all()
        treated, control = (mine[mine["TRTP"].eq(label)] for label in one.where["TRTP"])
        names.append(one.name)
        if one.name == "days_recovered":
            gained = mean_days_with(control, 90) - mean_days_with(treated, 90)
            assert abs(one.found.estimate) == pytest.approx(abs(gained), abs=1e-9)
        else:
            test = stats.logrank(of_arm(treated), of_arm(control))
            assert one.found.p_value == pytest.approx(test.pvalue, abs=1e-9)
    assert names == ["primary", "days_recovered", "death_or_withdrawal"]

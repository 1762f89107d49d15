"""The datasets of a trial together, and the files that they become."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.analysis.analyse import analyse
from trialsim.errors import InputError
from trialsim.questions.monitoring.board import board
from trialsim.reporting.cdisc.metadata import Dataset
from trialsim.reporting.cdisc.package import check_installed, file_names
from trialsim.reporting.cdisc.source import Source
from trialsim.reporting.exports import write_analysed
from trialsim.scenario.files.yaml_file import load
from trialsim.simulated import simulate


def test_keys_name_a_record_and_put_the_records_in_order(datasets: dict[str, Dataset]) -> None:
    for name, one in datasets.items():
        keys = list(one.keys)
        assert not one.frame.duplicated(keys).any(), name
        again = one.frame.sort_values(keys, kind="stable")
        assert_array_equal(again.index, one.frame.index, name)


def test_sequence_numbers_count_the_records_of_a_subject(datasets: dict[str, Dataset]) -> None:
    numbered = {name: one for name, one in datasets.items() if f"{name}SEQ" in one.frame}
    assert {"DS", "DV", "EX", "SE", "IE", "FT", "RS", "QS", "SC", "VS"} <= set(numbered)
    for name, one in numbered.items():
        if name != "TS":
            counted = one.frame.groupby("USUBJID").cumcount() + 1
            assert_array_equal(one.frame[f"{name}SEQ"], counted, name)


def test_study_days_are_those_of_their_dates(datasets: dict[str, Dataset]) -> None:
    """Oracle: the dates themselves, subtracted; day 1 is the reference and there is no day 0."""
    start = datasets["DM"].frame.set_index("USUBJID")["RFSTDTC"].str[:10]
    checked = 0
    for name, one in datasets.items():
        for day in [column for column in one.frame if str(column).endswith("DY")]:
            moment = f"{str(day)[:-2]}DTC"
            if moment not in one.frame or one.standard != "SDTMIG":
                continue
            dates = pd.to_datetime(one.frame[moment].str[:10].replace("", None))
            reference = pd.to_datetime(one.frame["USUBJID"].map(start).replace("", None))
            days = (dates - reference).dt.days
            expected = days.where(days < 0, days + 1)
            assert_array_equal(one.frame[day], expected, f"{name}.{day}")
            assert not (one.frame[day] == 0).any()
            checked += int(expected.notna().sum())
    assert checked > 5000


def test_every_subject_is_in_demographics_and_every_visit_among_those_planned(
    datasets: dict[str, Dataset],
) -> None:
    people, planned = set(datasets["DM"].frame["USUBJID"]), datasets["TV"].frame
    named = ["VISITNUM", "VISIT", "VISITDY"]
    known = set(map(tuple, planned[named].fillna(-1).to_numpy().tolist()))
    for name, one in datasets.items():
        if "USUBJID" in one.frame:
            assert set(one.frame["USUBJID"]) <= people, name
        if set(named) <= set(one.frame):
            found = one.frame[named].fillna(-1).drop_duplicates().to_numpy().tolist()
            assert set(map(tuple, found)) <= known, name


def test_coded_values_are_in_their_lists(datasets: dict[str, Dataset]) -> None:
    for name, one in datasets.items():
        for variable in one.variables:
            if variable.codes is not None and variable.is_text:
                values = set(one.frame[variable.name]) - {""}
                assert values <= {term.value for term in variable.codes.terms}, (
                    f"{name}.{variable.name}"
                )


def test_flags_are_yes_or_empty_and_population_flags_yes_or_no(
    datasets: dict[str, Dataset],
) -> None:
    for name, one in datasets.items():
        for column in [str(column) for column in one.frame if str(column).endswith("FL")]:
            values = set(one.frame[column])
            of_population = (name == "ADSL" and column != "DTHFL") or column == "FASFL"
            assert values <= ({"Y", "N"} if of_population else {"Y", ""}), f"{name}.{column}"


def test_names_say_that_the_data_are_simulated(datasets: dict[str, Dataset]) -> None:
    for one in datasets.values():
        assert one.label.startswith("SIMULATED ")
        assert set(one.frame["STUDYID"]) == {"SIMULATED-CARS1"}
    title = datasets["TS"].frame.set_index("TSPARMCD").loc["TITLE", "TSVAL"]
    assert str(title).startswith("SIMULATED: CARS-1")


def test_pandas_reads_from_xpt_what_was_written(
    written: Path, datasets: dict[str, Dataset]
) -> None:
    for one in datasets.values():
        file = written / one.folder / f"{one.name.lower()}.xpt"
        found = pd.read_sas(file, format="xport", encoding="ascii")
        assert list(found.columns) == [variable.name for variable in one.variables]
        for variable in one.variables:
            values = found[variable.name]
            if variable.is_text:
                assert values.fillna("").tolist() == one.frame[variable.name].tolist()
            else:
                # pandas reads a zero of IBM's format as 5e-79
                assert_allclose(values, one.frame[variable.name], rtol=0, atol=1e-70)


def test_dataset_json_has_the_same_values_with_dates_in_iso_8601(
    written: Path, datasets: dict[str, Dataset]
) -> None:
    content = json.loads((written / "adam" / "adsl.json").read_text())
    names = [column["name"] for column in content["columns"]]
    rows = pd.DataFrame(content["rows"], columns=names)
    frame = datasets["ADSL"].frame
    assert rows["USUBJID"].tolist() == frame["USUBJID"].tolist()
    assert_array_equal(rows["TRT01PN"], frame["TRT01PN"])
    days = (pd.to_datetime(rows["RANDDT"]) - pd.Timestamp("1960-01-01")).dt.days
    assert_array_equal(days, frame["RANDDT"])
    assert content["records"] == len(frame)


def test_the_same_trial_gives_the_same_bytes_and_another_format_takes_its_place(
    written: Path, source: Source, tmp_path: Path
) -> None:
    result, folder = analyse(source.trial), tmp_path / "trial"
    write_analysed(folder, source.trial, result, "", "cdisc", "2026-01-05")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    beside = {"consort.json", "analysis.json", "scenario.yaml", "manifest.json"}
    assert names - beside <= file_names()
    for name in names:
        assert (folder / name).read_bytes() == (written / name).read_bytes(), name
    rows = json.loads((folder / "manifest.json").read_text())["files"]
    assert rows["sdtm/dm.xpt"] == len(source.people)
    write_analysed(folder, source.trial, result)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    tables = {f"{name}.csv" for name in (*source.trial.tables(), "dictionary")}
    assert left == beside | tables


def test_the_guide_names_every_dataset_and_every_term_of_the_sponsor(
    written: Path, datasets: dict[str, Dataset], source: Source
) -> None:
    guide = (written / "reviewers_guide.md").read_text()
    assert guide.startswith("# Reviewer's guide: SIMULATED-CARS1")
    for one in datasets.values():
        assert f"| {one.name} | {one.title} |" in guide
        for variable in one.variables:
            codes = variable.codes
            for term in () if codes is None or codes.is_sponsors else codes.terms:
                if term.code is None:
                    assert f"| {one.name}.{variable.name} | {term.value} |" in guide
    assert f"p = {analyse(source.trial).p_value:.6g}" in guide


def test_the_guide_says_arms_test_covariates_and_direction_of_every_analysis(
    tmp_path: Path,
) -> None:
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    trial = simulate("dose_finding", seed=7)
    write_analysed(tmp_path / "trial", trial, analyse(trial), "", "cdisc", "2026-01-05")
    guide = (tmp_path / "trial" / "reviewers_guide.md").read_text()
    first = guide.split("### ANL01FL: primary")[1].split("###")[0]
    for said in (
        "TRTP = 'Cerebrolysin 10 mL' (TRTPN = 2) is the treated arm",
        "TRTP = 'Placebo' (TRTPN = 1) the control",
        "CHG times -1 where PARAMCD in ('ADCTS'), as a lower score is better",
        "Analysis of covariance",
        "Covariates: BASE.",
        "Strata: none.",
        "Values above 0 favour treatment",
        "mean difference = 0.644654, p = 0.57409, 65 treated and 68 control patients",
    ):
        assert said in first, said
    assert guide.count("\n### ANL") == 1 + len(trial.scenario.analysis.further)


def test_the_guide_says_what_a_flag_does_not_hold(tmp_path: Path) -> None:
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    trial = simulate("cars1_estimands", seed=7)
    write_analysed(tmp_path / "trial", trial, analyse(trial), "", "cdisc", "2026-01-05")
    guide = (tmp_path / "trial" / "reviewers_guide.md").read_text()
    beyond = {
        part.split("\n")[0].split(": ")[1]
        for part in guide.split("\n### ")[1:]
        if "Not in the flag: " in part
    }
    assert beyond == {"imputed at random", "jump to reference", "weighted"}


def test_a_trial_that_a_look_stopped_says_that_its_datasets_ignore_it(tmp_path: Path) -> None:
    """Oracle: the board of the trial, and the calendar counted by hand."""
    pytest.importorskip("pyreadstat", reason="the extra cdisc is not installed")
    study = load("cars_sequential").replace({"outcomes.arat.effect.value": 0.75})
    trial = simulate(study, seed=4)
    write_analysed(tmp_path / "trial", trial, analyse(trial), "", "cdisc", "2026-01-05")
    guide = (tmp_path / "trial" / "reviewers_guide.md").read_text()
    seen = board(trial)
    stopped = str(date(2026, 1, 5) + timedelta(int(seen.looks[-1].decided_day)))
    looks = " ".join(guide.split("## Looks")[1].split("\n## ")[0].split())
    assert "ignore stopping" in looks
    assert f"decided on {stopped}, at the look first: stopped for efficacy" in looks
    assert f"{seen.patients} patients: Mann-Whitney effect = {seen.estimate:.6g}" in looks
    rows = pd.read_sas(tmp_path / "trial" / "sdtm" / "ts.xpt", format="xport", encoding="ascii")
    said = str(rows.set_index("TSPARMCD").loc["STOPRULE", "TSVAL"])
    assert f"STOPPED ON {stopped}. THE DATASETS IGNORE STOPPING" in said


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialsim.reporting.cdisc.package.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'trialsim\[cdisc\]'"):
        check_installed()


def test_numbers_of_a_study_do_not_depend_on_its_dates(
    source: Source, datasets: dict[str, Dataset]
) -> None:
    from trialsim.reporting.cdisc.calendar import calendar_from
    from trialsim.reporting.cdisc.package import datasets_of

    later = {
        one.name: one for one in datasets_of(Source(source.trial, calendar_from("2030-06-03")))
    }
    for name, one in datasets.items():
        for variable in one.variables:
            dated = variable.kind not in ("integer", "float") or name == "TS"
            if not dated:
                assert np.array_equal(
                    one.frame[variable.name], later[name].frame[variable.name], equal_nan=True
                )

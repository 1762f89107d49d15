"""A trial as a folder of files: whole or not at all, read back as it was, and traceable."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas import DataFrame
from pandas.testing import assert_frame_equal

from trialsim.datasets import tables
from trialsim.dictionary.trials import dictionary
from trialsim.errors import InputError, RunError
from trialsim.replicates.result import SIMULATED
from trialsim.reporting.consort.account import consort
from trialsim.reporting.exports import (
    manifest_of,
    write_trial,
)
from trialsim.reporting.table_format import TableFormat
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

STUDY = load("cars1").replace({"design.patients": 40})
TRIAL = simulate_batch(STUDY, Streams(2016, range(2)))
TABLES = tables(TRIAL)
ACCOUNT = consort(TABLES, {"cerebrolysin": 40, "placebo": 39})
MANIFEST = manifest_of(TRIAL, "trialsim simulate cars1 --set design.patients=40")
ANALYSIS = {"estimate": 0.7, "sd": float("nan")}
DICTIONARY = dictionary(STUDY, TABLES)
WRITTEN = {**TABLES, "dictionary": DICTIONARY}
BESIDE = {"consort.json", "analysis.json", "scenario.yaml", "manifest.json"}


def write(folder: Path, format: TableFormat = "csv") -> None:
    write_trial(folder, TABLES, ACCOUNT, ANALYSIS, MANIFEST, format)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Faulty(DataFrame):
    """A table that cannot be written: the disk is full, or somebody interrupts."""

    fault: BaseException = OSError(errno.ENOSPC, "No space left on device")

    def to_parquet(self, path: Any, **_: Any) -> None:  # type: ignore[override]
        """Write a part, and fail."""
        path.write_text("half of")
        raise self.fault


def test_csv_files_read_back_equal(tmp_path: Path) -> None:
    write(tmp_path / "trial")
    for name, table in TABLES.items():
        path = tmp_path / "trial" / f"{name}.csv"
        kinds = dict(table.dtypes)
        assert_frame_equal(pd.read_csv(path, dtype=kinds), table, check_exact=True)


def test_parquet_files_read_back_equal(tmp_path: Path) -> None:
    write(tmp_path / "trial", "parquet")
    for name, table in TABLES.items():
        path = tmp_path / "trial" / f"{name}.parquet"
        assert_frame_equal(pd.read_parquet(path), table, check_exact=True)
        assert pq.read_metadata(path).num_rows == len(table)


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == {f"{name}.csv" for name in WRITTEN} | BESIDE


def test_the_manifest_says_where_the_files_come_from(tmp_path: Path) -> None:
    write(tmp_path)
    found = json.loads((tmp_path / "manifest.json").read_text())
    assert found["scenario"] == "cars1"
    assert found["digest"] == STUDY.digest
    assert found["seed"] == 2016
    assert found["replicates"] == [0, 1]
    assert found["engine"] == "vector"
    assert found["command"] == MANIFEST.command
    assert found["note"] == SIMULATED
    assert set(found["versions"]) == {"trialsim", "numpy", "scipy", "simpy", "pandas", "python"}
    assert found["versions"]["numpy"] == np.__version__
    assert found["files"] == {f"{name}.csv": len(table) for name, table in WRITTEN.items()}
    assert json.loads((tmp_path / "consort.json").read_text()) == ACCOUNT
    assert json.loads((tmp_path / "analysis.json").read_text()) == {"estimate": 0.7, "sd": None}


def test_a_manifest_names_the_replicates_that_failed(tmp_path: Path) -> None:
    hurried = load("cars1").replace(
        {"operations.recruitment_limit_days": 240, "operations.at_limit": "fail"}
    )
    trial = simulate_batch(hurried, Streams(2016, range(12)))
    found = manifest_of(trial, "").to_dict()
    assert 0 < len(found["failures"]) < 12
    assert sorted([*found["replicates"], *map(int, found["failures"])]) == list(range(12))


def test_the_scenario_beside_the_tables_makes_them_again(tmp_path: Path) -> None:
    write(tmp_path)
    again = load(tmp_path / "scenario.yaml")
    assert again.digest == STUDY.digest
    for name, table in tables(simulate_batch(again, Streams(2016, range(2)))).items():
        assert_frame_equal(table, TABLES[name])


def test_writing_again_replaces_every_file_by_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    before = content_of(tmp_path)
    write(tmp_path)
    assert content_of(tmp_path) == before


def test_another_format_leaves_no_table_of_the_old_one_and_keeps_other_files(
    tmp_path: Path,
) -> None:
    write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, "parquet")
    expected = {f"{name}.parquet" for name in WRITTEN} | BESIDE | {"notes.txt"}
    assert names_in(tmp_path) == expected


@pytest.mark.parametrize(
    "manifest", [None, "", "[]", "{}", '{"versions": 3, "digest": ""}', '{"versions": {"npm": 1}}']
)
def test_a_folder_of_something_else_is_refused_and_left_alone(
    tmp_path: Path, manifest: str | None
) -> None:
    (tmp_path / "screening.csv").write_text("mine")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    before = content_of(tmp_path)
    with pytest.raises(InputError, match=r"^--out: must be new, empty, or hold results .* \(got"):
        write(tmp_path)
    assert content_of(tmp_path) == before


def test_a_file_is_refused_where_a_folder_belongs(tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("mine")
    with pytest.raises(InputError, match=r"^--out: must be a folder, not a file"):
        write(tmp_path / "trial")
    with pytest.raises(RunError, match=r"^cannot write to .*: Not a directory$"):
        write(tmp_path / "trial" / "inside")


def test_an_unknown_format_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^format: must be csv or parquet \(got xlsx\)$"):
        write(tmp_path / "trial", "xlsx")  # type: ignore[arg-type]
    assert not (tmp_path / "trial").exists()


@pytest.mark.parametrize(
    ("fault", "raised"), [(Faulty.fault, RunError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_what_was_there_stays_whole_if_writing_fails(
    tmp_path: Path, fault: BaseException, raised: type[BaseException]
) -> None:
    write(tmp_path)
    before = content_of(tmp_path)
    faulty = Faulty(TABLES["visits"])
    faulty.fault = fault
    with pytest.raises(raised) as failure:
        write_trial(tmp_path, {**TABLES, "visits": faulty}, {}, {}, MANIFEST, "parquet")
    assert content_of(tmp_path) == before
    assert len(str(failure.value).splitlines()) <= 1


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_disk_that_fills_up_is_told_in_one_line(tmp_path: Path, format: TableFormat) -> None:
    """Oracle: the operating system, allowing no file above 4 kB."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(RunError, match=r"^cannot write to [^\n]*$"):
            write(tmp_path, format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names_in(tmp_path) == set()


def test_the_manifest_takes_its_name_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[str] = []
    replace = Path.replace

    def recorded(part: Path, target: Path) -> Path:
        assert len(names_in(tmp_path)) == len(WRITTEN) + len(BESIDE)  # all written in full before
        renamed.append(target.name)
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", recorded)
    write(tmp_path)
    assert renamed[-1] == "manifest.json"
    assert set(renamed) == names_in(tmp_path)


def test_what_a_killed_write_left_behind_does_not_block_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".visits.csv.4711.part").write_text("half of")
    write(tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["seed"] == 2016

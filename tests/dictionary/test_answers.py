"""Every table of an answer leaves with a dictionary that names each of its columns."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import trialsim as ts
from trialsim.dictionary.answers import column_of

SMALL = ts.load("cars1").replace({"design.patients": 40})


def check_beside(folder: Path, table: str) -> pd.DataFrame:
    """Return the dictionary of a table, which must have a row for each of its columns."""
    told = pd.read_csv(folder / "dictionary.csv", keep_default_na=False)
    header = (folder / f"{table}.csv").read_text().partition("\n")[0].split(",")
    assert told["column"].tolist() == header
    assert set(told["table"]) == {table}
    assert "" not in told[["label", "type"]].to_numpy()
    return told.set_index("column")


def test_a_what_if_leaves_with_its_dictionary_and_its_paths_in_it(tmp_path: Path) -> None:
    changes: dict[str, list[Any]] = {
        "design.patients": [30],
        "operations.withdrawal.probability": [0.2],
    }
    ts.what_if(SMALL, changes, replicates=16, seed=1, n_jobs=1, out=tmp_path)
    told = check_beside(tmp_path, "what_if")
    paths = told["label"].str.endswith("in the study file, in its unit there")
    assert told.index[paths].tolist() == list(changes), "all other columns are described"
    assert told.loc["difference_mcse", "label"] == (
        "Monte Carlo standard error: power less that of the base, paired trial by trial"
    )
    assert told.loc["screened_difference", "unit"] == "candidates"


def test_an_assurance_leaves_with_its_dictionary(tmp_path: Path) -> None:
    ts.assurance(SMALL, "cars1", 16, 1, strata=2, n_jobs=1, out=tmp_path)
    assert check_beside(tmp_path, "assurance").loc["effect", "label"] == "True effect"


def test_a_table_of_sizes_has_no_column_without_a_description() -> None:
    for name in ("value", "power", "mcse", "replicates", "failed"):
        assert column_of("size", name).label


def test_a_column_without_a_description_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"curve\.unheard_of has no description"):
        column_of("curve", "unheard_of")

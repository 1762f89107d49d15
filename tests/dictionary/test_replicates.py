"""Every number that a run keeps of a replicate has a description, in the file beside the parts."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import trialsim as ts
from trialsim.dictionary.replicates import column_of, dictionary_of_parts
from trialsim.replicates.deltas import Deltas
from trialsim.replicates.run import summary_of
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.programme import Programme


@pytest.mark.parametrize("name", sorted(builtin_studies()))
def test_every_number_that_can_be_kept_of_a_built_in_study_is_described(name: str) -> None:
    study, deltas = load_study(name), Deltas((0.0, -5.0), 1.0)
    if isinstance(study, Programme):
        names = summary_of(study).names
    else:
        names = summary_of(study, True, study.monitoring is None, deltas).names
    told = dictionary_of_parts(study, names)
    assert told["column"].tolist() == ["replicate", *names, "reason", "traceback"]
    assert told["label"].str.len().gt(0).all()
    assert not told["label"].str.contains("{", regex=False).any()


def test_what_is_kept_for_a_name_of_the_study_says_the_name() -> None:
    assert column_of("look.first.z").label == "Look first: z statistic"
    assert column_of("secondary per protocol favoured").label.startswith(
        "Secondary analysis per protocol: whether it is favoured"
    )
    told = column_of("estimand death if control")
    assert told[:2] == ("Patients with death, had all been in the control arm", "patients")


def test_a_number_without_a_description_is_an_error() -> None:
    with pytest.raises(KeyError, match="unheard_of has no description"):
        column_of("unheard_of")


def test_a_run_has_the_dictionary_of_its_parts_beside_them(tmp_path: Path) -> None:
    ts.power("cars_sequential", 20, 1, n_jobs=1, out=tmp_path)
    (part,) = (tmp_path / "parts").iterdir()
    told = pd.read_csv(tmp_path / "dictionary.csv").set_index("column")
    assert sorted(told.index) == sorted(pq.read_schema(part).names)
    assert told.loc["estimate", "unit"] == "Mann-Whitney effect"

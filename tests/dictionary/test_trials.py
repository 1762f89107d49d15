"""Every column of every table that leaves has a description, and its type, unit and codes."""

import pytest

from trialsim.datasets import TABLES
from trialsim.dictionary.trials import COLUMNS, column_of, dictionary
from trialsim.scenario.files.builtin import builtin_studies
from trialsim.scenario.files.studies import load_study
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.scenario import Scenario
from trialsim.simulated import simulate

EVENTFUL = load("cars1").replace(
    {
        "operations.drug_related_discontinuation.probability": 0.2,
        "operations.rescue.probability": 0.2,
        "operations.switching": {"probability": 0.2, "to": "placebo"},
        "design.randomisation": "urn",
    }
)
"""With columns that only some studies have."""


def test_every_column_of_every_built_in_study_has_a_label() -> None:
    seen: set[str] = set()
    every = {name: load_study(name) for name in builtin_studies()} | {"eventful": EVENTFUL}
    for name, study in every.items():
        if not isinstance(study, Scenario):
            continue
        few = max(4, len(study.design.arms))
        tables = simulate(study.replace({"design.patients": few}), seed=1).tables()
        assert set(tables) <= set(TABLES)
        found = dictionary(study, tables)
        assert found["label"].str.len().gt(0).all(), name
        assert len(found) == sum(len(table.columns) for table in tables.values())
        seen |= set(found["column"])
    assert set(COLUMNS) <= seen, "what no table has needs no description"


def test_covariates_and_outcomes_are_described_by_the_study() -> None:
    study = load("cars1").replace({"design.patients": 8})
    found = dictionary(study, simulate(study, seed=1).tables())
    rows = found.set_index(["table", "column"])
    assert rows.loc[("screening", "sex"), "codes"] == "female, male"
    assert rows.loc[("screening", "systolic_mmhg"), "unit"] == "mmHg"
    assert rows.loc[("screening", "rapidly_improving"), "type"] == "true or false"
    assert rows.loc[("visits", "gait_velocity"), "unit"] == "m/s"
    assert rows.loc[("visits", "mrs"), "codes"] == "0 to 6 in steps of 1, lower is better"
    assert rows.loc[("visits", "mrs"), "type"] == "whole number"
    assert "minutes" in str(rows.loc[("infusions", "start_minute"), "unit"])
    assert "no chair" in str(rows.loc[("infusions", "status"), "codes"])
    assert rows.loc[("visits", "status"), "codes"] == "attended, missed, withdrawn, died"
    assert rows.loc[("disposition", "status"), "codes"] == "completed, withdrawn, died, ongoing"
    rules = rows.loc[("screening", "failed_rules"), "codes"]
    assert rules == ", ".join((*study.eligibility.inclusion, *study.eligibility.exclusion))


def test_an_outcome_that_bears_the_name_of_a_column_keeps_its_own_description() -> None:
    study = load("stroke_nihss")
    renamed = study.model_copy(update={"outcomes": {"status": study.outcomes["nihss"]}})
    assert column_of(renamed, "visits", "status").label.startswith("Whether the patient came")
    assert column_of(renamed, "visits", "outcome_status").label == study.outcomes["nihss"].label


def test_a_column_without_a_description_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"visits\.unheard_of has no description"):
        column_of(load("cars1"), "visits", "unheard_of")


def test_columns_of_events_that_only_some_studies_have_are_described() -> None:
    trial = simulate(EVENTFUL, seed=2016)
    found = dictionary(trial.scenario, trial.tables()).set_index(["table", "column"])["label"]
    labels = {name: found["disposition", name] for name in ("rescued_minute", "switched_day")}
    assert labels == {"rescued_minute": "Rescued", "switched_day": "Switched"}
    told = found["disposition", "discontinued_for_drug"]
    assert told == "Whether infusions were stopped because of the study drug"

"""A secondary analysis can be asked about as if it were the primary one."""

import pytest

import trialsim as ts
from trialsim.scenario.files.yaml_file import load
from trialsim.scenario.validation.sources import source_of

CARS1 = load("cars1")


def test_the_primary_result_is_then_the_secondary_one_of_the_same_trial() -> None:
    planned = ts.analyse(ts.simulate(CARS1, seed=4)).secondary["global_status"]
    alone = ts.analyse(ts.simulate(CARS1.with_analysis("global_status"), seed=4))
    assert alone.primary == planned
    assert "global_status" not in alone.secondary


def test_its_numbers_keep_the_sources_that_they_had_as_secondary() -> None:
    changed = CARS1.with_analysis("global_status")
    held = source_of("analysis.secondary.global_status.test", CARS1.sources)
    assert source_of("analysis.test", changed.sources) == held
    alpha = source_of("analysis.alpha", CARS1.sources)
    assert source_of("analysis.alpha", changed.sources) == alpha


def test_it_is_another_study_to_which_no_finding_belongs() -> None:
    changed = CARS1.with_analysis("global_status")
    assert changed.digest != CARS1.digest
    assert not changed.findings
    assert not changed.calibrated


def test_an_unknown_one_is_refused_and_the_nearest_offered() -> None:
    with pytest.raises(ts.InputError, match="did you mean global_status"):
        CARS1.with_analysis("global_state")

"""A limit of recruitment stops a trial, which analyses whom it has, or fails it."""

import numpy as np
import pytest

from trialsim.clock import DAY, NEVER
from trialsim.datasets import tables
from trialsim.errors import RecruitmentError
from trialsim.questions.power import power
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import Engine, simulate_batch

CARS1 = load("cars1")
STOPPED = {"operations.recruitment_limit_days": 120, "operations.at_limit": "stop"}
BATCH = Streams(5, range(16))


@pytest.mark.parametrize("engine", ["vector", "events"])
def test_a_trial_that_stops_has_the_patients_of_the_whole_one_before_the_limit(
    engine: Engine,
) -> None:
    """Oracle: the trial without a limit, of whose patients those who came by the limit are left."""
    stopped = simulate_batch(CARS1.replace(STOPPED), BATCH, engine)
    whole = simulate_batch(CARS1, BATCH, engine)
    assert not stopped.failures
    arrival = np.take_along_axis(whole.cohort.arrival, whole.candidate, axis=1)
    early = arrival <= 120 * DAY
    assert early.any(axis=1).all()
    assert not early.all(axis=1).any()
    for replicate in range(16):
        randomised = stopped.conduct.randomised[replicate]
        np.testing.assert_array_equal(
            randomised[randomised < NEVER], whole.conduct.randomised[replicate][early[replicate]]
        )
    recruited = (stopped.conduct.randomised < NEVER).sum(axis=1)
    assert len(tables(stopped)["subjects"]) == recruited.sum()


def test_a_trial_that_stops_analyses_whom_it_has_and_one_that_fails_does_not() -> None:
    result = power(CARS1.replace(STOPPED), replicates=16, seed=5)
    assert result.failed == 0
    analysed = result.columns["treated_analysed"] + result.columns["control_analysed"]
    assert (analysed < 208).all()
    assert (analysed > 0).all()
    assert (result.columns["recruitment_days"] >= 120).all()
    with pytest.raises(RecruitmentError, match="not complete after 120 days"):
        simulate_batch(CARS1.replace({**STOPPED, "operations.at_limit": "fail"}), BATCH)


def test_the_choice_leaves_digests_as_they_were() -> None:
    assert CARS1.replace({"operations.at_limit": "fail"}).digest == CARS1.digest
    assert CARS1.replace({"operations.at_limit": "stop"}).digest != CARS1.digest


def test_the_tables_of_a_trial_that_stopped_hold_whom_it_recruited() -> None:
    stopped = simulate_batch(CARS1.replace(STOPPED), BATCH)
    found = tables(stopped)
    recruited = int((stopped.conduct.randomised < NEVER).sum())
    for name in ("subjects", "disposition"):
        assert len(found[name]) == recruited
        assert (found[name]["replicate"].diff().dropna() >= 0).all()
    assert len(found["visits"]) == 6 * recruited
    assert len(found["infusions"]) == 21 * recruited
    assert (found["screening"]["outcome"] == "randomised").sum() == recruited
    assert (found["screening"]["arrival_minute"] <= 120 * DAY).all()

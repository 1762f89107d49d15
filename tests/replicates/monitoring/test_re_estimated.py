"""What became of sizes that a look set again, against the trials that had them."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.monitoring.finished import FinishedTrial
from trialsim.analysis.monitoring.monitored import monitor
from trialsim.replicates.monitoring.monitored import largest
from trialsim.replicates.monitoring.re_estimated import ReEstimated
from trialsim.reporting.text.power import power_text
from trialsim.scenario.scenario import Scenario
from trialsim.scenario.words.monitoring import boundary_of
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

TRIALS = 192


def study(by: str = "blinded", **more: Any) -> Scenario:
    """Return CARS-1 of 104 patients, whose number a look sets again that may also stop it."""
    plan = {
        "looks": {"first": {"when": {"known": 0.5}}},
        "efficacy": "pocock",
        "planned_effect": 0.66,
        "re_estimation": {"at": "first", "by": by, "power": 0.9, "at_least": 104, "at_most": 150}
        | more,
        "final": {"test": "conventional" if by == "blinded" else "inverse_normal"},
    }
    changes = {"design.patients": 104, "outcomes.arat.effect.value": 0.66, "monitoring": plan}
    found = ts.load("cars1").replace(changes)
    assert isinstance(found, Scenario)
    return found


def re_estimated(result: ts.PowerResult) -> ReEstimated:
    """Return the sizes of a run that has some."""
    assert result.looks is not None
    assert result.looks.re_estimated is not None
    return result.looks.re_estimated


@pytest.fixture(scope="module")
def blinded() -> ts.PowerResult:
    """Return trials whose size is set again between 90 and 150, blinded."""
    return ts.power(study(at_least=90), TRIALS, 5, n_jobs=1)


def test_sizes_are_counted_where_the_trial_went_on_and_recruitment_was_open(
    blinded: ts.PowerResult,
) -> None:
    """Read another way: from the looks of the batch itself."""
    planned = study(at_least=90)
    trial = simulate_batch(largest(planned), Streams(5, range(TRIALS)))
    seen = monitor(FinishedTrial(trial), boundary_of(planned))
    goes_on = (seen.stop == 1) & (seen.moments.randomised_by_decision[:, 0] < 104)
    assert 0 < goes_on.sum() < TRIALS
    found = re_estimated(blinded)
    assert (found.was_set == goes_on).all()
    sizes = seen.patients[goes_on]
    counts = {
        "set_again": goes_on.sum(),
        "enlarged": (sizes > 104).sum(),
        "reduced": (sizes < 104).sum(),
        "at_the_most": (sizes == 150).sum(),
        "at_the_least": (sizes == 90).sum(),
    }
    for what, count in counts.items():
        assert found.share(what).estimate == count / TRIALS
    assert found.spread.mean.estimate == pytest.approx(sizes.mean())
    assert found.spread.mean.mcse == pytest.approx(sizes.std(ddof=1) / np.sqrt(len(sizes)))
    assert found.spread[1:4] == tuple(np.quantile(sizes, [0.05, 0.5, 0.95]))


def test_sizes_stand_in_text_and_in_json(blinded: ts.PowerResult) -> None:
    told = blinded.to_dict()["monitoring"]["re_estimation"]
    assert (told["look"], told["planned"], told["at_least"], told["at_most"]) == (
        "first",
        104,
        90,
        150,
    )
    assert told["enlarged"]["mcse"] > 0
    text = power_text("title", blinded)
    assert "sample size re-estimated at first, of all trials" in text
    assert "at the most, 150" in text


def test_a_study_whose_size_stays_has_no_such_rows() -> None:
    result = ts.power(study().replace({"monitoring.re_estimation": None}), 16, n_jobs=1)
    assert result.looks is not None
    assert result.looks.re_estimated is None
    assert "re_estimation" not in result.to_dict()["monitoring"]


def test_where_no_trial_had_its_size_set_there_is_no_mean() -> None:
    late = study().replace({"monitoring.looks.first.decided_after_days": 400.0})
    result = ts.power(late, 16, n_jobs=1)
    found = re_estimated(result)
    assert found.share("set_again").estimate == 0
    assert np.isnan(found.spread.mean.estimate)
    assert "size where it was set again" in power_text("title", result)

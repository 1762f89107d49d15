"""Restricted mean times of simulated trials."""

from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import trialsim as ts
from tests.analysis.methods.time_to_event.test_times import data_of
from trialsim.analysis.data import Data
from trialsim.analysis.methods.registry import compare, truth_parts
from trialsim.analysis.methods.time_to_event.times import times_of
from trialsim.scenario.files.yaml_file import load
from trialsim.streams import Streams
from trialsim.trial.trial import simulate_batch

STUDY = load("cars1").replace(
    {
        "design.patients": 120,
        "analysis.secondary": {},
        "analysis.missing": "censored",
        "analysis.test": {"method": "restricted_mean", "threshold": 45},
    }
)


def test_the_difference_of_complete_trials_is_that_of_days_recovered() -> None:
    """To the horizon, or to the planned day of the visit where that comes first."""
    trials = simulate_batch(STUDY, Streams(2016, range(3)))
    for changes, horizon in (({}, 90), ({"horizon_days": 30}, 30), ({"horizon_days": 90}, 42)):
        visit = "day_42" if horizon == 42 else "day_90"
        test: dict[str, Any] = {"method": "restricted_mean", "threshold": 45, **changes}
        data, method = data_of(trials, {"test": test}, visit=visit)
        complete = Data(trials, data.plan, complete=True)
        times = times_of(complete, method)
        recovered = np.where(times.event, np.maximum(horizon - times.day, 0), 0)
        means = [
            np.where(times.followed & arm, recovered, 0).sum(axis=1)
            / (times.followed & arm).sum(axis=1)
            for arm in data.arms
        ]
        parts = truth_parts(complete)
        assert_allclose(parts.over, means[0] - means[1], rtol=1e-9)
        assert_array_equal(parts.under, 1)


def test_without_any_event_nothing_is_rejected() -> None:
    deathless = STUDY.replace(
        {
            "operations.death.probability": 0.0,
            "analysis.test": {"method": "restricted_mean", "events": ["death"]},
        }
    )
    found = compare(Data(simulate_batch(deathless, Streams(1, range(2))), deathless.analysis))
    assert_array_equal(found.estimate, 0)
    assert_array_equal(found.p_value, 1)
    assert_array_equal(found.statistic, 0)


def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    """Within 4 Monte Carlo standard errors; where all are followed up the estimate has no bias."""
    staying = STUDY.replace(
        {
            "operations.withdrawal.probability": 0.0,
            "operations.visit_missed_probability": 0.0,
            "analysis.analysis_set": "all_randomised",
        }
    )
    result = ts.power(staying, replicates=600, seed=2016, n_jobs=1)
    assert_allclose(result.bias.estimate, 0, atol=1e-9)
    error = np.sqrt(0.95 * 0.05 / 600)
    assert abs(result.coverage.estimate - 0.95) < 4 * error
    assert result.conventions["estimate"].startswith("Difference of restricted mean times")

"""Days of looks without a trial, against those of trials."""

import numpy as np
import pytest

import trialsim as ts
from trialsim.questions.monitoring.calendar import mean_calendar
from trialsim.scenario.scenario import Scenario

PLAN = {
    "monitoring.efficacy": "none",
    "monitoring.futility": None,
    "monitoring.estimate": "naive",
    "monitoring.interval": "naive",
}


def study(variation: float) -> Scenario:
    """Return a trial that no look stops, whose sites differ so much in their rates."""
    path = "operations.site_rate_coefficient_of_variation"
    found = ts.load("cars_sequential").replace({**PLAN, path: variation})
    assert isinstance(found, Scenario)
    return found


def test_days_are_those_of_trials_where_sites_recruit_at_rates_of_their_own() -> None:
    """Within 2% of the mean of 256 trials; at even rates they come weeks sooner."""
    varied = study(1.0)
    looks = ts.power(varied, 256, 5, n_jobs=1).looks
    assert looks is not None
    found = ts.bounds(varied).looks
    for one in found[:-1]:
        seen = looks.at(one.name, "day")
        assert abs(one.day - seen.estimate) < 0.02 * seen.estimate + 3 * seen.mcse
    even = ts.bounds(study(0.0)).looks
    assert all(one.day > other.day + 10 for one, other in zip(found, even, strict=True))


def test_the_day_of_a_count_is_the_day_by_which_so_many_are_randomised() -> None:
    calendar = mean_calendar(study(0.7))
    for count in (1.0, 30.0, 120.0, 239.0):
        assert calendar.randomised_by(calendar.day_of(count)) == pytest.approx(count)
    days = np.array([calendar.day_of(count) for count in (1.0, 2.0, 50.0, 240.0)])
    assert (np.diff(days, axis=0) > 0).all()

"""Days of looks without a trial, against those of trials."""

from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import trialsim as ts
from trialsim.cli.app import app
from trialsim.errors import RecruitmentError
from trialsim.questions.monitoring.calendar import mean_calendar
from trialsim.questions.monitoring.doubts import doubts
from trialsim.reporting.text.power import power_text
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


LATE = {"when": {"day": 1500}, "planned_share": 0.75}
DOUBTED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a day before the look before it": (
        {"monitoring.looks.second": {**LATE, "when": {"day": 100}}},
        ["looks.second: expected on day 100, but first, which must come before it, on day 307"],
    ),
    "a day after the end": (
        {"monitoring.looks.second": LATE},
        ["looks.second: expected on day 1500, but every endpoint is known from day 475"],
    ),
    "a look at hardly anybody": (
        {"monitoring.looks.first": {"when": {"day": 100}, "planned_share": 0.5}},
        ["looks.first: on day 100 the endpoint of 1.4 patients is expected to be known"],
    ),
    "a look at other information than planned": (
        {"monitoring.looks.first": {"when": {"randomised": 0.6}, "planned_share": 0.5}},
        ["looks.first.planned_share: is 0.5, but 0.31 of the patients are expected"],
    ),
    "decisions after the next look and after the end": (
        {
            "monitoring.looks.first.decided_after_days": 100,
            "monitoring.looks.second.decided_after_days": 400,
        },
        [
            "first.decided_after_days: decision expected on day 407, after the data of second are",
            "second.decided_after_days: decision expected on day 791, but every endpoint is known",
        ],
    ),
    "a decision when recruitment is complete": (
        {
            "operations.site_rate_coefficient_of_variation": 0.0,
            "monitoring.looks.second.decided_after_days": 60,
        },
        ["second.decided_after_days: decision expected on day 429, when all 240 patients are"],
    ),
    "bounds that are out of reach": (
        {"monitoring.efficacy": {"rule": "given_bounds", "z": [8, 8]}},
        [
            "efficacy: z = 8.000 cannot be reached at first: probability 5e-09 under the planned",
            "efficacy: z = 8.000 cannot be reached at second: probability 9e-08 under the planned",
        ],
    ),
    "futility out of reach, and no planned effect": (
        {
            "monitoring.futility": {"scale": "z", "below": -4},
            "monitoring.efficacy": {"rule": "haybittle_peto", "z": 7.5},
            "monitoring.planned_effect": None,
        },
        [
            "z = 7.500 cannot be reached at first: probability 1e-07 under an effect for which one",
            "z = 7.500 cannot be reached at second: probability 1e-06",
            "futility: z below -4.000 cannot be reached at first: probability 3e-05 under no",
            "futility: z below -4.000 cannot be reached at second",
        ],
    ),
}


@pytest.mark.parametrize("name", DOUBTED)
def test_what_is_expected_to_go_wrong_with_looks_is_said(name: str) -> None:
    """Of one list: days against the expected calendar, bounds against their probability."""
    changes, said = DOUBTED[name]
    found = doubts(ts.load("cars_sequential").replace(changes))
    assert len(found) == len(said), found
    for one, wanted in zip(found, said, strict=True):
        assert wanted in one


def test_bounds_told_in_vain_are_warned_of_by_each_command() -> None:
    change = ["--set", "monitoring.looks.second={when: {day: 1500}, planned_share: 0.75}"]
    texts = [
        CliRunner().invoke(app, [command, "cars_sequential", *change]).stdout
        for command in ("bounds", "show")
    ]
    assert all("looks.second: expected on day 1500, but" in text for text in texts)
    found = ts.bounds(ts.load("cars_sequential").replace(DOUBTED["a day after the end"][0]))
    assert found.to_dict()["warnings"] == [*found.warnings]
    assert len(found.warnings) == 1
    assert ts.bounds(ts.load("cars_sequential")).warnings == ()


def test_doubts_are_borne_out_by_trials() -> None:
    """Looks that would not be held are not, in any trial; bounds out of reach stop none."""
    late = ts.load("cars_sequential").replace(DOUBTED["a day after the end"][0])
    found = ts.power(late.replace({"monitoring.efficacy": "none"}), 64, 5, n_jobs=1)
    assert found.looks is not None
    assert found.looks.probability("second", "held").estimate == 0
    text = power_text("title", found)
    for label in ("day of the data cut", "bound on z"):
        (row,) = (line for line in text.splitlines() if line.startswith(label))
        assert row.split()[-1] == "-"


def test_a_study_that_nobody_can_enter_is_told_where_it_is_run() -> None:
    age = "eligibility.inclusion.age"
    change = {f"{age}.at_least": 101, f"{age}.at_most": 102}
    study = ts.load("cars_sequential").replace(change)
    assert doubts(study) == ()
    with pytest.raises(RecruitmentError, match="none of 262,144"):
        ts.bounds(study)

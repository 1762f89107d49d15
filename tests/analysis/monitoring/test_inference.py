"""Estimates and intervals after looks: what they hold, and that they agree with the decision."""

from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.errors import InputError
from trialsim.scenario.scenario import Scenario

TRIALS = 1024


def study(efficacy: str, test: str, by: str | None, **changes: Any) -> Scenario:
    """Return 120 patients with one look, which may set their number again up to 200."""
    rule = {"at": "first", "by": by, "power": 0.9, "at_least": 120, "at_most": 200}
    plan = {
        "design.patients": 120,
        "monitoring.looks.second": None,
        "monitoring.futility": None,
        "monitoring.efficacy": efficacy,
        "monitoring.final.test": test,
        "monitoring.re_estimation": rule if by else None,
        "monitoring.interval": "repeated",
        "monitoring.estimate": "naive",
    }
    found = ts.load("cars_sequential").replace({**plan, **changes})
    assert isinstance(found, Scenario)
    return found


PLANS = {
    "conventional": ("pocock", "conventional", None),
    "stopped": ("pocock", "inverse_normal", "conditional_power"),
    "enlarged": ("none", "inverse_normal", "conditional_power"),
    "promising": ("none", "cui_hung_wang", "promising_zone"),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("theta", [0.5, 0.62])
def test_repeated_intervals_hold_the_effect_and_agree_with_the_decision(
    plan: tuple[str, str, str | None], theta: float
) -> None:
    """At least 95%, but for 3 binomial errors at 1,024 trials."""
    found = ts.power(
        study(*plan).replace({"outcomes.arat.effect.value": theta}),
        TRIALS,
        7,
        n_jobs=1,
    )
    assert found.coverage.estimate > 0.95 - 3 * np.sqrt(0.95 * 0.05 / TRIALS)
    assert ((found.columns["low"] > 0.5) == (found.columns["favoured"] == 1)).all()
    harm = found.columns["rejected"] > found.columns["favoured"]
    assert ((found.columns["high"] < 0.5) == harm).all()


def test_where_no_look_stops_the_interval_of_combined_stages_is_exact() -> None:
    """And half of the estimates lie below the truth, though sizes follow the trend."""
    plan = study("none", "inverse_normal", "conditional_power")
    changes = {"monitoring.estimate": "median_unbiased", "outcomes.arat.effect.value": 0.62}
    found = ts.power(plan.replace(changes), 4096, 7, n_jobs=1)
    error = np.sqrt(0.95 * 0.05 / 4096)
    assert abs(found.coverage.estimate - 0.95) < 3 * error
    below = found.columns["estimate"] < float(found.truth.estimate)
    assert abs(below.mean() - 0.5) < 3 * 0.5 / np.sqrt(4096)
    naive_below = found.columns["naive_estimate"] < float(found.truth.estimate)
    assert naive_below.mean() < below.mean()


def test_the_estimate_of_stages_of_their_planned_sizes_is_nearly_the_naive_one() -> None:
    plan = {"monitoring.estimate": "median_unbiased", "monitoring.re_estimation": None}
    columns = ts.power(study("none", "inverse_normal", None).replace(plan), 64, 7, n_jobs=1).columns
    assert np.abs(columns["estimate"] - columns["naive_estimate"]).max() < 0.03
    assert np.corrcoef(columns["estimate"], columns["naive_estimate"])[0, 1] > 0.98


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"monitoring.final.test": "fisher"}, "interval: must be naive with fisher"),
        (
            {"monitoring.final.test": "fisher", "monitoring.estimate": "median_unbiased"},
            "estimate: must be naive with fisher",
        ),
        ({"monitoring.interval": "stagewise"}, "must be repeated or naive with inverse_normal"),
        (
            {"monitoring.efficacy": "pocock", "monitoring.estimate": "median_unbiased"},
            "unless efficacy is none",
        ),
    ],
)
def test_what_no_combination_gives_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        study("none", "inverse_normal", "promising_zone", **changes)


def test_a_naive_interval_after_combined_stages_says_what_agrees() -> None:
    naive = {"monitoring.interval": "naive"}
    found = ts.bounds(study("none", "inverse_normal", "promising_zone", **naive)).conventions
    assert found["inference"].endswith("an interval that agrees: interval: repeated.")
    product = ts.bounds(study("none", "fisher", "promising_zone", **naive)).conventions
    assert product["inference"].endswith("an interval that agrees: not available.")


def test_futility_in_the_order_is_median_unbiased_where_the_board_obeys_it() -> None:
    """The same 600 trials under an effect of 0.55; 3 binomial standard errors of a half.

    Left out of the order the stop biases by more. Nothing else changes.
    """
    study = ts.load("cars_sequential").replace({"outcomes.arat.effect.value": 0.55})
    left_out, counted = (
        ts.power(study.replace({"monitoring.futility_in_order": order}), 600, 11, n_jobs=1)
        for order in ("if_binding", "always")
    )
    truth, error = float(counted.truth.estimate), np.sqrt(0.25 / 600)
    assert abs((counted.columns["estimate"] < truth).mean() - 0.5) < 3 * error
    assert (left_out.columns["estimate"] < truth).mean() - 0.5 > 3 * error
    for name in counted.columns.keys() - {"estimate", "low", "high"}:
        assert np.array_equal(counted.columns[name], left_out.columns[name], equal_nan=True)
